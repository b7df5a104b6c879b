/** OpenPGP (RFC 9580) for shares and tokens; the library is loaded when it is first needed. */
import { type Bytes, fromBase64 } from "../base/bytes.ts";
import { badRequest, describeError } from "../base/failure.ts";

/** A public key that secrets are encrypted for. */
export interface PgpKey {
  /** Lower-case hexadecimal, as the API shows it. */
  readonly fingerprint: string;
  /** A binary OpenPGP message with the text. */
  encrypt(text: string): Promise<Bytes>;
}

/**
 * Reads a public key, base64 of its binary form. `nowMs` decides whether it has expired. Throws a
 * 400 `Failure` that begins with `prefix` where it is no key or can't be used for encryption.
 */
export async function parsePgpKey(text: string, nowMs: number, prefix = ""): Promise<PgpKey> {
  const binaryKey = fromBase64(text);
  if (binaryKey === undefined) {
    throw badRequest(`${prefix}error decoding given PGP key: illegal base64 data`);
  }
  const pgp = await import("openpgp");
  const date = new Date(nowMs);
  try {
    const key = await pgp.readKey({ binaryKey });
    await key.getEncryptionKey(undefined, date);
    return {
      fingerprint: key.getFingerprint(),
      async encrypt(plain) {
        const message = await pgp.createMessage({ text: plain, date });
        const made = await pgp.encrypt({ message, encryptionKeys: key, date, format: "binary" });
        return new Uint8Array(made);
      },
    };
  } catch (cause) {
    throw badRequest(`${prefix}error parsing given PGP key: ${describeError(cause)}`, cause);
  }
}

/** Reads several, in order. */
export async function parsePgpKeys(
  texts: readonly string[],
  nowMs: number,
  prefix: string,
): Promise<PgpKey[]> {
  const keys: PgpKey[] = [];
  for (const text of texts) keys.push(await parsePgpKey(text, nowMs, prefix));
  return keys;
}
