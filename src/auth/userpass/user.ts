/** A user as it is kept: how to know the password, and what its tokens are like. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { View } from "../../storage/transaction.ts";
import type { FormerNames, FormerValues } from "../common/former_names.ts";
import { shownTokenParams, type TokenParams } from "../common/token_fields.ts";

export interface User {
  readonly passwordHash: string;
  readonly params: TokenParams;
  readonly former: FormerValues;
}

export const formerNames: FormerNames = {
  policies: "token_policies",
  ttl: "token_ttl",
  max_ttl: "token_max_ttl",
  bound_cidrs: "token_bound_cidrs",
};

const prefix = "user/";

/** Names have no case. */
export async function readUser(storage: View, name: string): Promise<User | undefined> {
  const bytes = await storage.get(prefix + name.toLowerCase());
  if (bytes === undefined) return undefined;
  const user: User = JSON.parse(fromUtf8(bytes));
  return user;
}

export function saveUser(storage: View, name: string, user: User): void {
  storage.put(prefix + name.toLowerCase(), utf8(JSON.stringify(user)));
}

export function deleteUser(storage: View, name: string): void {
  storage.delete(prefix + name.toLowerCase());
}

export async function userNames(storage: View): Promise<string[]> {
  return await storage.list(prefix);
}

/** As the API shows it: without the hash. */
export function shownUser(user: User): JsonObject {
  return { ...user.former, ...shownTokenParams(user.params) };
}
