/**
 * One tree for both forms of HCL 1. A body holds items; an item is a name, maybe followed by
 * labels, and a value: `listener "tcp" { … }` has the keys `listener` and `tcp`, and so has
 * `{"listener": {"tcp": {…}}}` once it is read through `blocks` in query.ts.
 */

/** A place in a text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface HclString {
  readonly kind: "string";
  readonly at: Position;
  readonly value: string;
}

export interface HclNumber {
  readonly kind: "number";
  readonly at: Position;
  readonly value: number;
  /** As written, for instance `0x1F`. */
  readonly text: string;
}

export interface HclBool {
  readonly kind: "bool";
  readonly at: Position;
  readonly value: boolean;
}

/** Exists in the JSON form only, and means that the attribute is not set. */
export interface HclNull {
  readonly kind: "null";
  readonly at: Position;
}

export interface HclList {
  readonly kind: "list";
  readonly at: Position;
  readonly items: readonly HclValue[];
}

export interface HclObject {
  readonly kind: "object";
  readonly at: Position;
  readonly items: readonly HclItem[];
}

export type HclValue = HclString | HclNumber | HclBool | HclNull | HclList | HclObject;

/** A name or a label. */
export interface HclKey {
  readonly at: Position;
  readonly text: string;
}

/** One attribute or block. */
export interface HclItem {
  readonly at: Position;
  /** The name, then the labels. Never empty. */
  readonly keys: readonly [HclKey, ...HclKey[]];
  readonly value: HclValue;
}

/** What a value is called in a message. */
export function describeKind(value: HclValue): string {
  if (value.kind === "list") return "a list";
  if (value.kind === "object") return "a block or map";
  if (value.kind === "null") return "null";
  return value.kind === "bool" ? "true or false" : `a ${value.kind}`;
}
