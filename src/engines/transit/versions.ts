/** Versions of keys: which one a request means, and which one made a ciphertext or a signature. */
import { badRequest } from "../../base/failure.ts";
import type { KeyPolicy } from "./policy.ts";

/** What stands before the base64 of whatever this engine makes. */
export function versionPrefix(version: number): string {
  return `vault:v${version}:`;
}

/** The version to make something with; 0 asks for the newest. */
export function outgoingVersion(policy: KeyPolicy, asked: number, what: string): number {
  const { latestVersion, minEncryptionVersion, minDecryptionVersion } = policy;
  if (asked === 0) return latestVersion;
  if (asked < 0) throw badRequest(`requested version for ${what} is negative`);
  if (asked > latestVersion) {
    throw badRequest(`requested version for ${what} is higher than the latest key version`);
  }
  if (asked < minEncryptionVersion) {
    throw badRequest(
      `requested version for ${what} is less than the minimum encryption key version`,
    );
  }
  if (asked < minDecryptionVersion) {
    throw badRequest(
      `requested version for ${what} is less than the minimum decryption key version`,
    );
  }
  return asked;
}

/** What was made before: its version, if that may be used still, and its base64. */
export function readVersioned(
  policy: KeyPolicy,
  text: string,
  what: "ciphertext" | "signature" | "HMAC to verify",
): { version: number; body: string } {
  if (!text.startsWith("vault:v")) throw badRequest(`invalid ${what}: no prefix`);
  const colon = text.indexOf(":", "vault:v".length);
  if (colon < 0) throw badRequest(`invalid ${what}: wrong number of fields`);
  const number = text.slice("vault:v".length, colon);
  if (!/^[+-]?\d{1,15}$/.test(number)) {
    throw badRequest(`invalid ${what}: version number could not be decoded`);
  }
  // Before versions had numbers, ciphertexts were of version 0.
  const version = Number(number) || (what === "ciphertext" ? 1 : 0);
  if (version > policy.latestVersion) throw badRequest(`invalid ${what}: version is too new`);
  if (version < policy.minDecryptionVersion) {
    throw badRequest("ciphertext or signature version is disallowed by policy (too old)");
  }
  return { version, body: text.slice(colon + 1) };
}

/** Throws a 400 for a key that is to be left alone. */
export function requireActive(policy: KeyPolicy): void {
  if (policy.softDeleted) throw badRequest("the key is soft deleted; restore it to use it");
}
