/** What is told of a key. */
import { fromBase64, toBase64, wipe } from "../../base/bytes.ts";
import type { CryptoProvider } from "../../crypto/provider.ts";
import { toPem } from "../../crypto/keys.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import { deriveKey, ed25519Pkcs8 } from "./derive.ts";
import { keyType } from "./key_types.ts";
import type { KeyPolicy, KeyStore, KeyVersion, Milestone } from "./policy.ts";

/** Bytes before the key in the SubjectPublicKeyInfo of Ed25519 (RFC 8410). */
const ED25519_HEAD_LENGTH = 12;

/** The body of an answer. `context` makes the public keys of a derived key known. */
export async function keyInfo(
  store: KeyStore,
  crypto: CryptoProvider,
  policy: KeyPolicy,
  context: Uint8Array = new Uint8Array(),
): Promise<JsonObject> {
  const type = keyType(policy.type);
  const body: JsonObject = {
    name: policy.name,
    type: policy.type,
    derived: policy.derived,
    deletion_allowed: policy.deletionAllowed,
    min_available_version: policy.minAvailableVersion,
    min_decryption_version: policy.minDecryptionVersion,
    min_encryption_version: policy.minEncryptionVersion,
    latest_version: policy.latestVersion,
    exportable: policy.exportable,
    allow_plaintext_backup: policy.allowPlaintextBackup,
    supports_encryption: type.encrypts,
    supports_decryption: type.encrypts,
    supports_signing: type.signs,
    supports_derivation: type.derives,
    auto_rotate_period: policy.autoRotatePeriod,
    imported_key: policy.imported,
    soft_deleted: policy.softDeleted,
  };
  if (policy.imported) body.imported_key_allow_rotation = policy.allowImportedRotation;
  if (type.family === "hmac") body.key_size = policy.keySize;
  else body.keys = await versionsInfo(store, crypto, policy, context);
  if (policy.derived) addDerivation(body, policy);
  if (policy.backedUp !== undefined) body.backup_info = milestone(policy.backedUp);
  if (policy.restored !== undefined) body.restore_info = milestone(policy.restored);
  return body;
}

function addDerivation(body: JsonObject, policy: KeyPolicy): void {
  body.kdf = policy.kdf;
  if (policy.kdf === "hmac-sha256-counter") body.kdf_mode = policy.kdf;
  body.convergent_encryption = policy.convergent;
  if (policy.convergent) body.convergent_encryption_version = policy.convergentVersion;
}

function milestone({ time, version }: Milestone): JsonObject {
  return { time: rfc3339(time), version };
}

async function versionsInfo(
  store: KeyStore,
  crypto: CryptoProvider,
  policy: KeyPolicy,
  context: Uint8Array,
): Promise<JsonObject> {
  const { name, minDecryptionVersion, latestVersion, type } = policy;
  const infos: JsonObject = {};
  const versions = await store.versions(name, minDecryptionVersion, latestVersion);
  for (const [number, version] of versions) {
    infos[number] = keyType(type).family === "cipher"
      ? Math.trunc(version.created / 1000)
      : pairInfo(crypto, policy, version, context);
  }
  return infos;
}

function pairInfo(
  crypto: CryptoProvider,
  policy: KeyPolicy,
  version: KeyVersion,
  context: Uint8Array,
): JsonObject {
  const isUnknown = policy.derived && context.length === 0;
  return {
    name: keyType(policy.type).label,
    creation_time: rfc3339(version.created),
    public_key: isUnknown
      ? ""
      : publicKeyText(policy, publicKeyOf(crypto, policy, version, context)),
    certificate_chain: chainText(version.certificateChain ?? []),
  };
}

/** SubjectPublicKeyInfo of a version, of the context where the key is derived. */
export function publicKeyOf(
  crypto: CryptoProvider,
  policy: KeyPolicy,
  version: KeyVersion,
  context: Uint8Array,
): Uint8Array {
  if (!policy.derived) return fromBase64(version.publicKey ?? "") ?? new Uint8Array();
  const pkcs8 = fromBase64(version.key ?? "") ?? new Uint8Array();
  const pair = derivedPair(crypto, policy, pkcs8, context);
  wipe(pkcs8);
  const spki = pair.publicKey.spki();
  pair.destroy();
  return spki;
}

/** The pair of a context; the caller destroys it. `pkcs8` is the key that it is derived from. */
export function derivedPair(
  crypto: CryptoProvider,
  policy: KeyPolicy,
  pkcs8: Uint8Array,
  context: Uint8Array,
) {
  const root = ed25519PrivateKey(crypto, pkcs8);
  const seed = deriveKey(crypto, policy, root, context, 32);
  const derived = ed25519Pkcs8(seed);
  const pair = crypto.keys.importPkcs8(derived);
  wipe(root, seed, derived);
  return pair;
}

/** Seed and public key, as Go has them: what contexts derive from. The caller wipes it. */
export function ed25519PrivateKey(crypto: CryptoProvider, pkcs8: Uint8Array): Uint8Array {
  const pair = crypto.keys.importPkcs8(pkcs8);
  const spki = pair.publicKey.spki();
  pair.destroy();
  const out = new Uint8Array(64);
  out.set(pkcs8.subarray(pkcs8.length - 32));
  out.set(spki.subarray(ED25519_HEAD_LENGTH), 32);
  return out;
}

/** A public key as clients are given it: Ed25519 in base64, all others in PEM. */
export function publicKeyText({ type }: Pick<KeyPolicy, "type">, spki: Uint8Array): string {
  if (type === "ed25519") return toBase64(spki.subarray(ED25519_HEAD_LENGTH));
  return toPem("PUBLIC KEY", spki);
}

/** PEM of a chain whose certificates are DER in base64. */
export function chainText(chain: readonly string[]): string {
  return chain.map((der) => toPem("CERTIFICATE", fromBase64(der) ?? new Uint8Array())).join("");
}
