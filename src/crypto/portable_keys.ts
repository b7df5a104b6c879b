/** Key pairs over node:crypto, for systems without OpenSSL 3. */
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { Buffer } from "node:buffer";
import { type Bytes, wipe } from "../base/bytes.ts";
import { fromLibraryForm, toLibraryForm } from "./ecdsa_format.ts";
import {
  type KeyAlgorithm,
  KeyFormatError,
  type KeyKind,
  type KeyProvider,
  type SignatureHash,
  type SignatureOptions,
  type SigningKey,
  type VerifyingKey,
} from "./keys.ts";
import { decryptOaep, encryptOaep, rsaSignDigest, rsaVerifyDigest } from "./portable_rsa.ts";
import { inTurn } from "./rsa_generation.ts";
import { needsNoble, nobleSign, nobleVerify, webRsaSign } from "./portable_sign.ts";
import type { HashName } from "./provider.ts";
import { checkSignable } from "./signable.ts";

/** node:crypto's names of curves. */
const CURVES = { p256: "prime256v1", p384: "secp384r1", p521: "secp521r1" } as const;

/** The portable `KeyProvider`. */
export const portableKeys: KeyProvider = {
  async generate(kind) {
    const isRsa = kind.startsWith("rsa-");
    return new PortableSigningKey(await (isRsa ? inTurn(() => generate(kind)) : generate(kind)));
  },
  importPkcs8(der) {
    const key = Buffer.from(der);
    try {
      return new PortableSigningKey(createPrivateKey({ key, format: "der", type: "pkcs8" }));
    } catch (cause) {
      throw new KeyFormatError("not a supported private key in PKCS #8", { cause });
    } finally {
      key.fill(0);
    }
  },
  importSpki(der) {
    try {
      const key = Buffer.from(der);
      return new PortableVerifyingKey(createPublicKey({ key, format: "der", type: "spki" }));
    } catch (cause) {
      throw new KeyFormatError("not a supported public key", { cause });
    }
  },
};

function generate(kind: KeyKind): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, _public: unknown, key: KeyObject) =>
      error === null || error === undefined ? resolve(key) : reject(error);
    if (kind === "ed25519") generateKeyPair("ed25519", {}, done);
    else if (kind === "ecdsa-p256") generateKeyPair("ec", { namedCurve: CURVES.p256 }, done);
    else if (kind === "ecdsa-p384") generateKeyPair("ec", { namedCurve: CURVES.p384 }, done);
    else if (kind === "ecdsa-p521") generateKeyPair("ec", { namedCurve: CURVES.p521 }, done);
    else generateKeyPair("rsa", { modulusLength: Number(kind.slice(4)) }, done);
  });
}

function algorithmOf(key: KeyObject): KeyAlgorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ed25519") return { type };
  if (type === "rsa") return { type, bits: details?.modulusLength ?? 0 };
  const curve = details?.namedCurve;
  if (type === "ec") {
    if (curve === "prime256v1" || curve === "p256") return { type: "ecdsa", curve: "p256" };
    if (curve === "secp384r1" || curve === "p384") return { type: "ecdsa", curve: "p384" };
    if (curve === "secp521r1" || curve === "p521") return { type: "ecdsa", curve: "p521" };
  }
  throw new KeyFormatError(`keys of type ${type} ${curve ?? ""} are not supported`);
}

/** What node:crypto is told beside key and data. */
function parameters(algorithm: KeyAlgorithm, options: SignatureOptions, saltLength: number) {
  if (algorithm.type !== "rsa") return {};
  if (options.padding === "pkcs1v15") return { padding: constants.RSA_PKCS1_PADDING };
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}

function digestOf(hash: SignatureHash, data: Uint8Array): Uint8Array {
  return createHash(hash).update(data).digest();
}

function digestName(algorithm: KeyAlgorithm, hash: SignatureHash): string | undefined {
  return algorithm.type === "ed25519" ? undefined : hash;
}

class PortableVerifyingKey implements VerifyingKey {
  readonly algorithm: KeyAlgorithm;
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.algorithm = algorithmOf(key);
    this.#key = key;
  }

  // deno-lint-ignore require-await -- what it throws has to be a rejection
  async verify(
    data: Uint8Array,
    signature: Uint8Array,
    options: SignatureOptions = {},
  ): Promise<boolean> {
    const { algorithm } = this;
    const given = toLibraryForm(signature, algorithm, options);
    if (given === undefined || given.length === 0) return false;
    const { hash = "sha256", prehashed = false } = options;
    if (algorithm.type === "ecdsa" && (prehashed || needsNoble(algorithm.curve, hash))) {
      const digest = prehashed ? data : digestOf(hash, data);
      return nobleVerify(this.#key, algorithm.curve, digest, given);
    }
    if (algorithm.type === "rsa" && prehashed) {
      return rsaVerifyDigest(this.#key, algorithm.bits, data, given, options);
    }
    const salt = options.saltLength ?? constants.RSA_PSS_SALTLEN_AUTO;
    const key = { key: this.#key, ...parameters(algorithm, options, salt) };
    return verify(digestName(algorithm, hash), data, key, given);
  }

  // deno-lint-ignore require-await -- what it throws has to be a rejection
  async encrypt(data: Uint8Array, hash: HashName): Promise<Bytes> {
    return encryptOaep(this.#key, this.algorithm, data, hash);
  }

  spki(): Bytes {
    return new Uint8Array(this.#key.export({ format: "der", type: "spki" }));
  }
}

class PortableSigningKey implements SigningKey {
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: VerifyingKey;
  #key: KeyObject | undefined;

  constructor(key: KeyObject) {
    this.algorithm = algorithmOf(key);
    this.publicKey = new PortableVerifyingKey(createPublicKey(key));
    this.#key = key;
  }

  async sign(data: Uint8Array, options: SignatureOptions = {}): Promise<Bytes> {
    return fromLibraryForm(await this.#signDer(data, options), this.algorithm, options);
  }

  async #signDer(data: Uint8Array, options: SignatureOptions): Promise<Bytes> {
    const { algorithm } = this;
    const key = this.#present();
    checkSignable(algorithm, data, options);
    const { hash = "sha256", prehashed = false } = options;
    if (algorithm.type === "ecdsa" && (prehashed || needsNoble(algorithm.curve, hash))) {
      const digest = prehashed ? data : digestOf(hash, data);
      return await nobleSign(key, algorithm.curve, digest);
    }
    if (algorithm.type === "rsa" && prehashed) {
      return rsaSignDigest(key, algorithm.bits, data, options);
    }
    if (algorithm.type === "rsa") {
      const pkcs8 = this.pkcs8();
      const made = await webRsaSign(pkcs8, data, options);
      wipe(pkcs8);
      if (made !== undefined) return made;
    }
    const salt = options.saltLength ?? constants.RSA_PSS_SALTLEN_DIGEST;
    const told = { key, ...parameters(algorithm, options, salt) };
    return new Uint8Array(sign(digestName(algorithm, hash), data, told));
  }

  // deno-lint-ignore require-await -- what it throws has to be a rejection
  async decrypt(data: Uint8Array, hash: HashName): Promise<Bytes> {
    return decryptOaep(this.#present(), this.algorithm, data, hash);
  }

  pkcs8(): Bytes {
    return new Uint8Array(this.#present().export({ format: "der", type: "pkcs8" }));
  }

  destroy(): void {
    this.#key = undefined;
  }

  #present(): KeyObject {
    if (this.#key === undefined) throw new Error("the key was destroyed");
    return this.#key;
  }
}
