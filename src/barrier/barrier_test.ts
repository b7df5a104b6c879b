import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { type Bytes, utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { openOpensslProvider } from "../crypto/openssl.ts";
import { portableProvider } from "../crypto/portable.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { CorruptionError } from "../storage/storage.ts";
import { Barrier, UnknownTermError } from "./barrier.ts";
import { AlreadyInitializedError, NotInitializedError } from "./errors.ts";
import { SealedError, WrongRootKeyError } from "./errors.ts";
import { KEYRING_KEY } from "./physical.ts";
import { DEFAULT_ROTATION } from "./rotation.ts";
import { testClock, testRandom } from "../crypto/testing.ts";
import { USAGE_BLOCK, USAGE_KEY } from "./usage.ts";

const ROOT = testRandom(1).bytes(32);
const crypto = openOpensslProvider() ?? portableProvider();

function parts(physical = new InmemStorage(), seed = 2) {
  return { physical, crypto, clock: testClock(), random: testRandom(seed) };
}

async function opened(physical = new InmemStorage()) {
  const made = parts(physical);
  const barrier = new Barrier(made);
  await barrier.initialize(ROOT);
  await barrier.unseal(ROOT);
  return { barrier, ...made };
}

function put(key: string, value: string) {
  return { key, value: utf8(value) };
}

function frameOf(physical: InmemStorage, key: string): Bytes {
  const frame = physical.get(key);
  assert(frame !== undefined);
  return frame.slice();
}

Deno.test("a sealed barrier neither reads nor writes", async () => {
  const barrier = new Barrier(parts());
  assert(!await barrier.isInitialized());
  await assertRejects(() => barrier.unseal(ROOT), NotInitializedError);
  await barrier.initialize(ROOT);
  await assertRejects(() => barrier.initialize(ROOT), AlreadyInitializedError);
  assert(barrier.sealed);
  for (
    const use of [
      () => barrier.get("a"),
      () => barrier.list(""),
      () => barrier.scan("", { limit: 1 }),
      () => barrier.activeKeyInfo(),
      () => barrier.encryptRaw("a", utf8("x")),
      () => barrier.verifyRoot(ROOT),
    ]
  ) assertThrows(use, SealedError);
  for (
    const use of [
      () => barrier.write([put("a", "x")]),
      () => barrier.rotate(),
      () => barrier.rekey(ROOT),
      () => barrier.persistUsage(),
    ]
  ) await assertRejects(use, SealedError);
});

Deno.test("only the root key opens it, again and again", async () => {
  const { barrier } = await opened();
  await barrier.write([put("secret/a", "value")]);
  for (let i = 0; i < 3; i++) {
    barrier.seal();
    assert(barrier.sealed);
    await assertRejects(() => barrier.unseal(testRandom(9).bytes(32)), WrongRootKeyError);
    assert(barrier.sealed);
    await barrier.unseal(ROOT);
    assertEquals(await barrier.get("secret/a"), utf8("value"));
  }
  assert(barrier.verifyRoot(ROOT));
  assert(!barrier.verifyRoot(ROOT.toReversed()));
  assertEquals(await barrier.get("secret/none"), undefined);
});

Deno.test("values of any size and any path come back; only ciphertext lies below", async () => {
  const { barrier, physical } = await opened();
  const random = testRandom(3);
  const keys = ["a", "ä/ö/ü", "日本/😀", "long/" + "x".repeat(1500), "e".repeat(1100) + "é"];
  for (const key of keys) {
    for (const length of [0, 1, 15, 16, 17, 300, 70_000]) {
      const value = random.bytes(length);
      await barrier.write([{ key, value }]);
      assertEquals(await barrier.get(key), value);
      const frame = frameOf(physical, key);
      assertEquals(frame.subarray(0, 5), new Uint8Array([0, 0, 0, 1, 2]));
      assertEquals(frame.length, length + 33);
      if (length > 15) assert(!frame.toHex().includes(value.toHex()));
    }
  }
});

Deno.test("equal values never look equal below", async () => {
  const { barrier, physical } = await opened();
  const seen = new Set<string>();
  for (let i = 0; i < 600; i++) {
    await barrier.write([put("same", "same")]);
    seen.add(frameOf(physical, "same").toHex());
  }
  assertEquals(seen.size, 600);
});

Deno.test("a batch is one batch below, with deletes", async () => {
  const { barrier, physical } = await opened();
  await barrier.write([put("d/a", "1"), put("d/b/c", "2"), put("d/e", "3")]);
  await barrier.write([{ key: "d/a", value: null }, put("d/e", "4")]);
  assertEquals(await barrier.list("d/"), ["b/", "e"]);
  assertEquals(await barrier.scan("d/", { limit: 10 }), [put("d/b/c", "2"), put("d/e", "4")]);
  assertEquals(physical.get("d/a"), undefined);
});

Deno.test("every flipped byte and every cut of a value is an error that names the key", async () => {
  const { barrier, physical } = await opened();
  await barrier.write([put("secret/flip", "some value")]);
  const frame = frameOf(physical, "secret/flip");
  for (let at = 0; at < frame.length; at++) {
    for (const bit of [1, 0x80]) {
      const damaged = frame.slice();
      damaged[at] = (damaged[at] ?? 0) ^ bit;
      await physical.write([{ key: "secret/flip", value: damaged }]);
      assertThrows(() => barrier.get("secret/flip"), CorruptionError, "secret/flip");
      assertThrows(() => barrier.scan("secret/", { limit: 5 }), CorruptionError, "secret/flip");
    }
    await physical.write([{ key: "secret/flip", value: frame.subarray(0, at) }]);
    assertThrows(() => barrier.get("secret/flip"), CorruptionError, "secret/flip");
  }
  await physical.write([{ key: "secret/flip", value: frame }]);
  assertEquals(await barrier.get("secret/flip"), utf8("some value"));
});

Deno.test("a value moved to another key is an error that names that key", async () => {
  const { barrier, physical } = await opened();
  await barrier.write([put("secret/mine", "x")]);
  await physical.write([{ key: "secret/yours", value: frameOf(physical, "secret/mine") }]);
  assertThrows(() => barrier.get("secret/yours"), CorruptionError, "secret/yours");
});

Deno.test("a damaged keyring does not open", async () => {
  const { barrier, physical } = await opened();
  barrier.seal();
  const frame = frameOf(physical, KEYRING_KEY);
  for (let at = 0; at < frame.length; at++) {
    const damaged = frame.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 4;
    await physical.write([{ key: KEYRING_KEY, value: damaged }]);
    await assertRejects(() => barrier.unseal(ROOT));
    assert(barrier.sealed);
  }
});

Deno.test("after rotation old values stay readable and new ones use the new term", async () => {
  const { barrier, physical, clock } = await opened();
  for (let term = 1; term <= 5; term++) {
    await barrier.write([put(`term/${term}`, `value ${term}`)]);
    assertEquals(frameOf(physical, `term/${term}`)[3], term);
    clock.advance(1000);
    assertEquals(await barrier.rotate(), term + 1);
    const info = barrier.activeKeyInfo();
    assertEquals(info, { term: term + 1, installTime: clock.now(), encryptions: 0 });
  }
  barrier.seal();
  await barrier.unseal(ROOT);
  assertEquals(barrier.activeKeyInfo().term, 6);
  for (let term = 1; term <= 5; term++) {
    assertEquals(await barrier.get(`term/${term}`), utf8(`value ${term}`));
  }
});

Deno.test("rotations asked for at once follow each other", async () => {
  const { barrier } = await opened();
  await Promise.all([barrier.rotate(), barrier.rotate(), barrier.rotate()]);
  assertEquals(barrier.activeKeyInfo().term, 4);
});

Deno.test("a replaced root key opens the same values, the old one no more", async () => {
  const { barrier, physical } = await opened();
  await barrier.write([put("a", "before")]);
  const frame = frameOf(physical, "a");
  const next = testRandom(77).bytes(32);
  await barrier.rekey(next, [{ key: "core/seal-config", value: utf8("{}") }]);
  assertEquals(physical.get("core/seal-config"), utf8("{}"));
  assertEquals(frameOf(physical, "a"), frame);
  assert(barrier.verifyRoot(next) && !barrier.verifyRoot(ROOT));
  await barrier.rotate();
  barrier.seal();
  await assertRejects(() => barrier.unseal(ROOT), WrongRootKeyError);
  await barrier.unseal(next);
  assertEquals(await barrier.get("a"), utf8("before"));
  assertEquals(barrier.activeKeyInfo().term, 2);
});

Deno.test("another node's rotation is taken up by a reload, its rekey is noticed", async () => {
  const { barrier, physical } = await opened();
  const other = new Barrier(parts(physical, 5));
  await other.unseal(ROOT);
  await barrier.rotate();
  await barrier.write([put("new", "x")]);
  assertThrows(() => other.get("new"), UnknownTermError, "new");
  await other.reload();
  assertEquals(await other.get("new"), utf8("x"));
  await barrier.rekey(testRandom(78).bytes(32));
  await assertRejects(() => other.reload(), WrongRootKeyError);
});

Deno.test("encryptions are counted, stored ahead in blocks, and exactly on request", async () => {
  const { barrier, physical } = await opened();
  await barrier.write([put("a", "1"), put("b", "2"), { key: "c", value: null }]);
  assertEquals(barrier.activeKeyInfo().encryptions, 2);
  barrier.seal();
  await barrier.unseal(ROOT);
  assertEquals(barrier.activeKeyInfo().encryptions, 2 + USAGE_BLOCK, "after a crash: a block more");
  const batch = Array.from({ length: 1000 }, (_, i) => put(`k/${i}`, ""));
  for (let i = 0; i < 70; i++) await barrier.write(batch);
  await barrier.persistUsage();
  const exact = barrier.activeKeyInfo().encryptions;
  assertEquals(exact, 2 + USAGE_BLOCK + 70_000 + 1);
  barrier.seal();
  await barrier.unseal(ROOT);
  assertEquals(barrier.activeKeyInfo().encryptions, exact);
  await physical.write([{ key: USAGE_KEY, value: new Uint8Array(40) }]);
  barrier.seal();
  await barrier.unseal(ROOT);
  assertEquals(await barrier.rotateIfDue(), 2, "a lost count makes the key count as used up");
});

Deno.test("it rotates by itself after an interval or a number of operations", async () => {
  const { barrier, clock } = await opened();
  assertEquals(barrier.rotationConfig, DEFAULT_ROTATION);
  assertEquals(await barrier.rotateIfDue(), undefined);
  const day = 86_400_000;
  await barrier.setRotationConfig({ enabled: true, maxOperations: 1_000_000, intervalMs: day });
  clock.advance(day - 1);
  assertEquals(await barrier.rotateIfDue(), undefined);
  clock.advance(1);
  assertEquals(await barrier.rotateIfDue(), 2);
  await barrier.setRotationConfig({ enabled: false, maxOperations: 1_000_000, intervalMs: day });
  clock.advance(5 * day);
  assertEquals(await barrier.rotateIfDue(), undefined);
  barrier.seal();
  await barrier.unseal(ROOT);
  assertEquals(barrier.rotationConfig.enabled, false);
  for (
    const bad of [{ maxOperations: 5 }, { maxOperations: 9e9 }, { intervalMs: 60_000 }, {
      intervalMs: -1,
    }]
  ) {
    const failure = await assertRejects(
      () => barrier.setRotationConfig({ ...DEFAULT_ROTATION, ...bad }),
      Failure,
    );
    assertEquals(failure.status, 400);
  }
});

Deno.test("raw bytes are bound to their name", async () => {
  const { barrier } = await opened();
  const sealed = barrier.encryptRaw("sums", utf8("text"));
  assertNotEquals(sealed, utf8("text"));
  assertEquals(barrier.decryptRaw("sums", sealed), utf8("text"));
  assertThrows(() => barrier.decryptRaw("other", sealed), CorruptionError);
});

Deno.test("what lies below the barrier is neither read, written nor scanned through it", async () => {
  const { barrier, physical } = await opened();
  await physical.write([{ key: "core/seal-config", value: utf8("{}") }]);
  await barrier.write([put("core/a", "1"), put("core/m", "2"), put("core/z", "3")]);
  assertThrows(() => barrier.get(KEYRING_KEY), RangeError);
  await assertRejects(() => barrier.write([put("core/seal-config", "x")]), RangeError);
  const counted = await barrier.scan("", { limit: 3, keysOnly: true });
  const keys = (await barrier.scan("", { limit: 3 })).map((entry) => entry.key);
  assertEquals(counted.map((entry) => entry.key), keys);
  assertEquals(keys, ["core/a", "core/keyring-usage", "core/m"]);
  const rest = await barrier.scan("core/", { limit: 9, after: "core/m" });
  assertEquals(rest, [put("core/z", "3")]);
});
