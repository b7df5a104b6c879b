/** The keys of a mount: what is said of each, and, apart from it, its secret. */
import { type Bytes, storedText, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import type { View } from "../../storage/transaction.ts";

export type KeyTypeName = "rsa" | "ec" | "ed25519";

export interface KeyInfo {
  readonly id: string;
  /** "" for none. */
  readonly name: string;
  readonly type: KeyTypeName;
  /** SubjectPublicKeyInfo, base64. */
  readonly publicKey: string;
}

/** What is needed to read. */
export type Reader = Pick<Call, "storage" | "cached">;

const infoKey = (id: string) => `config/key/${id}`;
const nameKey = (name: string) => `config/key-name/${name}`;
const defaultKey = "config/keys";

/** Where a key's secret lies, PKCS #8. */
export const secretKey = (id: string) => `config/key-secret/${id}`;

/** The id of the key whose secret changed, of a key of storage; ids are those of one mount only. */
export function changedSecret(key: string): string | undefined {
  // Asked of every key that anybody changes.
  if (!key.startsWith("logical/") || !key.includes("/config/key-secret/")) return undefined;
  const [, , config, kind, id, ...more] = key.split("/", 6);
  return config === "config" && kind === "key-secret" && more.length === 0 ? id : undefined;
}

function decodeInfo(bytes: Bytes): KeyInfo {
  const info: KeyInfo = JSON.parse(storedText(bytes));
  return info;
}

/** Names can't be taken for ids or for the word that stands for the default. */
export function checkRefName(what: string, name: string): void {
  if (name.toLowerCase() === "default") throw badRequest(`reserved ${what} name: default`);
  if (!/^\w(?:[\w.-]*\w)?$/.test(name)) {
    throw badRequest(
      `the ${what} name may only hold letters, digits, dots, dashes and underscores`,
    );
  }
}

/** The default's id; undefined where there is none. */
export async function defaultKeyId(call: Reader): Promise<string | undefined> {
  return (await call.cached(defaultKey, (bytes) => storedText(bytes))) || undefined;
}

export function setDefaultKey(storage: View, id: string | undefined): void {
  if (id === undefined) storage.delete(defaultKey);
  else storage.put(defaultKey, utf8(id));
}

/** The key of an id or name, or "default"; undefined where there is none. */
export async function findKey(call: Reader, ref: string): Promise<KeyInfo | undefined> {
  const id = ref === "default" ? await defaultKeyId(call) : ref;
  if (id === undefined) return undefined;
  const byId = await call.cached(infoKey(id), decodeInfo);
  if (byId !== undefined) return byId;
  const named = await call.cached(nameKey(ref), (bytes) => storedText(bytes));
  return named === undefined ? undefined : await call.cached(infoKey(named), decodeInfo);
}

/** The same; a 400 where there is none. */
export async function requireKey(call: Reader, ref: string): Promise<KeyInfo> {
  const info = await findKey(call, ref);
  if (info === undefined) throw badRequest(`unable to find the key: ${ref}`);
  return info;
}

/** Ids of all keys. */
export async function listKeys(storage: View): Promise<string[]> {
  return await storage.list("config/key/");
}

/** All keys. */
export async function readKeys(storage: View): Promise<KeyInfo[]> {
  const found: KeyInfo[] = [];
  for (const id of await listKeys(storage)) {
    const bytes = await storage.get(infoKey(id));
    if (bytes !== undefined) found.push(decodeInfo(bytes));
  }
  return found;
}

/** Keeps what is said of a key; `before` is what was said of it. */
export function putKeyInfo(storage: View, info: KeyInfo, before?: KeyInfo): void {
  if (before !== undefined && before.name !== "" && before.name !== info.name) {
    storage.delete(nameKey(before.name));
  }
  storage.put(infoKey(info.id), utf8(JSON.stringify(info)));
  if (info.name !== "") storage.put(nameKey(info.name), utf8(info.id));
}

/** Keeps a new key; the first one becomes the default. */
export async function addKey(
  call: Reader,
  info: KeyInfo,
  pkcs8: Uint8Array<ArrayBuffer>,
): Promise<void> {
  putKeyInfo(call.storage, info);
  call.storage.put(secretKey(info.id), pkcs8.slice());
  if (await defaultKeyId(call) === undefined) setDefaultKey(call.storage, info.id);
}

/** A 400 where a name is taken by another key. */
export async function checkKeyName(call: Reader, name: string, ownId = ""): Promise<void> {
  if (name === "") return;
  checkRefName("key", name);
  const other = await findKey(call, name);
  if (other !== undefined && other.id !== ownId) {
    throw badRequest(`a key with the name ${name} exists already`);
  }
}

/** Whether it was the default. */
export async function deleteKey(call: Reader, info: KeyInfo): Promise<boolean> {
  call.storage.delete(infoKey(info.id));
  call.storage.delete(secretKey(info.id));
  if (info.name !== "") call.storage.delete(nameKey(info.name));
  const isDefault = await defaultKeyId(call) === info.id;
  if (isDefault) setDefaultKey(call.storage, undefined);
  return isDefault;
}

/** Reads without a cache, for work that no request asked for. */
export function plainReader(storage: View): Reader {
  return {
    storage,
    cached: async (key, decode) => {
      const bytes = await storage.get(key);
      return bytes === undefined ? undefined : decode(bytes);
    },
  };
}
