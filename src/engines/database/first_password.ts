/** Opens a database with the first of several passwords that is right. */
import { describeError } from "../../base/failure.ts";
import { DatabaseFailure, type OpenSettings } from "./plugin.ts";
import { scrub } from "./statements.ts";

/**
 * Tries the passwords in turn, while the failure is that of a wrong one. Throws `DatabaseFailure`
 * with the last failure's words, without secrets.
 */
export async function withFirstPassword<T>(
  settings: OpenSettings,
  isWrongPassword: (error: unknown) => boolean,
  open: (password: string) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  for (const password of settings.passwords) {
    try {
      return await open(password);
    } catch (error) {
      failure = error;
      if (!isWrongPassword(error)) break;
    }
  }
  const hidden = [...settings.passwords, settings.privateKey];
  throw new DatabaseFailure(scrub(describeError(failure), hidden), true, true);
}
