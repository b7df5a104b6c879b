/** Making keys and their versions. */
import { toBase64, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { Platform } from "../../core/backend.ts";
import { HMAC_KEY_SIZES, type KeyType, keyType } from "./key_types.ts";
import type { KeyPolicy, KeyStore, KeyVersion } from "./policy.ts";

/** The newest way to make nonces of convergent encryption. */
const CONVERGENT_VERSION = 3;

const HMAC_KEY_LENGTH = 32;

const leastRotationPeriod = 3600;

/** What a client says of a new key. */
export interface KeySettings {
  readonly derived: boolean;
  readonly convergent: boolean;
  readonly exportable: boolean;
  readonly allowPlaintextBackup: boolean;
  /** Seconds. */
  readonly autoRotatePeriod: number;
  /** Bytes; HMAC keys only. */
  readonly keySize: number;
}

export const plainSettings: KeySettings = {
  derived: false,
  convergent: false,
  exportable: false,
  allowPlaintextBackup: false,
  autoRotatePeriod: 0,
  keySize: 0,
};

/** A key without versions. Throws a 400 for settings that do not go together. */
export function newPolicy(name: string, type: KeyType, settings: KeySettings): KeyPolicy {
  checkSettings(type, settings);
  return {
    name,
    type: type.name,
    keySize: settings.keySize,
    derived: settings.derived,
    kdf: "hkdf_sha256",
    convergent: settings.convergent,
    convergentVersion: settings.convergent ? -1 : 0,
    exportable: settings.exportable,
    allowPlaintextBackup: settings.allowPlaintextBackup,
    deletionAllowed: false,
    softDeleted: false,
    imported: false,
    allowImportedRotation: false,
    autoRotatePeriod: settings.autoRotatePeriod,
    latestVersion: 0,
    latestCreated: 0,
    minDecryptionVersion: 1,
    minEncryptionVersion: 0,
    minAvailableVersion: 0,
  };
}

function checkSettings(type: KeyType, settings: KeySettings): void {
  const { derived, convergent, keySize } = settings;
  if (derived && !type.derives) {
    throw badRequest(`key derivation is not supported for keys of type ${type.name}`);
  }
  if (convergent && !derived) {
    throw badRequest("convergent encryption requires derivation to be enabled");
  }
  if (convergent && !type.encrypts) {
    throw badRequest(`convergent encryption is not supported for keys of type ${type.name}`);
  }
  checkRotationPeriod(settings.autoRotatePeriod);
  if (type.family !== "hmac") {
    if (keySize !== 0) throw badRequest("key_size is for keys of type hmac only");
  } else if (keySize < HMAC_KEY_SIZES.least || keySize > HMAC_KEY_SIZES.most) {
    const { least, most } = HMAC_KEY_SIZES;
    throw badRequest(`invalid key_size ${keySize}; must be ${least} to ${most} bytes`);
  }
}

/** Throws a 400 for a period that is too short. */
export function checkRotationPeriod(seconds: number): void {
  if (seconds === 0 || seconds >= leastRotationPeriod) return;
  throw badRequest("auto rotate period must be 0 to disable or at least an hour");
}

/** Adds a version of fresh secrets and makes it the newest. RSA takes up to seconds. */
export async function addVersion(
  store: KeyStore,
  platform: Platform,
  policy: KeyPolicy,
): Promise<KeyPolicy> {
  const version = await makeVersion(platform, policy);
  return await putNewest(store, { ...policy, imported: false }, version);
}

/** Keeps a version as the newest. */
export async function putNewest(
  store: KeyStore,
  policy: KeyPolicy,
  version: KeyVersion,
): Promise<KeyPolicy> {
  const latestVersion = policy.latestVersion + 1;
  const next = { ...policy, latestVersion, latestCreated: version.created };
  store.putVersion(policy.name, latestVersion, version);
  await store.putPolicy(next);
  return next;
}

async function makeVersion(platform: Platform, policy: KeyPolicy): Promise<KeyVersion> {
  const { clock, random, crypto } = platform;
  const type = keyType(policy.type);
  const rest = {
    created: clock.now(),
    convergentVersion: policy.convergentVersion === -1 ? CONVERGENT_VERSION : 0,
  };
  const secret = (length: number) => {
    const bytes = random.bytes(length);
    const text = toBase64(bytes);
    wipe(bytes);
    return text;
  };
  if (type.family === "hmac") {
    const key = secret(policy.keySize);
    return { ...rest, key, hmacKey: key };
  }
  const hmacKey = secret(HMAC_KEY_LENGTH);
  if (type.pair === undefined) return { ...rest, key: secret(type.keyLength), hmacKey };
  const pair = await crypto.keys.generate(type.pair);
  const pkcs8 = pair.pkcs8();
  const publicKey = toBase64(pair.publicKey.spki());
  const made = { ...rest, key: toBase64(pkcs8), publicKey, hmacKey };
  wipe(pkcs8);
  pair.destroy();
  return made;
}

/** A version of secrets from elsewhere: a symmetric key, a pair's PKCS #8, or its public half. */
export function givenVersion(
  { clock, random }: Platform,
  type: KeyType,
  secrets: { readonly key?: Uint8Array; readonly publicKey?: Uint8Array },
): KeyVersion {
  const { key, publicKey } = secrets;
  const own = random.bytes(HMAC_KEY_LENGTH);
  const hmacKey = toBase64(type.family === "hmac" && key !== undefined ? key : own);
  wipe(own);
  return {
    created: clock.now(),
    convergentVersion: 0,
    hmacKey,
    ...(key === undefined ? {} : { key: toBase64(key) }),
    ...(publicKey === undefined ? {} : { publicKey: toBase64(publicKey) }),
  };
}
