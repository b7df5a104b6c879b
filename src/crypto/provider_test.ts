import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { concat, toHex, utf8 } from "../base/bytes.ts";
import { testRandom } from "./testing.ts";
import { HASH_LENGTHS, HASH_NAMES, isHashName } from "./hashes.ts";
import { openOpensslProvider } from "./openssl.ts";
import { portableProvider } from "./portable.ts";
import { type CryptoProvider, DecryptError, type HashName } from "./provider.ts";
import { field, vectors } from "./vectors.ts";

const portable = portableProvider();
const openssl = openOpensslProvider();
const providers = openssl === undefined ? [portable] : [openssl, portable];

function forEach(promise: string, check: (provider: CryptoProvider) => void): void {
  for (const provider of providers) {
    Deno.test(`${provider.name.split(" ")[0]}: ${promise}`, () => check(provider));
  }
}

function hashName(text = ""): HashName {
  assert(isHashName(text), text);
  return text;
}

forEach("AES-GCM answers as NIST's vectors say", (provider) => {
  const lines = vectors("gcm.txt");
  assert(lines.length > 300);
  for (const [key, iv, data, plain, cipher, tag] of lines) {
    if (provider === portable && field(key).length === 24) {
      assertThrows(() => provider.gcmKey(field(key)), RangeError, "AES-192");
      continue;
    }
    const gcm = provider.gcmKey(field(key));
    const sealed = concat(field(cipher), field(tag));
    if (plain === "FAIL") {
      assertThrows(() => gcm.open(field(iv), sealed, field(data)), DecryptError);
    } else {
      assertEquals(gcm.open(field(iv), sealed, field(data)), field(plain));
      assertEquals(gcm.seal(field(iv), field(plain), field(data)), sealed);
    }
    gcm.destroy();
  }
});

forEach("digests answer as NIST's vectors say", (provider) => {
  const seen = new Set<string>();
  for (const [name, message, digest] of vectors("hash.txt")) {
    seen.add(name ?? "");
    assertEquals(toHex(provider.hash(hashName(name), field(message))), digest);
  }
  assertEquals(seen.size, HASH_NAMES.length);
});

forEach("HMAC answers as RFC 2202 and RFC 4231 say", (provider) => {
  for (const [name, key, message, mac = ""] of vectors("hmac.txt")) {
    const hmac = provider.hmacKey(hashName(name), field(key));
    const made = toHex(hmac.sign(field(message)));
    // One vector of RFC 4231 is cut short.
    assertEquals(made.slice(0, mac.length), mac);
    hmac.destroy();
  }
});

forEach("HKDF answers as RFC 5869 says", (provider) => {
  const lines = vectors("hkdf.txt");
  assertEquals(lines.length, 7);
  for (const [name, key, salt, info, length, expected = ""] of lines) {
    const args = [field(key), field(salt), field(info), Number(length)] as const;
    assertEquals(toHex(provider.hkdf(hashName(name), ...args)), expected);
  }
  const none = new Uint8Array();
  for (const length of [0, -1, 1.5, 255 * 32 + 1]) {
    assertThrows(() => provider.hkdf("sha256", none, none, none, length), RangeError);
  }
  assertEquals(provider.hkdf("sha256", none, none, none, 255 * 32).length, 255 * 32);
});

forEach("a frame holds nonce, ciphertext and tag in place", (provider) => {
  const random = testRandom(11);
  for (const length of [0, 1, 16, 300, 5000]) {
    const gcm = provider.gcmKey(random.bytes(32));
    const [nonce, plain, data] = [random.bytes(12), random.bytes(length), random.bytes(40)];
    const frame = concat(random.bytes(5), nonce, new Uint8Array(length + 16));
    gcm.sealFrame(frame, 5, plain, data, 30);
    assertEquals(frame.subarray(17), gcm.seal(nonce, plain, data.subarray(0, 30)));
    assertEquals(gcm.openFrame(frame, 5, data, 30), plain);
    assertThrows(() => gcm.openFrame(frame, 5, data, 31), DecryptError);
    assertThrows(() => gcm.openFrame(frame.subarray(0, 32), 5, data, 30), DecryptError);
  }
});

