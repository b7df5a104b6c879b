/**
 * Named keys that sign identity tokens. A key is a ring: one signs, those before it verify until
 * the last token they signed has ended. It turns by itself when it is used after its time.
 */
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { fromUtf8, utf8 } from "../../../base/bytes.ts";
import type { Random } from "../../../base/clock.ts";
import type { Call } from "../../../core/backend.ts";

export const signingAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

export type SigningAlgorithm = typeof signingAlgorithms[number];

interface RingKey {
  readonly kid: string;
  readonly publicKey: JWK;
  /** Only of the one that signs. */
  readonly privateKey: JWK | null;
  /** Milliseconds since the epoch; 0 while it signs. */
  readonly verifiesUntil: number;
}

/** Times in seconds. */
export interface OidcKey {
  readonly algorithm: SigningAlgorithm;
  readonly rotationPeriod: number;
  readonly verificationTtl: number;
  readonly allowedClientIds: readonly string[];
  /** Milliseconds since the epoch. */
  readonly rotatesAt: number;
  /** The last one signs. */
  readonly ring: readonly RingKey[];
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: JWK;
  readonly algorithm: SigningAlgorithm;
}

export const keyPrefix = "oidc/key/";
/** Always there; made when it is first needed. */
export const defaultKeyName = "default";

const day = 24 * 3600;

type KeySettings = Omit<OidcKey, "ring" | "rotatesAt">;

const defaultSettings: KeySettings = {
  algorithm: "RS256",
  rotationPeriod: day,
  verificationTtl: day,
  allowedClientIds: ["*"],
};

/** Where keys are made and kept. */
export interface KeyKeeper {
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export async function readKey(
  call: Call,
  keeper: KeyKeeper,
  name: string,
): Promise<OidcKey | undefined> {
  const bytes = await call.storage.get(keyPrefix + name);
  if (bytes !== undefined) {
    const key: OidcKey = JSON.parse(fromUtf8(bytes));
    return key;
  }
  if (name !== defaultKeyName) return undefined;
  return await saveKey(call, keeper, name, { ...defaultSettings, ring: [], rotatesAt: 0 });
}

/** Keeps a key; one without a ring, or with another algorithm than it had, gets a new signer. */
export async function saveKey(
  call: Call,
  keeper: KeyKeeper,
  name: string,
  key: OidcKey,
  before?: OidcKey,
): Promise<OidcKey> {
  const isNew = key.ring.length === 0 || before?.algorithm !== key.algorithm;
  const kept = isNew ? await turned(keeper, key, key.verificationTtl) : key;
  call.storage.put(keyPrefix + name, utf8(JSON.stringify(kept)));
  return kept;
}

/** A new signer; the one before verifies for `verificationTtl` seconds more. */
export async function rotateKey(
  call: Call,
  keeper: KeyKeeper,
  name: string,
  key: OidcKey,
  verificationTtl = key.verificationTtl,
): Promise<OidcKey> {
  const after = await turned(keeper, key, verificationTtl);
  call.storage.put(keyPrefix + name, utf8(JSON.stringify(after)));
  return after;
}

async function turned(
  { random, now }: KeyKeeper,
  key: OidcKey,
  verificationTtl: number,
): Promise<OidcKey> {
  const pair = await generateKeyPair(key.algorithm, { extractable: true });
  const kid = random.uuid();
  const publicKey = { ...await exportJWK(pair.publicKey), kid, alg: key.algorithm, use: "sig" };
  const privateKey = await exportJWK(pair.privateKey);
  const former = verifying(key, now).map((one): RingKey =>
    one.verifiesUntil === 0
      ? { ...one, privateKey: null, verifiesUntil: now + verificationTtl * 1000 }
      : one
  );
  return {
    ...key,
    rotatesAt: now + key.rotationPeriod * 1000,
    ring: [...former, { kid, publicKey, privateKey, verifiesUntil: 0 }],
  };
}

/** Keys by which a token may still be verified. */
export function verifying(key: OidcKey, now: number): RingKey[] {
  return key.ring.filter(({ verifiesUntil }) => verifiesUntil === 0 || verifiesUntil > now);
}

/** What signs now; a key whose time has come turns first. */
export async function signingKey(
  call: Call,
  keeper: KeyKeeper,
  name: string,
  key: OidcKey,
): Promise<SigningKey> {
  const current = key.rotatesAt <= keeper.now ? await rotateKey(call, keeper, name, key) : key;
  const signer = current.ring.at(-1);
  if (signer === undefined || signer.privateKey === null) {
    throw new Error("an identity token key has nothing to sign with");
  }
  return { kid: signer.kid, privateKey: signer.privateKey, algorithm: current.algorithm };
}

export async function keyNames(call: Call): Promise<string[]> {
  const names = new Set(await call.storage.list(keyPrefix));
  return [...names.add(defaultKeyName)].sort();
}

/** The public keys of all rings. Anybody may ask for them, so that none is made for it. */
export async function publicKeys(call: Call, keeper: KeyKeeper): Promise<JWK[]> {
  const keys: JWK[] = [];
  for (const name of await call.storage.list(keyPrefix)) {
    const key = await readKey(call, keeper, name);
    for (const one of key === undefined ? [] : verifying(key, keeper.now)) {
      keys.push(one.publicKey);
    }
  }
  return keys;
}
