import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { fromBase64, fromHex, utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { CANCEL_GUARD_MS, Rekey } from "./rekey.ts";
import { newPgpPair, reopen, unsealedNode } from "./test_kit.ts";

const FIVE = { secretShares: 5, secretThreshold: 3 };

async function rekeyable(seed = 1) {
  const node = await unsealedNode(FIVE, seed);
  await node.barrier.write([{ key: "secret", value: utf8("value") }]);
  return { node, rekey: new Rekey({ ...node, target: node.unsealKey }) };
}

async function handIn(rekey: Rekey, keys: readonly string[], nonce: string) {
  let result;
  for (const key of keys) result = await rekey.update({ key, nonce });
  return result;
}

Deno.test("new shares replace the old; values and terms stay", async () => {
  const { node, rekey } = await rekeyable();
  const idle = await rekey.status();
  assertEquals([idle.started, idle.nonce, idle.required], [false, "", 3]);
  const { nonce } = await rekey.init({ secretShares: 3, secretThreshold: 2 });
  const result = await handIn(rekey, node.keys.slice(1, 4), nonce);
  assert(result !== undefined);
  assertEquals([result.nonce, result.keys.length, result.verificationRequired], [nonce, 3, false]);
  assertEquals((await rekey.status()).started, false);
  assertEquals((await rekey.status()).required, 2);
  assertEquals(await node.barrier.get("secret"), utf8("value"));
  await assertRejects(() => reopen(node, node.keys.slice(0, 2)), Failure, "invalid key");
  assert(await reopen(node, result.keys.slice(1)));
  assertEquals(await node.barrier.get("secret"), utf8("value"));
  assertEquals(node.barrier.activeKeyInfo().term, 1);
});

Deno.test("old shares with an old copy of the stored root key open nothing new", async () => {
  const { node, rekey } = await rekeyable();
  const before = await node.physical.get("core/hsm/barrier-unseal-keys");
  const { nonce } = await rekey.init({ secretShares: 1, secretThreshold: 1 });
  await handIn(rekey, node.keys.slice(0, 3), nonce);
  const config = utf8('{"type":"shamir","secret_shares":5,"secret_threshold":3}');
  assert(before !== undefined);
  await node.physical.write([
    { key: "core/hsm/barrier-unseal-keys", value: before },
    { key: "core/seal-config", value: config },
  ]);
  await assertRejects(() => reopen(node, node.keys.slice(0, 3)), Error, "does not open");
});

Deno.test("what can't be is refused, and one rekey runs at a time", async () => {
  const { node, rekey } = await rekeyable();
  const fails = async (act: () => Promise<unknown>, sentence: string) => {
    assertEquals((await assertRejects(act, Failure, sentence)).status, 400);
  };
  await fails(() => rekey.update({ key: "00".repeat(33), nonce: "x" }), "no barrier rekey");
  await fails(() => rekey.init({ secretShares: 5, secretThreshold: 1 }), "greater than one");
  const one = { secretShares: 1, secretThreshold: 1 };
  await fails(() => rekey.init({ ...one, backup: true }), "without providing PGP keys");
  await fails(() => rekey.init({ ...one, pgpKeys: ["x"] }), "error decoding given PGP key");
  const { nonce } = await rekey.init(FIVE);
  await fails(() => rekey.init(FIVE), "rekey already in progress");
  const [a = "", b = ""] = node.keys;
  await fails(() => rekey.update({ key: a, nonce: "x" }), `"${nonce}"`);
  await fails(() => rekey.update({ key: "!!", nonce }), "valid hex or base64");
  assertEquals(await rekey.update({ key: a, nonce }), undefined);
  await fails(() => rekey.update({ key: a, nonce }), "already been provided");
  await rekey.update({ key: b, nonce });
  await fails(() => rekey.update({ key: "00".repeat(33), nonce }), "invalid key");
  assertEquals((await rekey.status()).progress, 0);
  assertThrows(() => rekey.verifyStatus(), Failure, "no rekey verification");
  rekey.cancel();
  rekey.cancel();
  assertThrows(() => rekey.verifyStatus(), Failure, "no rekey configuration");
  assertEquals((await rekey.status()).started, false);
});

Deno.test("for ten minutes a guarded cancel needs the nonce", async () => {
  const { node, rekey } = await rekeyable();
  await rekey.init(FIVE);
  assertThrows(() => rekey.cancel({ guarded: true }), Failure, "nonce");
  node.clock.advance(CANCEL_GUARD_MS);
  rekey.cancel({ guarded: true });
  const { nonce } = await rekey.init(FIVE);
  rekey.cancel({ guarded: true, nonce });
  assertEquals((await rekey.status()).started, false);
});

Deno.test("with verification the new shares take effect only when they were shown", async () => {
  const { node, rekey } = await rekeyable();
  const { nonce } = await rekey.init({
    secretShares: 3,
    secretThreshold: 2,
    requireVerification: true,
  });
  const result = await handIn(rekey, node.keys.slice(0, 3), nonce);
  assert(result !== undefined && result.verificationRequired);
  await assertRejects(() => handIn(rekey, node.keys, nonce), Failure, "must be performed");
  const first = rekey.verifyStatus();
  assertEquals(first, {
    nonce: result.verificationNonce,
    threshold: 2,
    shares: 3,
    progress: 0,
  });
  const [a = "", b = ""] = result.keys;
  await assertRejects(() => rekey.verify({ key: a, nonce: "x" }), Failure, `"${first.nonce}"`);
  assertEquals(await rekey.verify({ key: a, nonce: first.nonce }), undefined);
  await assertRejects(() => rekey.verify({ key: a, nonce: first.nonce }), Failure, "already");
  const wrong = { key: "00".repeat(33), nonce: first.nonce };
  await assertRejects(() => rekey.verify(wrong), Failure, "verification failed");
  const second = rekey.verifyStatus();
  assertNotEquals(second.nonce, first.nonce);
  await rekey.verify({ key: b, nonce: second.nonce });
  const third = rekey.restartVerification();
  assertEquals(third.progress, 0);
  await rekey.verify({ key: b, nonce: third.nonce });
  assertEquals(await rekey.verify({ key: a, nonce: third.nonce }), { nonce: third.nonce });
  assertEquals((await rekey.status()).started, false);
  assert(await reopen(node, [a, b]));
});

Deno.test("without verification of the new shares the old ones stay in force", async () => {
  const { node, rekey } = await rekeyable();
  const { nonce } = await rekey.init({
    secretShares: 3,
    secretThreshold: 2,
    requireVerification: true,
  });
  await handIn(rekey, node.keys.slice(0, 3), nonce);
  rekey.reset();
  assert(await reopen(node, node.keys.slice(0, 3)));
});

Deno.test("shares for PGP keys can be kept until they are removed", async () => {
  const { node, rekey } = await rekeyable();
  const holders = [await newPgpPair(node.clock.now()), await newPgpPair(node.clock.now())];
  const [first, second] = holders;
  assert(first !== undefined && second !== undefined);
  await assertRejects(() => rekey.backup(), Failure, "no backed-up keys found");
  const status = await rekey.init({
    secretShares: 3,
    secretThreshold: 3,
    backup: true,
    pgpKeys: [first.publicKey, second.publicKey, first.publicKey],
  });
  const fingerprints = [first.fingerprint, second.fingerprint, first.fingerprint];
  assertEquals(status.pgpFingerprints, fingerprints);
  const result = await handIn(rekey, node.keys.slice(0, 3), status.nonce);
  assertEquals(result?.pgpFingerprints, fingerprints);
  const backup = await rekey.backup();
  assertEquals(backup.nonce, status.nonce);
  const [x = "", , z = ""] = result?.keys ?? [];
  assertEquals(backup.keys[first.fingerprint], [x, z]);
  const shares: string[] = [];
  for (const holder of holders) {
    for (const message of backup.keysBase64[holder.fingerprint] ?? []) {
      shares.push(await holder.decrypt(fromBase64(message) ?? new Uint8Array()));
    }
  }
  assert(shares.every((share) => fromHex(share)?.length === 33));
  assert(await reopen(node, shares));
  await rekey.deleteBackup();
  await assertRejects(() => rekey.backup(), Failure, "no backed-up keys found");
});

Deno.test("the root key alone can be replaced; the shares stay", async () => {
  const { node } = await rekeyable();
  const keyring = await node.physical.get("core/keyring");
  await node.unsealKey.rotateRoot();
  assertNotEquals(await node.physical.get("core/keyring"), keyring);
  assert(await reopen(node, node.keys.slice(2)));
  assertEquals(await node.barrier.get("secret"), utf8("value"));
});

Deno.test("two last shares at once make one rekey", async () => {
  const { node, rekey } = await rekeyable();
  const { nonce } = await rekey.init({ secretShares: 1, secretThreshold: 1 });
  const [a = "", b = "", c = "", d = ""] = node.keys;
  await handIn(rekey, [a, b], nonce);
  const both = await Promise.allSettled([
    rekey.update({ key: c, nonce }),
    rekey.update({ key: d, nonce }),
  ]);
  assertEquals(both.map((one) => one.status).sort(), ["fulfilled", "rejected"]);
  const done = both.find((one) => one.status === "fulfilled");
  assert(done !== undefined && done.status === "fulfilled");
  assert(await reopen(node, done.value?.keys ?? []));
});
