/**
 * Other forms of key pairs than PKCS #8: PKCS #1 (RFC 8017) and SEC 1 (RFC 5915), and the bare numbers
 * that Go's libraries write. What is rare is read and written by @peculiar/asn1-*, loaded when needed.
 */
import { type Bytes, concat, wipe } from "../base/bytes.ts";
import { bits, explicit, oid, readDer, sequence, TAG } from "./der.ts";
import { COORDINATE_LENGTHS } from "./ecdsa_format.ts";
import { KeyFormatError } from "./keys.ts";

export interface RsaPublicNumbers {
  readonly n: bigint;
  readonly e: bigint;
}

/** All that a PKCS #1 private key holds. */
export interface RsaNumbers extends RsaPublicNumbers {
  readonly d: bigint;
  readonly p: bigint;
  readonly q: bigint;
  readonly dp: bigint;
  readonly dq: bigint;
  readonly qInverse: bigint;
}

export type Curve = keyof typeof COORDINATE_LENGTHS;

export interface EcPoint {
  readonly x: bigint;
  readonly y: bigint;
}

/** What stands before the uncompressed point in a SubjectPublicKeyInfo (RFC 5480). */
const EC_HEADS: Readonly<Record<Curve, string>> = {
  p256: "3059301306072a8648ce3d020106082a8648ce3d03010703420004",
  p384: "3076301006072a8648ce3d020106052b8104002203620004",
  p521: "30819b301006072a8648ce3d020106052b810400230381860004",
};

const EC_OIDS: Readonly<Record<Curve, string>> = {
  p256: "1.2.840.10045.3.1.7",
  p384: "1.3.132.0.34",
  p521: "1.3.132.0.35",
};

const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
/** Of the public half in a SEC 1 key. */
const POINT_TAG = 0xa1;
const NULL = new Uint8Array([5, 0]);

/** The PKCS #1 key in a PKCS #8 one. */
export function pkcs1OfPkcs8(pkcs8: Bytes): Bytes {
  return innerKey(pkcs8);
}

/** The SEC 1 key of a PKCS #8 one, with the curve's name in it, as it stands alone. */
export function sec1OfPkcs8(pkcs8: Bytes, curve: Curve): Bytes {
  const inner = innerKey(pkcs8);
  const [version, secret, ...rest] = readDer(inner).as(TAG.sequence).items();
  if (version === undefined || secret === undefined) throw new KeyFormatError("not an EC key");
  const point = rest.find(({ tag }) => tag === POINT_TAG);
  const out = sequence(
    version.whole,
    secret.whole,
    explicit(0, oid(EC_OIDS[curve])),
    ...(point === undefined ? [] : [point.whole]),
  );
  wipe(inner);
  return out;
}

/** SubjectPublicKeyInfo of the key in a PKCS #8 one; undefined where it does not hold it outright. */
export function publicOfPkcs8(pkcs8: Bytes): Bytes | undefined {
  const [, algorithm, key] = readDer(pkcs8).as(TAG.sequence).items();
  const type = algorithm?.items()[0]?.oid();
  if (algorithm === undefined || key === undefined) return undefined;
  if (type !== EC_PUBLIC_KEY && type !== RSA_ENCRYPTION) return undefined;
  const parts = readDer(key.as(TAG.octets).body).as(TAG.sequence).items();
  if (type === EC_PUBLIC_KEY) {
    const point = parts.find(({ tag }) => tag === POINT_TAG)?.items()[0];
    return point && sequence(algorithm.whole, point.whole);
  }
  const [, modulus, exponent] = parts;
  if (modulus === undefined || exponent === undefined) return undefined;
  return sequence(algorithm.whole, bits(sequence(modulus.whole, exponent.whole)));
}

function innerKey(pkcs8: Bytes): Bytes {
  const [, , key] = readDer(pkcs8).as(TAG.sequence).items();
  if (key === undefined) throw new KeyFormatError("not a key in PKCS #8");
  return key.as(TAG.octets).body.slice();
}

/** The numbers of a PKCS #8 RSA key. */
export async function rsaNumbers(pkcs8: Bytes): Promise<RsaNumbers> {
  const { AsnConvert } = await import("@peculiar/asn1-schema");
  const { RSAPrivateKey } = await import("@peculiar/asn1-rsa");
  const inner = innerKey(pkcs8);
  const key = AsnConvert.parse(inner, RSAPrivateKey);
  wipe(inner);
  return {
    n: toNumber(key.modulus),
    e: toNumber(key.publicExponent),
    d: toNumber(key.privateExponent),
    p: toNumber(key.prime1),
    q: toNumber(key.prime2),
    dp: toNumber(key.exponent1),
    dq: toNumber(key.exponent2),
    qInverse: toNumber(key.coefficient),
  };
}

/** The reverse. The caller wipes it. */
export async function rsaPkcs8(numbers: RsaNumbers): Promise<Bytes> {
  const { AsnConvert } = await import("@peculiar/asn1-schema");
  const { RSAPrivateKey } = await import("@peculiar/asn1-rsa");
  const key = new RSAPrivateKey({
    version: 0,
    modulus: fromNumber(numbers.n),
    publicExponent: fromNumber(numbers.e),
    privateExponent: fromNumber(numbers.d),
    prime1: fromNumber(numbers.p),
    prime2: fromNumber(numbers.q),
    exponent1: fromNumber(numbers.dp),
    exponent2: fromNumber(numbers.dq),
    coefficient: fromNumber(numbers.qInverse),
  });
  return await wrapped(RSA_ENCRYPTION, NULL, AsnConvert.serialize(key));
}

