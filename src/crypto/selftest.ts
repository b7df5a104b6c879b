/**
 * Known-answer tests that a provider must pass before the node uses it: one published vector a
 * primitive, and the refusal of an altered message. They take well under a millisecond.
 */
import { type Bytes, fromHex, toHex, utf8 } from "../base/bytes.ts";
import { type CryptoProvider, DecryptError } from "./provider.ts";

/** A provider gave a wrong answer; nothing it says can be trusted. */
export class SelfTestError extends Error {
  override name = "SelfTestError";
}

/** Throws `SelfTestError` naming the first primitive whose answer is not the published one. */
export function selfTest(provider: CryptoProvider): void {
  for (const [what, run, expected] of KNOWN_ANSWERS) {
    const answer = toHex(run(provider));
    if (answer !== expected) {
      throw new SelfTestError(`${provider.name}: the self-test of ${what} failed`);
    }
  }
  refusesAltered(provider);
  const same = provider.equal(utf8("same"), utf8("same"));
  if (!same || provider.equal(utf8("same"), utf8("some")) || provider.equal(utf8("a"), utf8(""))) {
    throw new SelfTestError(`${provider.name}: the self-test of comparison failed`);
  }
}

type KnownAnswer = readonly [what: string, run: (p: CryptoProvider) => Bytes, expected: string];

/** Test case 16 of the GCM specification by McGrew and Viega. */
const GCM = {
  key: hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
  nonce: hex("cafebabefacedbaddecaf888"),
  data: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  plaintext: hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  ),
  sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
    "76fc6ece0f4e1768cddf8853bb2d551b",
};

/** RFC 8439, 2.8.2. */
const CHACHA = {
  key: hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
  nonce: hex("070000004041424344454647"),
  data: hex("50515253c0c1c2c3c4c5c6c7"),
  plaintext: utf8(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
      "sunscreen would be it.",
  ),
  sealed: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6" +
    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
    "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
};

const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  ["AES-256-GCM", (p) => p.gcmKey(GCM.key).seal(GCM.nonce, GCM.plaintext, GCM.data), GCM.sealed],
  [
    "AES-256-GCM decryption",
    (p) => p.gcmKey(GCM.key).open(GCM.nonce, hex(GCM.sealed), GCM.data),
    toHex(GCM.plaintext),
  ],
  [
    "ChaCha20-Poly1305",
    (p) => p.chachaKey(CHACHA.key).seal(CHACHA.nonce, CHACHA.plaintext, CHACHA.data),
    CHACHA.sealed,
  ],
  // FIPS 180-4 and FIPS 202 examples, message "abc".
  ["SHA-1", (p) => p.hash("sha1", utf8("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d"],
  [
    "SHA-256",
    (p) => p.hash("sha256", utf8("abc")),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  ],
  [
    "SHA-512",
    (p) => p.hash("sha512", utf8("abc")),
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  ],
  [
    "SHA3-256",
    (p) => p.hash("sha3-256", utf8("abc")),
    "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
  ],
  // RFC 4231, test case 2.
  [
    "HMAC-SHA-256",
    (p) => p.hmacKey("sha256", utf8("Jefe")).sign(utf8("what do ya want for nothing?")),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  // RFC 5869, test case 1.
  [
    "HKDF-SHA-256",
    (p) =>
      p.hkdf(
        "sha256",
        new Uint8Array(22).fill(0x0b),
        hex("000102030405060708090a0b0c"),
        hex("f0f1f2f3f4f5f6f7f8f9"),
        42,
      ),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  ],
];

function refusesAltered(provider: CryptoProvider): void {
  const sealed = hex(GCM.sealed);
  sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 1;
  try {
    provider.gcmKey(GCM.key).open(GCM.nonce, sealed, GCM.data);
  } catch (error) {
    if (error instanceof DecryptError) return;
    throw error;
  }
  throw new SelfTestError(`${provider.name}: AES-256-GCM accepted an altered message`);
}

function hex(text: string): Bytes {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new SyntaxError("not hexadecimal");
  return bytes;
}
