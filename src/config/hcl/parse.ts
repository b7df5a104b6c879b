import type { HclItem, HclObject, HclValue } from "./ast.ts";
import { HclError } from "./error.ts";
import { parseNative } from "./hcl.ts";
import { parseJsonForm } from "./json.ts";
import { defaultHclLimits, type HclLimits, Source } from "./source.ts";

/**
 * Parses HCL 1, in its native form or, when the first character is a brace, in its JSON form.
 *
 * Source of the language: the HCL 1 README and its grammar tests, probed against the peer.
 * Blocks may repeat and are all kept in order. Setting an attribute twice is an error.
 *
 * @param file named in errors
 * @throws HclError for malformed text, and text beyond the limits
 */
export function parseHcl(text: string, file = "", limits: HclLimits = defaultHclLimits): HclObject {
  const source = new Source(text, file, limits);
  const body = /^\uFEFF?\s*\{/.test(text) ? parseJsonForm(source) : parseNative(source);
  refuseDuplicates(body, file);
  return body;
}

function refuseDuplicates(value: HclValue, file: string): void {
  if (value.kind === "list") {
    for (const item of value.items) refuseDuplicates(item, file);
    return;
  }
  if (value.kind !== "object") return;
  const seen = new Map<string, HclItem>();
  for (const item of value.items) {
    const name = item.keys[0].text;
    const before = seen.get(name);
    if (before !== undefined && !(isBlock(before.value) && isBlock(item.value))) {
      const { line, column } = item.at;
      const first = `the first one is on line ${before.at.line}`;
      throw new HclError(file, line, column, `${JSON.stringify(name)} is set twice; ${first}`);
    }
    seen.set(name, item);
    refuseDuplicates(item.value, file);
  }
}

/** An object, or the JSON form of several blocks: a list of objects. */
function isBlock(value: HclValue): boolean {
  if (value.kind === "list") return value.items.every((item) => item.kind === "object");
  return value.kind === "object";
}