/** Completes what follows from modulus, exponents and primes. */
export function completeRsa(n: bigint, e: bigint, d: bigint, p: bigint, q: bigint): RsaNumbers {
  if (p * q !== n) throw new KeyFormatError("the primes are not those of the modulus");
  return { n, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qInverse: inverse(q, p) };
}

/** Modulus and exponent of a SubjectPublicKeyInfo. */
export async function rsaPublicNumbers(spki: Uint8Array): Promise<RsaPublicNumbers> {
  const { AsnConvert } = await import("@peculiar/asn1-schema");
  const { RSAPublicKey } = await import("@peculiar/asn1-rsa");
  const { SubjectPublicKeyInfo } = await import("@peculiar/asn1-x509");
  const info = AsnConvert.parse(spki, SubjectPublicKeyInfo);
  const key = AsnConvert.parse(info.subjectPublicKey, RSAPublicKey);
  return { n: toNumber(key.modulus), e: toNumber(key.publicExponent) };
}

/** The reverse. */
export async function rsaSpki({ n, e }: RsaPublicNumbers): Promise<Bytes> {
  const { AsnConvert } = await import("@peculiar/asn1-schema");
  const { RSAPublicKey } = await import("@peculiar/asn1-rsa");
  const { AlgorithmIdentifier, SubjectPublicKeyInfo } = await import("@peculiar/asn1-x509");
  const key = new RSAPublicKey({ modulus: fromNumber(n), publicExponent: fromNumber(e) });
  const info = new SubjectPublicKeyInfo({
    algorithm: new AlgorithmIdentifier({ algorithm: RSA_ENCRYPTION, parameters: NULL.buffer }),
    subjectPublicKey: AsnConvert.serialize(key),
  });
  return new Uint8Array(AsnConvert.serialize(info));
}

/** The point of a SubjectPublicKeyInfo. */
export function ecPoint(spki: Uint8Array, curve: Curve): EcPoint {
  const length = COORDINATE_LENGTHS[curve];
  const x = spki.subarray(spki.length - 2 * length, spki.length - length);
  return { x: toNumber(x), y: toNumber(spki.subarray(spki.length - length)) };
}

/** The reverse. */
export function ecSpki({ x, y }: EcPoint, curve: Curve): Bytes {
  const length = COORDINATE_LENGTHS[curve];
  return concat(Uint8Array.fromHex(EC_HEADS[curve]), padded(x, length), padded(y, length));
}

/** The scalar of a PKCS #8 key. */
export async function ecScalar(pkcs8: Bytes): Promise<bigint> {
  const { AsnConvert } = await import("@peculiar/asn1-schema");
  const { ECPrivateKey } = await import("@peculiar/asn1-ecc");
  const inner = innerKey(pkcs8);
  const scalar = toNumber(AsnConvert.parse(inner, ECPrivateKey).privateKey.buffer);
  wipe(inner);
  return scalar;
}

/** PKCS #8 of a scalar and its point. The caller wipes it. */
export async function ecPkcs8(scalar: bigint, point: EcPoint, curve: Curve): Promise<Bytes> {
  const { AsnConvert, OctetString } = await import("@peculiar/asn1-schema");
  const { ECParameters, ECPrivateKey } = await import("@peculiar/asn1-ecc");
  const length = COORDINATE_LENGTHS[curve];
  const public_ = concat(new Uint8Array([4]), padded(point.x, length), padded(point.y, length));
  const key = new ECPrivateKey({
    version: 1,
    privateKey: new OctetString(padded(scalar, length)),
    publicKey: public_.buffer,
  });
  const parameters = AsnConvert.serialize(new ECParameters({ namedCurve: EC_OIDS[curve] }));
  return await wrapped(EC_PUBLIC_KEY, new Uint8Array(parameters), AsnConvert.serialize(key));
}

async function wrapped(algorithm: string, parameters: Bytes, key: ArrayBuffer): Promise<Bytes> {
  const { AsnConvert, OctetString } = await import("@peculiar/asn1-schema");
  const { PrivateKeyInfo } = await import("@peculiar/asn1-pkcs8");
  const { AlgorithmIdentifier } = await import("@peculiar/asn1-x509");
  const info = new PrivateKeyInfo();
  info.version = 0;
  info.privateKeyAlgorithm = new AlgorithmIdentifier({ algorithm, parameters: parameters.buffer });
  info.privateKey = new OctetString(key);
  const out = new Uint8Array(AsnConvert.serialize(info));
  wipe(new Uint8Array(key));
  return out;
}

function toNumber(bytes: ArrayBuffer | Uint8Array): bigint {
  const hex = new Uint8Array(bytes).toHex();
  return hex === "" ? 0n : BigInt(`0x${hex}`);
}

/** As an INTEGER holds it: positive, as short as can be. */
function fromNumber(number: bigint): ArrayBuffer {
  const hex = number.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  const bytes = Uint8Array.fromHex(even);
  return ((bytes[0] ?? 0) >= 0x80 ? concat(new Uint8Array(1), bytes) : bytes).buffer;
}

function padded(number: bigint, length: number): Bytes {
  const hex = number.toString(16).padStart(2 * length, "0");
  if (hex.length > 2 * length) throw new KeyFormatError("a number is too large for its curve");
  return Uint8Array.fromHex(hex);
}

/** By the extended Euclidean algorithm. */
function inverse(of: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [of % modulus, modulus, 1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return ((x % modulus) + modulus) % modulus;
}
