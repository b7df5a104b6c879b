import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { fromBase64, fromHex, utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { SEAL_CONFIG_KEY, STORED_ROOT_KEY } from "../barrier/physical.ts";
import { CorruptionError } from "../storage/storage.ts";
import { initialize, prepareInit } from "./init.ts";
import { newNode, newPgpPair, open, reopen, unsealedNode } from "./test_kit.ts";

const FIVE = { secretShares: 5, secretThreshold: 3 };

Deno.test("initialize, unseal with any three of five, seal, and again", async () => {
  const node = await unsealedNode(FIVE);
  assertEquals(node.keys.length, 5);
  await node.barrier.write([{ key: "secret", value: utf8("value") }]);
  for (const picked of [[0, 1, 2], [4, 2, 0], [3, 1, 4]]) {
    assert(await reopen(node, picked.map((i) => node.keys[i] ?? "")));
    assertEquals(await node.barrier.get("secret"), utf8("value"));
  }
  assert(!await reopen(node, node.keys.slice(0, 2)));
});

Deno.test("the number of shares and the keys that hold them are checked", async () => {
  const node = newNode();
  const wrong: readonly [number, number, string][] = [
    [0, 0, "shares must be at least one"],
    [-1, -1, "shares must be at least one"],
    [1.5, 1, "shares must be at least one"],
    [5, 0, "threshold must be at least one"],
    [5, 1, "threshold must be greater than one for multiple shares"],
    [256, 3, "shares must be less than 256"],
    [3, 300, "threshold must be less than 256"],
    [1, 2, "threshold cannot be larger than shares"],
  ];
  for (const [secretShares, secretThreshold, sentence] of wrong) {
    const failure = await assertRejects(
      () => initialize(node, { secretShares, secretThreshold }),
      Failure,
      `invalid seal configuration: ${sentence}`,
    );
    assertEquals(failure.status, 400);
  }
  const one = { secretShares: 1, secretThreshold: 1 };
  for (
    const [options, sentence] of [
      [{ pgpKeys: ["x", "y"] }, "count mismatch"],
      [{ pgpKeys: ["x"] }, "invalid seal configuration: error decoding given PGP key"],
      [{ pgpKeys: ["aGVsbG8="] }, "invalid seal configuration: error parsing given PGP key"],
      [{ rootTokenPgpKey: "junk" }, "error parsing given PGP key"],
      [{ recoveryShares: 1, recoveryThreshold: 1 }, "recovery_shares,recovery_threshold not"],
    ] as const
  ) await assertRejects(() => initialize(node, { ...one, ...options }), Failure, sentence);
  assert(!await node.barrier.isInitialized());
});

Deno.test("a node is initialized once", async () => {
  const node = newNode();
  const again = await prepareInit(node, FIVE);
  await initialize(node, FIVE);
  const failure = await assertRejects(again, Failure, "Vault is already initialized");
  assertEquals(failure.status, 400);
  await assertRejects(
    () => initialize(node, { secretShares: 1, secretThreshold: 5 }),
    Failure,
    "threshold cannot be larger",
  );
});

Deno.test("one share is the key; 32 bytes", async () => {
  const node = await unsealedNode({ secretShares: 1, secretThreshold: 1 });
  assertEquals(node.keys[0]?.length, 64);
  assert(await reopen(node, node.keys));
});

Deno.test("progress is told, duplicates change nothing, reset forgets", async () => {
  const node = await unsealedNode(FIVE);
  const [a = "", b = "", c = ""] = node.keys;
  await reopen(node, []);
  const idle = { threshold: 3, shares: 5, progress: 0, nonce: "" };
  assertEquals(await node.progress.status(), idle);
  await node.progress.submit(a);
  const first = await node.progress.status();
  assertEquals(first.progress, 1);
  assertNotEquals(first.nonce, "");
  const base64 = (fromHex(a) ?? new Uint8Array()).toBase64();
  assertEquals(await node.progress.submit(base64), undefined);
  assertEquals(await node.progress.status(), first);
  await node.progress.submit(b);
  assertEquals(await node.progress.status(), { ...first, progress: 2 });
  node.progress.reset();
  assertEquals(await node.progress.status(), idle);
  await node.progress.submit(c);
  assertNotEquals((await node.progress.status()).nonce, first.nonce);
});

Deno.test("a wrong share at the threshold starts the attempt again", async () => {
  const node = await unsealedNode(FIVE);
  const foreign = await unsealedNode(FIVE, 2);
  const [a = "", b = "", c = ""] = node.keys;
  await reopen(node, [a, b]);
  const wrong = foreign.keys.find((key) => ![a, b].some((k) => k.slice(-2) === key.slice(-2)));
  const failure = await assertRejects(() => node.progress.submit(wrong ?? ""), Failure);
  assertEquals(failure.status, 400);
  assert(failure.message.includes("invalid key"));
  assertEquals((await node.progress.status()).progress, 0);
  assert(await reopen(node, [a, b, c]));
});

Deno.test("malformed shares are refused and don't count", async () => {
  const node = await unsealedNode(FIVE);
  await reopen(node, []);
  for (const text of ["", "zz!", "abcd", "00".repeat(34)]) {
    await assertRejects(() => node.progress.submit(text), Failure);
  }
  assertEquals((await node.progress.status()).progress, 0);
  const fresh = newNode(3);
  await assertRejects(() => fresh.progress.submit("00".repeat(32)), Failure, "not initialized");
  assertEquals(await fresh.progress.status(), { threshold: 0, shares: 0, progress: 0, nonce: "" });
});

Deno.test("shares and the root token are encrypted for their holders", async () => {
  const node = newNode();
  const holders = [await newPgpPair(node.clock.now()), await newPgpPair(node.clock.now())];
  const made = await initialize(node, {
    secretShares: 2,
    secretThreshold: 2,
    pgpKeys: holders.map((holder) => holder.publicKey),
    rootTokenPgpKey: holders[0]?.publicKey ?? "",
  });
  assertEquals(made.pgpFingerprints, holders.map((holder) => holder.fingerprint));
  const shares: string[] = [];
  for (const [i, holder] of holders.entries()) {
    const message = fromHex(made.keys[i] ?? "") ?? new Uint8Array();
    assertEquals(fromBase64(made.keysBase64[i] ?? ""), message);
    shares.push(await holder.decrypt(message));
  }
  const token = fromBase64(await made.presentRootToken("hvs.token")) ?? new Uint8Array();
  assertEquals(await holders[0]?.decrypt(token), "hvs.token");
  await open(node, made.rootKey);
  assert(await reopen(node, shares));
});

Deno.test("the stored root key is bound to its key, name and bytes", async () => {
  const node = await unsealedNode(FIVE);
  const wrapped = (await node.physical.get(STORED_ROOT_KEY) ?? new Uint8Array()).slice();
  for (let at = 0; at < wrapped.length; at++) {
    const damaged = wrapped.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await node.physical.write([{ key: STORED_ROOT_KEY, value: damaged }]);
    await assertRejects(() => reopen(node, node.keys.slice(0, 3)), Failure);
  }
  await node.physical.write([{ key: STORED_ROOT_KEY, value: wrapped }]);
  assert(await reopen(node, node.keys.slice(0, 3)));
});

Deno.test("a damaged seal configuration is named", async () => {
  const node = await unsealedNode(FIVE);
  for (const text of ["{", "[]", '{"type":"shamir","secret_shares":1,"secret_threshold":2}']) {
    await node.physical.write([{ key: SEAL_CONFIG_KEY, value: utf8(text) }]);
    await assertRejects(() => node.progress.status(), CorruptionError, SEAL_CONFIG_KEY);
  }
});
