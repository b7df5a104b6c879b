/**
 * A key as Vault and the peer back it up: JSON with the numbers of Go's key types, so that a backup
 * can be restored there and here. Versions below the minimum for decryption stand in an archive.
 */
import { type Bytes, toBase64, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { decoded } from "./base64.ts";
import {
  completeRsa,
  ecPkcs8,
  ecPoint,
  ecScalar,
  ecSpki,
  rsaNumbers,
  rsaPkcs8,
  rsaPublicNumbers,
  rsaSpki,
} from "../../crypto/key_forms.ts";
import { toPem } from "../../crypto/keys.ts";
import type { CryptoProvider } from "../../crypto/provider.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import {
  isJsonObject,
  isRawNumber,
  type JsonObject,
  type JsonValue,
  rawInteger,
} from "../../logical/json.ts";
import { ed25519Pkcs8 } from "./derive.ts";
import { ed25519PrivateKey, publicKeyText } from "./key_info.ts";
import type { KeyVersion } from "./policy.ts";
import { CURVES, isEc, type KeyType } from "./key_types.ts";

const ED25519_SPKI_HEAD = Uint8Array.fromHex("302a300506032b6570032100");

/** Go's time before all others: what was never set. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

/** Stands in the archive where there is no version. */
export const emptyVersion: JsonObject = {
  key: null,
  hmac_key: null,
  time: ZERO_TIME,
  ec_x: null,
  ec_y: null,
  ec_d: null,
  rsa_key: null,
  rsa_public_key: null,
  public_key: "",
  convergent_version: 0,
  creation_time: 0,
  certificate_chain: null,
};

/** A version in that form. */
export async function versionForm(
  crypto: CryptoProvider,
  type: KeyType,
  version: KeyVersion,
): Promise<JsonObject> {
  return {
    ...emptyVersion,
    hmac_key: version.hmacKey,
    time: rfc3339(version.created),
    creation_time: Math.trunc(version.created / 1000),
    convergent_version: version.convergentVersion,
    certificate_chain: version.certificateChain === undefined
      ? null
      : [...version.certificateChain],
    ...await secretsForm(crypto, type, version),
  };
}

async function secretsForm(
  crypto: CryptoProvider,
  type: KeyType,
  version: KeyVersion,
): Promise<JsonObject> {
  if (type.family !== "pair") return { key: version.key ?? null };
  const spki = decoded(version.publicKey);
  const pkcs8 = version.key === undefined ? undefined : decoded(version.key);
  try {
    if (type.name === "ed25519") {
      const key = pkcs8 === undefined ? null : toBase64(ed25519PrivateKey(crypto, pkcs8));
      return { key, public_key: publicKeyText({ type: type.name }, spki) };
    }
    const curve = curveOf(type);
    if (curve === undefined) return await rsaForm(pkcs8, spki);
    const { x, y } = ecPoint(spki, curve);
    const scalar = pkcs8 === undefined ? null : rawInteger(await ecScalar(pkcs8));
    const public_key = toPem("PUBLIC KEY", spki);
    return { ec_x: rawInteger(x), ec_y: rawInteger(y), ec_d: scalar, public_key };
  } finally {
    wipe(pkcs8);
  }
}

async function rsaForm(
  pkcs8: Bytes | undefined,
  spki: Uint8Array,
): Promise<JsonObject> {
  if (pkcs8 === undefined) {
    const { n, e } = await rsaPublicNumbers(spki);
    return { rsa_public_key: { N: rawInteger(n), E: rawInteger(e) } };
  }
  const { n, e, d, p, q, dp, dq, qInverse } = await rsaNumbers(pkcs8);
  return {
    rsa_key: {
      N: rawInteger(n),
      E: rawInteger(e),
      D: rawInteger(d),
      Primes: [rawInteger(p), rawInteger(q)],
      Precomputed: {
        Dp: rawInteger(dp),
        Dq: rawInteger(dq),
        Qinv: rawInteger(qInverse),
        CRTValues: [],
      },
    },
  };
}

/** The reverse. Throws a 400 for what is no such version. */
export async function readVersionForm(
  crypto: CryptoProvider,
  type: KeyType,
  form: JsonValue | undefined,
): Promise<KeyVersion> {
  if (!isJsonObject(form ?? null) || !isJsonObject(form)) throw malformed("a version is missing");
  const created = readTime(form.time);
  const secrets = await readSecrets(type, form);
  checkSecrets(crypto, type, secrets);
  const chain = form.certificate_chain;
  return {
    created,
    hmacKey: readText(form.hmac_key),
    convergentVersion: typeof form.convergent_version === "number" ? form.convergent_version : 0,
    ...secrets,
    ...(Array.isArray(chain) && chain.length > 0 ? { certificateChain: chain.map(readText) } : {}),
  };
}

