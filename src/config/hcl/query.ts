import type { HclItem, HclKey, HclObject, HclValue, Position } from "./ast.ts";

/** A block with its labels, from whichever form it was written in. */
export interface HclBlock {
  readonly at: Position;
  readonly name: string;
  readonly labels: readonly HclKey[];
  readonly body: HclObject;
}

/** Where the labels or the body of a block should have been but something else was. */
export interface NotABlock {
  readonly at: Position;
  readonly problem: string;
}

/**
 * Reads an item as blocks with exactly `labels` labels. One item may be several blocks: in
 * `{"path": {"a": {}, "b": {}}}` and `{"listener": [{"tcp": {}}, {"tcp": {}}]}` the labels are keys
 * of nested objects. Native blocks that lack labels are read the same way (`path { "a" { … } }`).
 */
export function readBlocks(
  item: HclItem,
  labels: number,
  onError: (error: NotABlock) => void,
): HclBlock[] {
  const out: HclBlock[] = [];
  const given = item.keys.slice(1);
  if (given.length > labels) {
    const extra = given[labels] ?? item.keys[0];
    const problem = `${JSON.stringify(item.keys[0].text)} takes ${countLabels(labels)}`;
    onError({ at: extra.at, problem });
    return out;
  }
  const visit = (value: HclValue, path: readonly HclKey[], at: Position): void => {
    if (value.kind === "list") {
      for (const element of value.items) visit(element, path, element.at);
    } else if (value.kind !== "object") {
      const missing = path.length < labels ? `${countLabels(labels)} and ` : "";
      const problem = `${JSON.stringify(item.keys[0].text)} needs ${missing}a block in braces`;
      onError({ at: value.at, problem });
    } else if (path.length === labels) {
      out.push({ at, name: item.keys[0].text, labels: path, body: value });
    } else {
      visitLabels(value, path);
    }
  };
  const visitLabels = (value: HclObject, path: readonly HclKey[]): void => {
    if (value.items.length === 0) {
      const problem = `${JSON.stringify(item.keys[0].text)} takes ${countLabels(labels)}`;
      onError({ at: item.at, problem });
    }
    for (const inner of value.items) {
      const keys = [...path, ...inner.keys];
      if (keys.length > labels) {
        const problem = `${JSON.stringify(item.keys[0].text)} takes ${countLabels(labels)}`;
        onError({ at: inner.at, problem });
      } else visit(inner.value, keys, inner.at);
    }
  };
  visit(item.value, given, item.at);
  return out;
}

function countLabels(count: number): string {
  if (count === 0) return "no label";
  return count === 1 ? "one label" : `${count} labels`;
}

/** The plain JavaScript value: objects become records, their blocks nested under their labels. */
export function toPlain(value: HclValue): unknown {
  switch (value.kind) {
    case "null":
      return null;
    case "list":
      return value.items.map(toPlain);
    case "object":
      return Object.fromEntries(value.items.map((item) => [item.keys[0].text, plainItem(item, 1)]));
    default:
      return value.value;
  }
}

function plainItem(item: HclItem, depth: number): unknown {
  const label = item.keys[depth];
  if (label === undefined) return toPlain(item.value);
  return { [label.text]: plainItem(item, depth + 1) };
}
