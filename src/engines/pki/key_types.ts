/** Kinds of keys that certificates are for. */
import { badRequest } from "../../base/failure.ts";
import type { KeyAlgorithm, KeyKind, KeyProvider, SigningKey } from "../../crypto/keys.ts";
import type { KeyTypeName } from "./key_store.ts";

const KINDS: Readonly<Record<KeyTypeName, Readonly<Record<number, KeyKind>>>> = {
  rsa: { 2048: "rsa-2048", 3072: "rsa-3072", 4096: "rsa-4096" },
  ec: { 256: "ecdsa-p256", 384: "ecdsa-p384", 521: "ecdsa-p521" },
  ed25519: { 0: "ed25519" },
};

const usual: Readonly<Record<KeyTypeName, number>> = { rsa: 2048, ec: 256, ed25519: 0 };

/** A 400 for types that are not known. */
export function keyTypeName(text: string): KeyTypeName {
  if (text === "rsa" || text === "ec" || text === "ed25519") return text;
  throw badRequest(`unknown key type: ${text}; rsa, ec and ed25519 are known`);
}

/** The bits of a key for which 0 may stand. */
export function defaultBits(type: string, bits: number): number {
  const name = keyTypeName(type);
  return bits === 0 || name === "ed25519" ? usual[name] : bits;
}

/** A 400 for bits that a type has no keys of. */
export function checkKeyBits(type: string, bits: number): KeyKind {
  const kinds = KINDS[keyTypeName(type)];
  const kind = kinds[bits];
  if (kind !== undefined) return kind;
  throw badRequest(
    `unsupported key_bits for ${type} keys: ${bits}; ${Object.keys(kinds).join(", ")}`,
  );
}

/** Makes a key; RSA takes up to seconds, off the event loop. */
export async function makeKey(
  keys: KeyProvider,
  type: string,
  bits: number,
): Promise<SigningKey> {
  return await keys.generate(checkKeyBits(type, defaultBits(type, bits)));
}

/** The name of a key's type, as this API has it. */
export function typeOf(algorithm: KeyAlgorithm): KeyTypeName {
  if (algorithm.type === "ecdsa") return "ec";
  return algorithm.type;
}

const CURVE_BITS = { p256: 256, p384: 384, p521: 521 } as const;

export function bitsOf(algorithm: KeyAlgorithm): number {
  if (algorithm.type === "ecdsa") return CURVE_BITS[algorithm.curve];
  return algorithm.type === "rsa" ? algorithm.bits : 0;
}

/** A 400 unless a request's key is what a role wants: its type, and at least its bits. */
export function checkRequestKey(
  algorithm: KeyAlgorithm,
  role: { readonly key_type: string; readonly key_bits: number },
): void {
  const type = typeOf(algorithm);
  const bits = bitsOf(algorithm);
  if (type === "rsa" && bits < 2048) throw badRequest("RSA keys below 2048 bits are not allowed");
  if (role.key_type === "any") return;
  if (type !== role.key_type) {
    throw badRequest(`role requires keys of type ${role.key_type}, the request's is ${type}`);
  }
  if (bits < role.key_bits) {
    throw badRequest(
      `role requires keys of at least ${role.key_bits} bits, the request's has ${bits}`,
    );
  }
}
