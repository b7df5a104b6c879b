import { Failure } from "../base/failure.ts";
import type { Position } from "../config/hcl/ast.ts";
import { HclError } from "../config/hcl/error.ts";
import { parseHcl } from "../config/hcl/parse.ts";
import { readBlocks } from "../config/hcl/query.ts";
import { readRule } from "./parse_rule.ts";
import type { ParsedPolicy, PolicyRule } from "./policy.ts";

/** Characters of text; Vault stores no entry above 1 MiB either. */
const sizeMax = 1024 * 1024;
const depthMax = 40;

/**
 * Parses an ACL policy in HCL or JSON.
 *
 * @param name goes into decisions and explanations
 * @throws Failure 400 that names line, column and what is wrong
 */
export function parsePolicy(text: string, name = ""): ParsedPolicy {
  try {
    const rules = readRules(text);
    return { name, rules, templated: rules.some((rule) => rule.templated) };
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    throw new Failure(400, `failed to parse policy: ${error.message}`, { cause: error });
  }
}

function readRules(text: string): PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const item of parseHcl(text, "", { sizeMax, depthMax }).items) {
    const key = item.keys[0];
    if (key.text === "name" && item.value.kind === "string") continue;
    if (key.text !== "path") refuse(key.at, `invalid key "${key.text}"; expected path`);
    for (const block of readBlocks(item, 1, ({ at, problem }) => refuse(at, problem))) {
      const label = block.labels[0];
      if (label !== undefined) rules.push(readRule(label.text, label.at, block.body));
    }
  }
  return rules;
}

function refuse(at: Position, problem: string): never {
  throw new HclError("", at.line, at.column, problem);
}
