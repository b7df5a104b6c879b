import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { type Bytes, fromHex, toBase64 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { testRandom } from "../crypto/testing.ts";
import { combineShares, parseKeyShare, splitKey } from "./shares.ts";

/** Made by OpenBao 2.7.2 (sys/rekey with 5 shares, threshold 3) on a server that is long gone. */
const PEER_SHARES = [
  "58d55c6cf7ca4c26a25c40ccf393d633d484c9e45f9be712dd9f66b4fc2c05ccfe",
  "c8baaaf7f29167c13dda3ac620d3c43eab82220d90b33320d9c5452c5a0b99f84e",
  "8b3fd1afecfd73e9ed9f47c78b7767a1d62cb66d7334bea6d0d717b8522b6c9a44",
  "9c7af8f2ec4a0f6a638e8fa3b5ad51388e9a81784d0a75c308160a42e179bf1396",
  "442767bda8e4c252b3f524fab5cece187e351707e6e21e1ec5d0760bd69e354e93",
].map(bytes);

function bytes(hex: string): Bytes {
  const parsed = fromHex(hex);
  assert(parsed !== undefined);
  return parsed;
}

/** All ways to pick `count` of the items. */
function* subsets<T>(items: readonly T[], count: number): Generator<T[]> {
  if (count === 0) return yield [];
  for (const [i, item] of items.entries()) {
    for (const rest of subsets(items.slice(i + 1), count - 1)) yield [item, ...rest];
  }
}

Deno.test("shares of the peer combine to one key, whichever are taken", async () => {
  const keys = new Set<string>();
  for (const three of subsets(PEER_SHARES, 3)) keys.add((await combineShares(three)).toHex());
  for (const four of subsets(PEER_SHARES, 4)) keys.add((await combineShares(four)).toHex());
  assertEquals(keys.size, 1);
  const [key = ""] = keys;
  assertEquals(key.length, 64);
  for (const two of subsets(PEER_SHARES, 2)) {
    assertNotEquals((await combineShares(two)).toHex(), key);
  }
});

Deno.test("any threshold of shares makes the key, fewer never do", async () => {
  const random = testRandom(4);
  for (const [count, threshold] of [[2, 2], [3, 2], [5, 3], [6, 5], [7, 4]] as const) {
    const key = random.bytes(32);
    const shares = await splitKey(key, count, threshold);
    assertEquals(shares.map((share) => share.length), Array(count).fill(33));
    for (let n = 2; n <= count; n++) {
      for (const some of subsets(shares, n)) {
        const combined = await combineShares(some.toReversed());
        assertEquals(combined.toHex() === key.toHex(), n >= threshold);
      }
    }
  }
});

Deno.test("255 shares are the most; one share is the key", async () => {
  const key = testRandom(5).bytes(32);
  const many = await splitKey(key, 255, 255);
  assertEquals(await combineShares(many), key);
  assertEquals(new Set(many.map((share) => share[32])).size, 255);
  const [only] = await splitKey(key, 1, 1);
  assert(only !== undefined && only !== key);
  assertEquals(await combineShares([only]), key);
});

Deno.test("shares that can't belong together are refused", async () => {
  const [a, b] = await splitKey(testRandom(6).bytes(32), 2, 2);
  assert(a !== undefined && b !== undefined);
  const twin = a.slice();
  twin[0] = (twin[0] ?? 0) ^ 1;
  await assertRejects(() => combineShares([a, twin]), Failure, "duplicate part detected");
  await assertRejects(() => combineShares([a, b.slice(1)]), Failure, "same length");
});

Deno.test("a share is read in hexadecimal of either case and in base64", () => {
  const share = testRandom(7).bytes(33);
  assertEquals(parseKeyShare(share.toHex()), share);
  assertEquals(parseKeyShare(share.toHex().toUpperCase()), share);
  assertEquals(parseKeyShare(toBase64(share)), share);
  for (
    const [text, sentence] of [
      ["", "must be a valid hex or base64"],
      ["!!", "must be a valid hex or base64"],
      ["zz!", "must be a valid hex or base64"],
      ["abcd", "shorter than minimum 16 bytes"],
      ["00".repeat(34), "longer than maximum 33 bytes"],
    ] as const
  ) {
    const failure = assertThrows(() => parseKeyShare(text), Failure, sentence);
    assertEquals(failure.status, 400);
  }
});
