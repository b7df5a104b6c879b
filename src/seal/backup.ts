/** PGP-encrypted copies of new shares, kept below the barrier until their holders have them. */
import { type Bytes, fromHex, fromUtf8, toBase64, utf8 } from "../base/bytes.ts";
import { CorruptionError } from "../storage/storage.ts";
import type { KeyOutput } from "./key_output.ts";

export interface Backup {
  /** Of the rekey that made it. */
  readonly nonce: string;
  /** Fingerprint to PGP messages, hexadecimal. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** The same, base64. */
  readonly keysBase64: Readonly<Record<string, readonly string[]>>;
}

/** The stored form of shares that were encrypted. */
export function encodeBackup(nonce: string, output: KeyOutput): Bytes {
  const keys: Record<string, string[]> = {};
  for (const [i, fingerprint] of (output.pgpFingerprints ?? []).entries()) {
    const message = output.keys[i];
    if (message !== undefined) (keys[fingerprint] ??= []).push(message);
  }
  return utf8(JSON.stringify({ nonce, keys }));
}

/** The reverse. Throws `CorruptionError`. */
export function decodeBackup(bytes: Bytes): Backup {
  const json: unknown = JSON.parse(fromUtf8(bytes));
  if (!isBackup(json)) throw new CorruptionError("the backup of key shares is malformed");
  const keysBase64: Record<string, string[]> = {};
  for (const [fingerprint, messages] of Object.entries(json.keys)) {
    keysBase64[fingerprint] = messages.map((hex) => toBase64(fromHex(hex) ?? new Uint8Array()));
  }
  return { nonce: json.nonce, keys: json.keys, keysBase64 };
}

function isBackup(json: unknown): json is { nonce: string; keys: Record<string, string[]> } {
  if (typeof json !== "object" || json === null || !("nonce" in json) || !("keys" in json)) {
    return false;
  }
  const { nonce, keys } = json;
  return typeof nonce === "string" && typeof keys === "object" && keys !== null &&
    Object.values(keys).every((list) =>
      Array.isArray(list) && list.every((item) => typeof item === "string")
    );
}
