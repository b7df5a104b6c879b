/** Opens values as Vault and OpenBao encrypt them, and the keyring that holds their keys. */
import {
  isBelowBarrier,
  KEYRING_KEY,
  SEAL_CONFIG_KEY,
  STORED_ROOT_KEY,
} from "../barrier/physical.ts";
import { type Bytes, fromBase64, fromUtf8, utf8, wipe } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { type CryptoProvider, DecryptError, type GcmKey } from "../crypto/provider.ts";
import { isJsonObject, type JsonValue, parseJson } from "../logical/json.ts";
import { combineShares, parseKeyShare } from "../seal/shares.ts";
import { UnreadableError } from "./unreadable.ts";
import { Message } from "./wire.ts";

/** Whether a value is not the barrier's: what it is opened with, and the locks of nodes. */
export function isBesideBarrier(key: string): boolean {
  return isBelowBarrier(key) || key === "core/lock" || key === "core/initialize-lock";
}

const termBytes = 4;
const headerBytes = 5;
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
const nothing = new Uint8Array(0);

type Stored = (key: string) => Promise<Bytes | undefined>;

/** How the unseal key of the other program is split. */
export interface ForeignSeal {
  readonly type: string;
  readonly shares: number;
  readonly threshold: number;
}

/** Throws a 400 where the file has no seal that people's shares open. */
export async function readForeignSeal(stored: Stored): Promise<ForeignSeal> {
  const bytes = await stored(SEAL_CONFIG_KEY);
  if (bytes === undefined) throw badRequest(`there is no ${SEAL_CONFIG_KEY} in it`);
  const config = jsonOf(bytes);
  const read = (name: string) => isJsonObject(config) ? config[name] : undefined;
  const { type = "shamir", shares, threshold } = {
    type: read("type"),
    shares: read("secret_shares"),
    threshold: read("secret_threshold"),
  };
  if (typeof type !== "string" || typeof shares !== "number" || typeof threshold !== "number") {
    throw badRequest(`${SEAL_CONFIG_KEY} does not tell how the key is split`);
  }
  if (type !== "shamir") {
    throw badRequest(
      `it is sealed by "${type}", whose key is not in people's hands: migrate it to shamir ` +
        "where it runs, and take another snapshot",
    );
  }
  return { type, shares, threshold };
}

export class VaultBarrier {
  readonly #keys: ReadonlyMap<number, GcmKey>;

  private constructor(keys: ReadonlyMap<number, GcmKey>) {
    this.#keys = keys;
  }

  /** Throws a 400 `Failure` where the shares are malformed, too few or wrong. */
  static async open(
    stored: Stored,
    shares: readonly string[],
    crypto: CryptoProvider,
  ): Promise<VaultBarrier> {
    const { threshold } = await readForeignSeal(stored);
    const unsealKey = await combined(shares, threshold);
    const rootKey = await openRootKey(stored, unsealKey, crypto);
    try {
      return new VaultBarrier(await openKeyring(stored, rootKey, crypto));
    } finally {
      wipe(unsealKey, rootKey);
    }
  }

  /** The value of a key. Throws `UnreadableError`. */
  decrypt(key: string, frame: Bytes): Bytes {
    const gcm = frame.length < headerBytes + nonceBytes + tagBytes
      ? undefined
      : this.#keys.get(termOf(frame));
    if (gcm === undefined) throw new UnreadableError("no key of the keyring is for it");
    return openFrame(gcm, key, frame);
  }

  close(): void {
    for (const key of this.#keys.values()) key.destroy();
  }
}

function termOf(frame: Bytes): number {
  return new DataView(frame.buffer, frame.byteOffset, termBytes).getUint32(0);
}

function openFrame(gcm: GcmKey, key: string, frame: Bytes): Bytes {
  const version = frame[termBytes];
  if (version !== 1 && version !== 2) throw new UnreadableError("its encryption is unknown");
  const body = headerBytes + nonceBytes;
  try {
    const associated = version === 2 ? utf8(key) : nothing;
    return gcm.open(frame.subarray(headerBytes, body), frame.subarray(body), associated);
  } catch (error) {
    if (!(error instanceof DecryptError)) throw error;
    throw new UnreadableError("it does not open: damaged, or moved", { cause: error });
  }
}

async function combined(texts: readonly string[], threshold: number): Promise<Bytes> {
  const shares = new Map(texts.map((text) => [text, parseKeyShare(text)]));
  try {
    if (shares.size < threshold) {
      throw badRequest(`${threshold} different unseal keys are needed, ${shares.size} were given`);
    }
    return await combineShares([...shares.values()].slice(0, threshold));
  } finally {
    wipe(...shares.values());
  }
}

function wrongKeys(cause?: unknown): Error {
  return badRequest("the unseal keys are not those of this file", cause);
}

async function openRootKey(stored: Stored, unseal: Bytes, crypto: CryptoProvider): Promise<Bytes> {
  if (unseal.length !== keyBytes) throw wrongKeys();
  const wrapped = await stored(STORED_ROOT_KEY);
  if (wrapped === undefined) return unseal.slice();
  const sealed = new Message(wrapped).bytes(1);
  const gcm = crypto.gcmKey(unseal);
  let plain: Bytes;
  try {
    plain = gcm.open(sealed.subarray(0, nonceBytes), sealed.subarray(nonceBytes), nothing);
  } catch (error) {
    if (!(error instanceof DecryptError)) throw error;
    throw wrongKeys(error);
  } finally {
    gcm.destroy();
  }
  try {
    return firstKey(plain);
  } finally {
    wipe(plain);
  }
}

function firstKey(plain: Bytes): Bytes {
  const list = jsonOf(plain);
  const [first] = Array.isArray(list) ? list : [];
  const key = typeof first === "string" ? fromBase64(first) : undefined;
  if (key?.length !== keyBytes) throw badRequest(`${STORED_ROOT_KEY} holds no root key`);
  return key;
}

async function openKeyring(
  stored: Stored,
  rootKey: Bytes,
  crypto: CryptoProvider,
): Promise<Map<number, GcmKey>> {
  const frame = await stored(KEYRING_KEY);
  if (frame === undefined) throw badRequest(`there is no ${KEYRING_KEY} in it`);
  const gcm = crypto.gcmKey(rootKey);
  let plain: Bytes;
  try {
    plain = openFrame(gcm, KEYRING_KEY, frame);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    throw wrongKeys(error);
  } finally {
    gcm.destroy();
  }
  try {
    return keysOf(jsonOf(plain), crypto);
  } finally {
    wipe(plain);
  }
}

function keysOf(keyring: JsonValue, crypto: CryptoProvider): Map<number, GcmKey> {
  const list = isJsonObject(keyring) && Array.isArray(keyring.Keys) ? keyring.Keys : [];
  const keys = new Map<number, GcmKey>();
  for (const item of list) {
    const { Term: term, Value: text } = isJsonObject(item) ? item : {};
    const value = typeof text === "string" ? fromBase64(text) : undefined;
    if (typeof term !== "number" || value?.length !== keyBytes) {
      throw badRequest(`${KEYRING_KEY} holds a key that is not understood`);
    }
    keys.set(term, crypto.gcmKey(value));
    wipe(value);
  }
  return keys;
}

function jsonOf(bytes: Bytes): JsonValue {
  try {
    return parseJson(fromUtf8(bytes));
  } catch (error) {
    // What could not be parsed may be a key.
    throw new UnreadableError("it is no JSON", { cause: error instanceof Error ? error.name : "" });
  }
}
