/** Rekeying and root generation as the API shows them, in both of its forms. */
import type { JsonObject } from "../../logical/json.ts";
import type { GenerateRootStatus } from "../../seal/generate_root.ts";
import type { RekeyResult, RekeyStatus, VerifyStatus } from "../../seal/rekey.ts";
import type { Backup } from "../../seal/backup.ts";

function list(items: readonly string[] | null): string[] | null {
  return items === null ? null : [...items];
}

export function rekeyStatusBody(status: RekeyStatus): JsonObject {
  return {
    nonce: status.nonce,
    started: status.started,
    t: status.threshold,
    n: status.shares,
    progress: status.progress,
    required: status.required,
    pgp_fingerprints: list(status.pgpFingerprints),
    backup: status.backup,
    verification_required: status.verificationRequired,
    ...(status.verificationNonce === "" ? {} : { verification_nonce: status.verificationNonce }),
  };
}

export function rekeyResultBody(result: RekeyResult): JsonObject {
  return {
    nonce: result.nonce,
    complete: true,
    keys: [...result.keys],
    keys_base64: [...result.keysBase64],
    pgp_fingerprints: list(result.pgpFingerprints),
    backup: result.backup,
    verification_required: result.verificationRequired,
    ...(result.verificationNonce === "" ? {} : { verification_nonce: result.verificationNonce }),
  };
}

export function verifyBody(status: VerifyStatus): JsonObject {
  return {
    nonce: status.nonce,
    t: status.threshold,
    n: status.shares,
    progress: status.progress,
    started: true,
  };
}

export function backupBody(backup: Backup): JsonObject {
  const copy = (by: Readonly<Record<string, readonly string[]>>): JsonObject =>
    Object.fromEntries(Object.entries(by).map(([name, items]) => [name, [...items]]));
  return {
    nonce: backup.nonce,
    keys: copy(backup.keys),
    keys_base64: copy(backup.keysBase64),
  };
}

export function generateRootBody(status: GenerateRootStatus): JsonObject {
  return {
    nonce: status.nonce,
    started: status.started,
    progress: status.progress,
    required: status.required,
    complete: status.complete,
    encoded_token: status.encodedToken,
    encoded_root_token: status.encodedToken,
    pgp_fingerprint: status.pgpFingerprint,
    otp: status.otp,
    otp_length: status.otpLength,
  };
}
