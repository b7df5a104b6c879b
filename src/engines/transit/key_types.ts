/** The types of keys, and what each can do. */
import { type KeyKind } from "../../crypto/keys.ts";

export type KeyTypeName =
  | "aes128-gcm96"
  | "aes256-gcm96"
  | "chacha20-poly1305"
  | "xchacha20-poly1305"
  | "ed25519"
  | "ecdsa-p256"
  | "ecdsa-p384"
  | "ecdsa-p521"
  | "rsa-2048"
  | "rsa-3072"
  | "rsa-4096"
  | "hmac";

export interface KeyType {
  readonly name: KeyTypeName;
  /** Its number in a backup. */
  readonly code: number;
  /** Symmetric ciphers, key pairs, or nothing but a key for HMACs. */
  readonly family: "cipher" | "pair" | "hmac";
  /** Bytes of a symmetric key; 0 where that is told with the key, or where it is a pair. */
  readonly keyLength: number;
  /** How a pair is made. */
  readonly pair: KeyKind | undefined;
  /** What a version of a pair is called in answers. */
  readonly label: string;
  readonly encrypts: boolean;
  readonly signs: boolean;
  /** May be derived by a context. */
  readonly derives: boolean;
}

function cipher(name: KeyTypeName, code: number, keyLength: number): KeyType {
  const can = { encrypts: true, signs: false, derives: true };
  return { name, code, family: "cipher", keyLength, pair: undefined, label: name, ...can };
}

function pair(name: KeyTypeName & KeyKind, code: number, label: string = name): KeyType {
  const can = { encrypts: name.startsWith("rsa-"), signs: true, derives: name === "ed25519" };
  return { name, code, family: "pair", keyLength: 0, pair: name, label, ...can };
}

const types: readonly KeyType[] = [
  cipher("aes256-gcm96", 0, 32),
  pair("ecdsa-p256", 1, "P-256"),
  pair("ed25519", 2),
  pair("rsa-2048", 3),
  pair("rsa-4096", 4),
  cipher("chacha20-poly1305", 5, 32),
  pair("ecdsa-p384", 6, "P-384"),
  pair("ecdsa-p521", 7, "P-521"),
  cipher("aes128-gcm96", 8, 16),
  pair("rsa-3072", 9),
  {
    name: "hmac",
    code: 10,
    family: "hmac",
    keyLength: 0,
    pair: undefined,
    label: "hmac",
    encrypts: false,
    signs: false,
    derives: false,
  },
  cipher("xchacha20-poly1305", 11, 32),
];

const byName = new Map(types.map((type) => [type.name as string, type]));

/** The type of a name; undefined for one that there is not. */
export function findKeyType(name: string): KeyType | undefined {
  return byName.get(name);
}

/** The type of a key that is stored. */
export function keyType(name: KeyTypeName): KeyType {
  const type = byName.get(name);
  if (type === undefined) throw new TypeError(`there is no type of keys ${name}`);
  return type;
}

/**
 * The type of a number in a backup. Vault counts managed keys, so its HMAC keys have the number that
 * the peer gave to XChaCha20: only the former have a size.
 */
export function keyTypeOfCode(code: number, keySize: number): KeyType | undefined {
  if (code === 11 && keySize > 0) return byName.get("hmac");
  return types.find((type) => type.code === code);
}

/** Sizes of HMAC keys, in bytes. */
export const HMAC_KEY_SIZES = { least: 32, most: 512 } as const;

/** The curves of ECDSA's types. */
export const CURVES = {
  "ecdsa-p256": "p256",
  "ecdsa-p384": "p384",
  "ecdsa-p521": "p521",
} as const;

/** Whether a type is one of ECDSA's. */
export function isEc(name: KeyTypeName): name is keyof typeof CURVES {
  return Object.hasOwn(CURVES, name);
}
