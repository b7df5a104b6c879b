import type { HclItem, HclObject, Position } from "./hcl/ast.ts";
import { readBlocks, toPlain } from "./hcl/query.ts";
import type { Notes } from "./note.ts";
import { readScalar, readValue } from "./read_value.ts";
import { didYouMean } from "./suggest.ts";
import { isTyped, type KeyDef, type Table, type Typed } from "./table.ts";

/** Where a stanza stands. */
export interface ConfigPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A stanza as read: complete values, and which of them were given. */
export interface Stanza<T extends Table> {
  readonly at: ConfigPlace;
  readonly values: Typed<T>;
  /** Plain data of the keys that the file or the environment set, under their present names. */
  readonly given: Readonly<Record<string, unknown>>;
}

export type Env = Readonly<Record<string, string | undefined>>;

/** What reading a stanza needs beside its text. */
export interface ReadContext {
  readonly file: string;
  /** Where the items of one body come from several files. */
  readonly fileOf?: (item: HclItem) => string | undefined;
  readonly env: Env;
  readonly notes: Notes;
  /** Name of the stanza in messages: `listener "tcp"`. */
  readonly name: string;
}

/** Where values of the environment are said to stand. */
export const nowhere: Position = { line: 0, column: 0 };

/** Reads a stanza. Problems become notes, and the key keeps its default. */
export function readStanza<T extends Table>(
  table: T,
  body: HclObject,
  context: ReadContext,
): Stanza<T> {
  const values: Record<string, unknown> = {};
  const given: Record<string, unknown> = {};
  for (const item of body.items) readItem(table, item, context, values, given);
  for (const [key, def] of Object.entries(table)) {
    readEnv(key, def, context, values, given);
    if (key in values) continue;
    values[key] = def.type === "blocks"
      ? []
      : def.type === "block"
      ? readStanza(def.of, { kind: "object", at: body.at, items: [] }, context).values
      : def.default;
  }
  if (!isTyped(table, values)) throw new Error(`${context.name}: read against its own table`);
  return { at: { file: context.file, ...body.at }, values, given };
}

function readItem(
  table: Table,
  item: HclItem,
  context: ReadContext,
  values: Record<string, unknown>,
  given: Record<string, unknown>,
): void {
  const name = item.keys[0].text;
  const { notes } = context;
  const file = context.fileOf?.(item) ?? context.file;
  const key = canonicalKey(table, name);
  const def = key === undefined ? undefined : table[key];
  if (key === undefined || def === undefined) {
    const hint = didYouMean(name, Object.keys(table));
    notes.warn(file, item.at, `unknown key "${name}" in ${context.name}${hint}`);
    return;
  }
  if (def.noEffect === true) {
    notes.warn(file, item.at, `"${name}" in ${context.name} has no effect`);
  }
  if (item.value.kind === "null") return;
  if (def.type === "block" || def.type === "blocks") {
    const read = readNested(def, key, item, context);
    const before = def.type === "blocks" ? values[key] : undefined;
    values[key] = def.type === "block" ? read.at(-1) : [...list(before), ...read];
    given[key] = [toPlain(item.value)].flat();
    return;
  }
  const read = readValue(def, item.value);
  if ("problem" in read) notes.error(file, item.value.at, `"${name}": ${read.problem}`);
  else {
    values[key] = read.value;
    given[key] = plainGiven(def, read.value, item);
  }
}

/** What the sanitised view shows: as written, but blocks in a list, as the peer has them. */
function plainGiven(def: KeyDef, value: unknown, item: HclItem): unknown {
  if (def.type === "bool") return value;
  return def.type === "headers" ? [toPlain(item.value)] : toPlain(item.value);
}

function readNested(
  def: KeyDef & { readonly of: Table },
  key: string,
  item: HclItem,
  context: ReadContext,
): unknown[] {
  const inner = { ...context, name: `${key} in ${context.name}` };
  const blocks = readBlocks(item, 0, ({ at, problem }) => {
    context.notes.error(context.file, at, problem);
  });
  return blocks.map((block) => readStanza(def.of, block.body, inner).values);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function readEnv(
  key: string,
  def: KeyDef,
  { env, notes }: ReadContext,
  values: Record<string, unknown>,
  given: Record<string, unknown>,
): void {
  for (const name of def.env ?? []) {
    const text = env[name] || env[name.replace(/^VAULT_/, "BAO_")];
    if (text === undefined || text === "") continue;
    const read = readScalar(def, text);
    if ("problem" in read) notes.error("environment", nowhere, `${name}: ${read.problem}`);
    else {
      values[key] = read.value;
      given[key] = read.value;
    }
    return;
  }
}

/** The present name of a key, whatever name it was given under; undefined for an unknown one. */
export function canonicalKey(table: Table, name: string): string | undefined {
  if (Object.hasOwn(table, name)) return name;
  return Object.keys(table).find((key) => table[key]?.aliases?.includes(name));
}
