/**
 * Password policies: how long a generated password is and which characters it is made of.
 *
 *     length = 20
 *     rule "charset" { charset = "abc…" min-chars = 1 }
 */
import type { Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import { HclError } from "../config/hcl/error.ts";
import type { HclObject, HclValue } from "../config/hcl/ast.ts";
import { parseHcl } from "../config/hcl/parse.ts";
import { readBlocks } from "../config/hcl/query.ts";

export interface CharsetRule {
  /** Each character once. */
  readonly characters: readonly string[];
  readonly minChars: number;
}

export interface PasswordPolicy {
  readonly length: number;
  readonly rules: readonly CharsetRule[];
}

const lengths = { min: 4, max: 100 };

/** Reads a policy. Throws a 400 that says what is wrong, with its line and column. */
export function parsePasswordPolicy(text: string): PasswordPolicy {
  let root: HclObject;
  try {
    root = parseHcl(text);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    throw badRequest(`failed to parse password policy: ${error.message}`, error);
  }
  let length = 0;
  const rules: CharsetRule[] = [];
  for (const item of root.items) {
    const name = item.keys[0].text;
    if (name === "length") length = integer("length", item.value);
    else if (name === "rule") {
      const blocks = readBlocks(item, 1, ({ problem }) => {
        throw badRequest(`failed to parse password policy: ${problem}`);
      });
      for (const { labels: [kind], body } of blocks) rules.push(readRule(kind?.text ?? "", body));
    } else throw badRequest(`failed to parse password policy: unknown key "${name}"`);
  }
  const policy = { length, rules };
  check(policy);
  return policy;
}

function integer(name: string, value: HclValue): number {
  if (value.kind === "number" && Number.isInteger(value.value)) return value.value;
  throw badRequest(`failed to parse password policy: "${name}" must be a whole number`);
}

function readRule(kind: string, body: HclObject): CharsetRule {
  if (kind !== "charset") throw badRequest(`failed to parse password policy: no rule "${kind}"`);
  let characters: string[] = [];
  let minChars = 0;
  for (const { keys: [key], value } of body.items) {
    if (key.text === "charset" && value.kind === "string") {
      characters = [...new Set([...value.value])];
    } else if (key.text === "min-chars") minChars = integer("min-chars", value);
    else throw badRequest(`failed to parse password policy: unknown key "${key.text}" in a rule`);
  }
  if (characters.length === 0) throw badRequest("a charset rule needs a charset");
  if (characters.some((c) => /\p{C}/u.test(c))) {
    throw badRequest("a charset may hold only printable characters");
  }
  return { characters, minChars };
}

function check({ length, rules }: PasswordPolicy): void {
  if (length < lengths.min || length > lengths.max) {
    throw badRequest(`length must be from ${lengths.min} to ${lengths.max}`);
  }
  if (rules.length === 0) throw badRequest("the policy needs at least one charset rule");
  if (rules.some(({ minChars }) => minChars < 0)) throw badRequest("min-chars cannot be negative");
  const needed = rules.reduce((sum, { minChars }) => sum + minChars, 0);
  if (needed > length) throw badRequest("the rules need more characters than the length allows");
}

/** An index below `count`, each equally likely. */
function below(random: Random, count: number): number {
  const most = 2 ** 32 - 2 ** 32 % count;
  for (;;) {
    const drawn = new DataView(random.bytes(4).buffer).getUint32(0);
    if (drawn < most) return drawn % count;
  }
}

/**
 * A password that keeps the policy, each such password equally likely but for the places that the
 * rules reserve: those are filled first, the rest drawn from all characters, then all is shuffled.
 */
export function generatePassword(policy: PasswordPolicy, random: Random): string {
  const all = [...new Set(policy.rules.flatMap(({ characters }) => characters))];
  const pick = (from: readonly string[]) => from[below(random, from.length)] ?? "";
  const chosen: string[] = [];
  for (const { characters, minChars } of policy.rules) {
    for (let i = 0; i < minChars; i++) chosen.push(pick(characters));
  }
  while (chosen.length < policy.length) chosen.push(pick(all));
  for (let i = chosen.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    [chosen[i], chosen[j]] = [chosen[j] ?? "", chosen[i] ?? ""];
  }
  return chosen.join("");
}
