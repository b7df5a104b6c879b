/** Passwords for database users. */
import type { Random } from "../../base/clock.ts";
import {
  generatePassword,
  parsePasswordPolicy,
  type PasswordPolicy,
} from "../../policy/password.ts";
import { readPasswordPolicy } from "../../policy/password_store.ts";
import type { Transaction } from "../../storage/transaction.ts";

function charset(characters: string) {
  return { characters: [...characters], minChars: 1 };
}

/** Without a policy: 20 signs, of each kind that databases ask for at least one. */
const defaultPolicy: PasswordPolicy = {
  length: 20,
  rules: [
    charset("abcdefghijklmnopqrstuvwxyz"),
    charset("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    charset("0123456789"),
    charset("-"),
  ],
};

/** A new password by the named policy, "" for our own. Throws a 404 where there is none. */
export async function makePassword(
  transaction: Transaction,
  policyName: string,
  random: Random,
): Promise<string> {
  const policy = policyName === ""
    ? defaultPolicy
    : parsePasswordPolicy(await readPasswordPolicy(transaction, policyName));
  return generatePassword(policy, random);
}
