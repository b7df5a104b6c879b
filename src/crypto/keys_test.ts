import { createHash } from "node:crypto";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Bytes, concat, fromHex, utf8 } from "../base/bytes.ts";
import { testRandom } from "./testing.ts";
import { COORDINATE_LENGTHS, derToP1363, p1363ToDer } from "./ecdsa_format.ts";
import {
  fromPem,
  KEY_KINDS,
  KeyFormatError,
  type KeyKind,
  type KeyProvider,
  kindName,
  type SignatureHash,
  type SignatureOptions,
  toPem,
} from "./keys.ts";
import { openOpensslProvider } from "./openssl.ts";
import { portableKeys } from "./portable_keys.ts";
import { DecryptError } from "./provider.ts";
import { field, vectors } from "./vectors.ts";

const openssl = openOpensslProvider()?.keys;
const providers: readonly [string, KeyProvider][] = openssl === undefined
  ? [["portable", portableKeys]]
  : [["openssl", openssl], ["portable", portableKeys]];

function forEach(promise: string, check: (keys: KeyProvider) => Promise<void>): void {
  for (const [name, keys] of providers) Deno.test(`${name}: ${promise}`, () => check(keys));
}

function hashOf(text: string | undefined): SignatureHash {
  switch (text) {
    case "sha1":
    case "sha224":
    case "sha256":
    case "sha384":
    case "sha512":
      return text;
    default:
      throw new SyntaxError(`no digest ${text}`);
  }
}

/** SubjectPublicKeyInfo up to the point or key (RFC 5480, RFC 8410). */
const SPKI_HEADS: Readonly<Record<string, string>> = {
  p256: "3059301306072a8648ce3d020106082a8648ce3d03010703420004",
  p384: "3076301006072a8648ce3d020106052b8104002203620004",
  p521: "30819b301006072a8648ce3d020106052b810400230381860004",
  ed25519: "302a300506032b6570032100",
};

function der(tag: number, ...parts: Bytes[]): Bytes {
  const body = concat(...parts);
  const n = body.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return concat(new Uint8Array([tag, ...length]), body);
}

function rsaSpki(modulus: Bytes, exponent: Bytes): Bytes {
  const integer = (b: Bytes) => der(2, (b[0] ?? 0) >= 128 ? concat(new Uint8Array(1), b) : b);
  const rsaEncryption = fromHex("300d06092a864886f70d0101010500") ?? new Uint8Array();
  const key = der(0x30, integer(modulus), integer(exponent));
  return der(0x30, rsaEncryption, der(3, new Uint8Array(1), key));
}

function evenHex(text = ""): Bytes {
  return field(text.length % 2 === 0 ? text : `0${text}`);
}

forEach("ECDSA verifies as NIST's vectors say, in both forms", async (keys) => {
  for (const [curve = "", hash, message, x, y, r, s, result] of vectors("ecdsa.txt")) {
    const spki = concat(field(SPKI_HEADS[curve]), field(x), field(y));
    const key = keys.importSpki(spki);
    const side = concat(field(r), field(s));
    const options = { hash: hashOf(hash), format: "p1363" } as const;
    assertEquals(await key.verify(field(message), side, options), result === "P");
    const asn1 = p1363ToDer(side, side.length / 2) ?? new Uint8Array();
    const ok = await key.verify(field(message), asn1, { hash: hashOf(hash) });
    assertEquals(ok, result === "P");
    assertEquals(key.spki(), spki);
  }
});

forEach("Ed25519 signs and verifies as published", async (keys) => {
  const pkcs8Head = field("302e020100300506032b657004220420");
  for (const [seed, publicKey, message, signature] of vectors("ed25519.txt")) {
    const key = keys.importPkcs8(concat(pkcs8Head, field(seed)));
    assertEquals(await key.sign(field(message)), field(signature));
    const spki = concat(field(SPKI_HEADS.ed25519), field(publicKey));
    assertEquals(key.publicKey.spki(), spki);
    const other = keys.importSpki(spki);
    assert(await other.verify(field(message), field(signature)));
    assert(!await other.verify(concat(field(message), utf8("x")), field(signature)));
  }
});