/** Milliseconds of a time as Go writes it. */
export function readTime(value: JsonValue | undefined): number {
  const time = typeof value === "string" ? Date.parse(value) : NaN;
  if (Number.isNaN(time)) throw malformed("a time can't be read");
  return time;
}

type Secrets = Pick<KeyVersion, "key" | "publicKey">;

async function readSecrets(type: KeyType, form: JsonObject): Promise<Secrets> {
  if (type.family !== "pair") return { key: readText(form.key) };
  if (type.name === "ed25519") return readEd25519(form);
  const curve = curveOf(type);
  if (curve === undefined) return await readRsa(form);
  const point = { x: readInteger(form.ec_x), y: readInteger(form.ec_y) };
  const publicKey = toBase64(ecSpki(point, curve));
  if (form.ec_d === null || form.ec_d === undefined) return { publicKey };
  return { publicKey, ...encoded(await ecPkcs8(readInteger(form.ec_d), point, curve)) };
}

function readEd25519(form: JsonObject): Secrets {
  const given = form.key === null || form.key === undefined
    ? undefined
    : decoded(readText(form.key));
  // Seed and public key; a derived key's version may lack the latter on its own.
  const point = given?.subarray(32) ?? decoded(readText(form.public_key));
  const spki = new Uint8Array(ED25519_SPKI_HEAD.length + 32);
  spki.set(ED25519_SPKI_HEAD);
  spki.set(point.subarray(0, 32), ED25519_SPKI_HEAD.length);
  const publicKey = toBase64(spki);
  if (given === undefined) return { publicKey };
  if (given.length !== 64) throw malformed("an Ed25519 key has 64 bytes");
  const pkcs8 = ed25519Pkcs8(given.subarray(0, 32));
  wipe(given);
  return { publicKey, ...encoded(pkcs8) };
}

async function readRsa(form: JsonObject): Promise<Secrets> {
  const key = form.rsa_key;
  if (!isJsonObject(key ?? null) || !isJsonObject(key)) {
    const half = form.rsa_public_key ?? null;
    if (!isJsonObject(half)) throw malformed("a version holds no key");
    const numbers = { n: readInteger(half.N), e: readInteger(half.E) };
    return { publicKey: toBase64(await rsaSpki(numbers)) };
  }
  const [n, e, d] = [readInteger(key.N), readInteger(key.E), readInteger(key.D)];
  const [p, q, ...more] = Array.isArray(key.Primes) ? key.Primes.map(readInteger) : [];
  if (p === undefined || q === undefined || more.length > 0) {
    throw malformed("an RSA key has two primes");
  }
  const pkcs8 = await rsaPkcs8(completeRsa(n, e, d, p, q));
  return { publicKey: toBase64(await rsaSpki({ n, e })), ...encoded(pkcs8) };
}

/** Throws `KeyFormatError` or RangeError for secrets that are none of this type. */
function checkSecrets(crypto: CryptoProvider, type: KeyType, { key, publicKey }: Secrets): void {
  if (type.family === "cipher") {
    if (decoded(key).length !== type.keyLength) throw malformed("a key is of the wrong length");
  } else if (type.family === "pair") {
    if (key !== undefined) crypto.keys.importPkcs8(decoded(key)).destroy();
    if (publicKey !== undefined) crypto.keys.importSpki(decoded(publicKey));
  }
}

function encoded(pkcs8: Uint8Array): { key: string } {
  const key = toBase64(pkcs8);
  wipe(pkcs8);
  return { key };
}

function readText(value: JsonValue | undefined): string {
  if (typeof value === "string") return value;
  throw malformed("a text is missing");
}

function readInteger(value: JsonValue | undefined): bigint {
  const text = typeof value === "number" ? String(value) : isRawNumber(value) ? value.rawJSON : "";
  if (!/^\d+$/.test(text)) throw malformed("a number is missing");
  return BigInt(text);
}

function curveOf({ name }: KeyType) {
  return isEc(name) ? CURVES[name] : undefined;
}

/** A 400 that says what is wrong with a backup, and nothing of what is in it. */
export function malformed(what: string) {
  return badRequest(`the backup can't be read: ${what}`);
}
