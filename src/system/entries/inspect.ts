/** Tells what a stored entry is, shows it decoded, and says whether a node could read it. */
import { type Bytes, fromUtf8 } from "../../base/bytes.ts";
import { describeError } from "../../base/failure.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../logical/json.ts";
import { CorruptionError } from "../../storage/storage.ts";
import type { View } from "../../storage/transaction.ts";
import { type EntryKind, kinds, type KnownTypes, kvKinds, mountLabel } from "./kinds.ts";

export interface Inspected {
  /** In words: "mount table entry", "token", "secret of secret/ (kv)". */
  readonly type: string;
  /** The document or text; null for bytes that are neither. */
  readonly decoded: JsonValue;
  /** Why it could not be read; "" where it could. Names fields, never values. */
  readonly problem: string;
  /** A node that can't read it does not start. */
  readonly isNeeded: boolean;
}

type Storage = Pick<View, "get">;

/** `storage` is asked for the mount that an entry belongs to. */
export async function inspectEntry(
  storage: Storage,
  key: string,
  value: Bytes,
  known: KnownTypes,
): Promise<Inspected> {
  const own = kindOf(kinds, key);
  if (own !== undefined) return look(own.kind, own.name, own.kind.type, value, known);
  const [, table, uuid = "", rest = ""] = /^(logical|auth)\/([^/]+)\/(.*)$/s.exec(key) ?? [];
  if (table === undefined) return unknown("unknown entry", value);
  const mount = await mountOf(storage, table, uuid);
  if (mount === undefined) return unknown("data of a mount that is not there", value);
  const label = `of ${mountLabel(mount)}`;
  const inKv = mount.type === "kv" ? kindOf(kvKinds, rest) : undefined;
  if (inKv === undefined) return unknown(`data ${label}`, value);
  return look(inKv.kind, inKv.name, `${inKv.kind.type} ${label}`, value, known);
}

/** What is at a key whose value does not open. */
export function inspectUnopened(key: string, problem: string): Inspected {
  const kind = kindOf(kinds, key)?.kind;
  const isNeeded = kind?.isNeeded === true;
  return { type: kind?.type ?? "entry", decoded: null, problem, isNeeded };
}

function kindOf(
  all: readonly EntryKind[],
  key: string,
): { kind: EntryKind; name: string } | undefined {
  for (const kind of all) {
    const found = kind.pattern.exec(key);
    if (found !== null) return { kind, name: found[1] ?? "" };
  }
  return undefined;
}

async function mountOf(
  storage: Storage,
  table: string,
  uuid: string,
): Promise<JsonObject | undefined> {
  const bytes = await readable(storage, `core/${table === "auth" ? "auth" : "mounts"}/${uuid}`);
  const { decoded } = bytes === undefined ? { decoded: null } : decode("json", bytes);
  return isJsonObject(decoded) ? decoded : undefined;
}

/** The mount of an entry may itself be what does not open. */
async function readable(storage: Storage, key: string): Promise<Bytes | undefined> {
  try {
    return await storage.get(key);
  } catch (error) {
    if (error instanceof CorruptionError) return undefined;
    throw error;
  }
}

function look(
  kind: EntryKind,
  name: string,
  type: string,
  value: Bytes,
  known: KnownTypes,
): Inspected {
  const isNeeded = kind.isNeeded === true;
  if (kind.length !== undefined && value.length !== kind.length) {
    const problem = `it has ${value.length} bytes, not ${kind.length}`;
    return { type, decoded: null, problem, isNeeded };
  }
  const { decoded, problem } = decode(kind.form, value);
  const wrong = problem !== "" ? problem : kind.check?.(decoded, name, known) ?? "";
  return { type, decoded, problem: wrong, isNeeded };
}

function decode(
  form: EntryKind["form"],
  value: Bytes,
): { decoded: JsonValue; problem: string } {
  if (form === "bytes") return { decoded: null, problem: "" };
  let text: string;
  try {
    text = fromUtf8(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { decoded: null, problem: "it is no text" };
  }
  if (form === "text") return { decoded: text, problem: "" };
  try {
    return { decoded: parseJson(text) ?? null, problem: "" };
  } catch (error) {
    return { decoded: text, problem: `it is no JSON (${place(describeError(error))})` };
  }
}

/** Where a parser stopped, without the text that it stopped at: that may be a secret. */
function place(message: string): string {
  return /(?:position|column|line) \d+/.exec(message)?.[0] ?? "not well formed";
}

/** Shown as far as it can be; nobody knows what it must be. */
function unknown(type: string, value: Bytes): Inspected {
  const asJson = decode("json", value);
  const { decoded } = asJson.problem === "" ? asJson : decode("text", value);
  return { type, decoded, problem: "", isNeeded: false };
}