forEach("RSA verifies as NIST's vectors say", async (keys) => {
  for (const [padding, hash, n, e, message, signature, result] of vectors("rsa.txt")) {
    const key = keys.importSpki(rsaSpki(evenHex(n), evenHex(e)));
    const options = {
      hash: hashOf(hash),
      padding: padding === "pss" ? "pss" : "pkcs1v15",
    } as const;
    assertEquals(await key.verify(field(message), evenHex(signature), options), result === "P");
  }
});

forEach("every kind that is quick to make signs, exports and comes back", async (keys) => {
  for (const kind of KEY_KINDS) {
    if (kind === "rsa-3072" || kind === "rsa-4096") continue;
    const made = await keys.generate(kind);
    assertEquals(kindName(made.algorithm), kind);
    const pkcs8 = made.pkcs8();
    const again = keys.importPkcs8(fromPem(toPem("PRIVATE KEY", pkcs8)).der);
    assertEquals(again.publicKey.spki(), made.publicKey.spki());
    for (const hash of ["sha256", "sha512"] as const) {
      for (const padding of ["pss", "pkcs1v15"] as const) {
        for (const format of ["der", "p1363"] as const) {
          const options = { hash, padding, format };
          const signature = await again.sign(utf8("message"), options);
          assert(await made.publicKey.verify(utf8("message"), signature, options));
          assert(!await made.publicKey.verify(utf8("massage"), signature, options));
          signature[9] = (signature[9] ?? 0) ^ 1;
          assert(!await made.publicKey.verify(utf8("message"), signature, options));
        }
      }
    }
    made.destroy();
    made.destroy();
    await assertRejects(() => made.sign(utf8("x")), Error, "destroyed");
    assertThrows(() => made.pkcs8(), Error, "destroyed");
  }
});

forEach("signatures under way survive the end of their key", async (keys) => {
  const key = await keys.generate("ecdsa-p521");
  const many = Array.from({ length: 8 }, (_, i) => key.sign(utf8(`message ${i}`)));
  key.destroy();
  for (const [i, signature] of (await Promise.all(many)).entries()) {
    assert(await key.publicKey.verify(utf8(`message ${i}`), signature));
  }
});

forEach("junk is refused as a key and false as a signature", async (keys) => {
  const random = testRandom(21);
  const key = await keys.generate("ecdsa-p256");
  for (const junk of [new Uint8Array(), random.bytes(5), random.bytes(300)]) {
    assertThrows(() => keys.importPkcs8(junk), KeyFormatError);
    assertThrows(() => keys.importSpki(junk), KeyFormatError);
    assert(!await key.publicKey.verify(utf8("x"), junk));
    assert(!await key.publicKey.verify(utf8("x"), junk, { format: "p1363" }));
  }
});

Deno.test("what one provider makes the other takes", async () => {
  if (openssl === undefined) return;
  for (const kind of ["ecdsa-p384", "ed25519", "rsa-2048"] as const) {
    for (const [from, to] of [[openssl, portableKeys], [portableKeys, openssl]] as const) {
      const key = await from.generate(kind);
      const twin = to.importPkcs8(key.pkcs8());
      const signature = await twin.sign(utf8("x"), { hash: "sha384" });
      assert(await key.publicKey.verify(utf8("x"), signature, { hash: "sha384" }));
    }
  }
});

