/** Where password policies lie. */
import { storedText } from "../base/bytes.ts";
import { notFound } from "../base/failure.ts";
import type { View } from "../storage/transaction.ts";

export const passwordPolicyPrefix = "core/password-policies/";

/** The text of a password policy. Throws a 404. */
export async function readPasswordPolicy(storage: View, name: string): Promise<string> {
  const bytes = await storage.get(passwordPolicyPrefix + name);
  if (bytes === undefined) throw notFound("there is no password policy of this name");
  return storedText(bytes);
}
