/** What the tests of this room start from: a node's parts over storage in memory. */
import { type Bytes, wipe } from "../base/bytes.ts";
import { Barrier } from "../barrier/barrier.ts";
import { testClock, testRandom } from "../crypto/testing.ts";
import { openOpensslProvider } from "../crypto/openssl.ts";
import { portableProvider } from "../crypto/portable.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { initialize, type InitOptions } from "./init.ts";
import { ShamirSeal } from "./shamir_seal.ts";
import { UnsealProgress } from "./unseal.ts";
import { UnsealKey } from "./unseal_key.ts";

export const crypto = openOpensslProvider() ?? portableProvider();

/** A node before its initialization. */
export function newNode(seed = 1, physical = new InmemStorage()) {
  const clock = testClock();
  const random = testRandom(seed);
  const barrier = new Barrier({ physical, crypto, clock, random });
  const seal = new ShamirSeal(crypto, random);
  const parts = { physical, barrier, seal, crypto, clock, random };
  return { ...parts, progress: new UnsealProgress(parts), unsealKey: new UnsealKey(parts) };
}

export type Node = ReturnType<typeof newNode>;

/** A node that is initialized and unsealed, with the shares of its key. */
export async function unsealedNode(options: InitOptions, seed = 1) {
  const node = newNode(seed);
  const made = await initialize(node, options);
  await open(node, made.rootKey);
  return { ...node, keys: made.keys };
}

/** Gives the root key to the barrier. */
export async function open(node: Node, rootKey: Bytes): Promise<void> {
  await node.barrier.unseal(rootKey);
  wipe(rootKey);
}

/** Seals a node and unseals it with these shares; whether that worked. */
export async function reopen(node: Node, shares: readonly string[]): Promise<boolean> {
  node.barrier.seal();
  node.seal.forget();
  node.progress.reset();
  for (const share of shares) {
    const rootKey = await node.progress.submit(share);
    if (rootKey !== undefined) await open(node, rootKey);
  }
  return !node.barrier.sealed;
}

/** A PGP key pair made for a test. */
export async function newPgpPair(nowMs: number) {
  const pgp = await import("openpgp");
  const { privateKey, publicKey } = await pgp.generateKey({
    type: "ecc",
    userIDs: [{ name: "holder" }],
    date: new Date(nowMs - 1000),
    format: "object",
  });
  return {
    publicKey: new Uint8Array(publicKey.write()).toBase64(),
    fingerprint: publicKey.getFingerprint(),
    async decrypt(binaryMessage: Bytes): Promise<string> {
      const message = await pgp.readMessage({ binaryMessage });
      const date = new Date(nowMs);
      const { data } = await pgp.decrypt({ message, decryptionKeys: privateKey, date });
      return String(data);
    },
  };
}