Deno.test("r || s and DER turn into each other", () => {
  const random = testRandom(22);
  for (const length of Object.values(COORDINATE_LENGTHS)) {
    for (let zeros = 0; zeros < 4; zeros++) {
      const signature = random.bytes(2 * length);
      signature.fill(0, 0, zeros);
      signature.fill(0, length, length + zeros);
      const asn1 = p1363ToDer(signature, length);
      assert(asn1 !== undefined);
      assertEquals(derToP1363(asn1, length), signature);
      assertEquals(derToP1363(asn1.subarray(1), length), undefined);
      assertEquals(derToP1363(concat(asn1, new Uint8Array(1)), length), undefined);
    }
    assertEquals(p1363ToDer(new Uint8Array(2 * length - 1), length), undefined);
  }
});

const digestCases: readonly (readonly [KeyKind, SignatureOptions])[] = [
  ["ecdsa-p256", { hash: "sha512" }],
  ["ecdsa-p384", { hash: "sha3-384" }],
  ["ecdsa-p521", { hash: "sha1" }],
  ["rsa-2048", { hash: "sha256", padding: "pss", saltLength: 222 }],
  ["rsa-2048", { hash: "sha3-512", padding: "pss" }],
  ["rsa-2048", { hash: "sha384", padding: "pkcs1v15" }],
  ["rsa-2048", { hash: "sha3-224", padding: "pkcs1v15" }],
  ["rsa-2048", { hash: "sha1", padding: "pkcs1v15" }],
];

forEach("a signature of a digest is one of what it was made from", async (provider) => {
  for (const [kind, options] of digestCases) {
    const key = await provider.generate(kind);
    const digest = createHash(options.hash ?? "sha256").update("message").digest();
    const early = { ...options, prehashed: true };
    const signature = await key.sign(digest, early);
    assert(await key.publicKey.verify(utf8("message"), signature, options));
    const whole = await key.sign(utf8("message"), options);
    assert(await key.publicKey.verify(digest, whole, early));
    digest[0] = (digest[0] ?? 0) ^ 1;
    assert(!await key.publicKey.verify(digest, whole, early));
  }
});

forEach("data are signed as they are by PKCS #1 v1.5 alone", async (provider) => {
  const key = await provider.generate("rsa-2048");
  const raw = { padding: "pkcs1v15", prehashed: "raw" } as const;
  const signature = await key.sign(utf8("as it is"), raw);
  assert(await key.publicKey.verify(utf8("as it is"), signature, raw));
  assert(!await key.publicKey.verify(utf8("as it was"), signature, raw));
  await assertRejects(() => key.sign(new Uint8Array(246), raw), RangeError, "245");
  await assertRejects(() => key.sign(utf8("x"), { ...raw, padding: "pss" }), RangeError);
});

forEach("digests and salts that do not fit are refused", async (provider) => {
  const key = await provider.generate("rsa-2048");
  const early = { prehashed: true } as const;
  await assertRejects(() => key.sign(utf8("short"), early), RangeError, "32 bytes");
  await assertRejects(() => key.sign(utf8("x"), { saltLength: 223 }), RangeError, "222");
  await assertRejects(() => key.sign(utf8("x"), { saltLength: -1 }), RangeError);
});

forEach("RSA-OAEP", async (provider) => {
  const key = await provider.generate("rsa-2048");
  for (const hash of ["sha1", "sha224", "sha256", "sha384", "sha512"] as const) {
    const sealed = await key.publicKey.encrypt(utf8("secret"), hash);
    assertEquals(await key.decrypt(sealed, hash), utf8("secret"));
    sealed[9] = (sealed[9] ?? 0) ^ 1;
    await assertRejects(() => key.decrypt(sealed, hash), DecryptError);
  }
  assertEquals(await key.decrypt(await key.publicKey.encrypt(utf8(""), "sha1"), "sha1"), utf8(""));
  const long = new Uint8Array(191);
  await assertRejects(() => key.publicKey.encrypt(long, "sha256"), RangeError, "190");
  const other = await provider.generate("ed25519");
  await assertRejects(() => other.publicKey.encrypt(utf8("x"), "sha256"), KeyFormatError);
  await assertRejects(() => other.decrypt(utf8("x"), "sha256"), KeyFormatError);
});
