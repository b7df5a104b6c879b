/**
 * Configuration keys as data: one table a stanza, from which the reader, the checks, the types,
 * the did-you-mean, the reload list and the help come.
 */

/** JavaScript types of the kinds of values. */
export interface ValueTypes {
  readonly string: string;
  readonly bool: boolean;
  readonly int: number;
  /** Seconds. */
  readonly duration: number;
  /** Bytes. */
  readonly size: number;
  /** A list, or a string with commas. */
  readonly strings: readonly string[];
  /** A map of strings. */
  readonly labels: Readonly<Record<string, string>>;
  /** Header values by status (`default`, `2xx`, `307`) and header name. */
  readonly headers: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Anything, kept as plain data. */
  readonly any: unknown;
}

interface KeyBase {
  /** One sentence for people. */
  readonly help: string;
  /** Names it had before, or has in the peer. */
  readonly aliases?: readonly string[];
  /** Environment variables that override it, the first that is set. */
  readonly env?: readonly string[];
  /** Takes effect on SIGHUP; everything else needs a restart. */
  readonly reload?: boolean;
  /** Never shown or logged. */
  readonly secret?: boolean;
  /** Known from Vault but without effect here: accepted with a warning. */
  readonly noEffect?: boolean;
  /** The only strings allowed. */
  readonly values?: readonly string[];
  /** Bounds of a number. */
  readonly min?: number;
  readonly max?: number;
  /** Durations: `none` means 0. */
  readonly none?: boolean;
}

interface PlainKey<Kind extends keyof ValueTypes> extends KeyBase {
  readonly type: Kind;
  readonly default?: ValueTypes[Kind];
}

/** One block, which always has its defaults. */
interface BlockKey extends KeyBase {
  readonly type: "block";
  readonly of: Table;
}

/** Any number of blocks. */
interface BlocksKey extends KeyBase {
  readonly type: "blocks";
  readonly of: Table;
}

export type KeyDef =
  | { [Kind in keyof ValueTypes]: PlainKey<Kind> }[keyof ValueTypes]
  | BlockKey
  | BlocksKey;

export interface Table {
  readonly [key: string]: KeyDef;
}

type ValueOf<Def extends KeyDef> = Def extends { type: "block"; of: infer Of extends Table }
  ? Typed<Of>
  : Def extends { type: "blocks"; of: infer Of extends Table } ? readonly Typed<Of>[]
  : Def["type"] extends keyof ValueTypes ? ValueTypes[Def["type"]]
  : never;

/** The values of a stanza, under the names that the file has, so that grep finds them. */
export type Typed<T extends Table> = {
  readonly [Key in keyof T]: T[Key] extends { default: unknown } | { of: unknown } ? ValueOf<T[Key]>
    : ValueOf<T[Key]> | undefined;
};

/** Checks values that a reader made against the table they were made by. */
export function isTyped<T extends Table>(table: T, values: unknown): values is Typed<T> {
  if (typeof values !== "object" || values === null) return false;
  const byKey = new Map(Object.entries(values));
  return Object.entries(table).every(([key, def]) => {
    const value: unknown = byKey.get(key);
    if (def.type === "block") return isTyped(def.of, value);
    if (def.type === "blocks") {
      return Array.isArray(value) && value.every((item) => isTyped(def.of, item));
    }
    return value === undefined ? def.default === undefined : hasType(def.type, value);
  });
}

function hasType(type: keyof ValueTypes, value: unknown): boolean {
  if (type === "any") return true;
  if (type === "string") return typeof value === "string";
  if (type === "bool") return typeof value === "boolean";
  if (type === "strings") return Array.isArray(value);
  if (type === "labels" || type === "headers") return typeof value === "object";
  return typeof value === "number";
}