forEach("a destroyed key is of no use, and destroying it twice is harmless", (provider) => {
  const gcm = provider.gcmKey(new Uint8Array(32));
  const hmac = provider.hmacKey("sha256", new Uint8Array(32));
  for (const key of [gcm, hmac]) {
    key.destroy();
    key.destroy();
  }
  const nonce = new Uint8Array(12);
  assertThrows(() => gcm.seal(nonce, nonce, nonce), Error, "destroyed");
  assertThrows(() => gcm.open(nonce, new Uint8Array(20), nonce), Error, "destroyed");
  assertThrows(() => hmac.sign(nonce), Error, "destroyed");
});

forEach("keys and nonces of another length are refused", (provider) => {
  for (const length of [0, 15, 17, 31, 33]) {
    assertThrows(() => provider.gcmKey(new Uint8Array(length)), RangeError);
  }
  const gcm = provider.gcmKey(new Uint8Array(16));
  const wrong = new Uint8Array(11);
  assertThrows(() => gcm.seal(wrong, wrong, wrong), RangeError);
  assertThrows(() => gcm.open(wrong, new Uint8Array(16), wrong), RangeError);
});

forEach("the caller's key is copied, and a failure leaves the key usable", (provider) => {
  const bytes = testRandom(12).bytes(32);
  const [gcm, hmac] = [provider.gcmKey(bytes), provider.hmacKey("sha512", bytes)];
  const twins = [provider.gcmKey(bytes), provider.hmacKey("sha512", bytes)] as const;
  bytes.fill(0);
  const nonce = new Uint8Array(12);
  assertThrows(() => gcm.open(nonce, new Uint8Array(50), nonce), DecryptError);
  assertEquals(gcm.seal(nonce, utf8("x"), nonce), twins[0].seal(nonce, utf8("x"), nonce));
  assertEquals(hmac.sign(nonce), twins[1].sign(nonce));
  assertNotEquals(hmac.sign(nonce), provider.hmacKey("sha512", bytes).sign(nonce));
});

forEach("comparison", (provider) => {
  const a = testRandom(13).bytes(40);
  assert(provider.equal(a, a.slice()));
  assert(provider.equal(new Uint8Array(), new Uint8Array()));
  assert(!provider.equal(a, a.subarray(1)));
  for (let i = 0; i < a.length; i++) {
    const b = a.slice();
    b[i] = (b[i] ?? 0) ^ 0x10;
    assert(!provider.equal(a, b));
  }
});

forEach("bytes in shared memory are taken too", (provider) => {
  const shared = new Uint8Array(new SharedArrayBuffer(32)).fill(7);
  const plain = new Uint8Array(32).fill(7);
  assertEquals(provider.hash("sha256", shared), provider.hash("sha256", plain));
});

Deno.test("both providers say the same about random input", () => {
  if (openssl === undefined) return;
  const random = testRandom(14);
  for (let round = 0; round < 60; round++) {
    const [key, nonce] = [random.bytes(32), random.bytes(12)];
    const [data, plain] = [random.bytes(round * 3), random.bytes(round * 17)];
    const sealed = openssl.gcmKey(key).seal(nonce, plain, data);
    assertEquals(portable.gcmKey(key).seal(nonce, plain, data), sealed);
    assertEquals(portable.gcmKey(key).open(nonce, sealed, data), plain);
    for (const name of HASH_NAMES) {
      const digest = openssl.hash(name, plain);
      assertEquals(digest.length, HASH_LENGTHS[name]);
      assertEquals(portable.hash(name, plain), digest);
      const mac = openssl.hmacKey(name, data).sign(plain);
      assertEquals(portable.hmacKey(name, data).sign(plain), mac);
      const args = [key, data, nonce, 1 + round * 5] as const;
      assertEquals(portable.hkdf(name, ...args), openssl.hkdf(name, ...args));
    }
  }
});
