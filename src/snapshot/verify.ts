/**
 * Proves a backup: opens a snapshot with its unseal keys, apart from any node, and decrypts every
 * entry. Nothing but the keyring is held in memory.
 */
import type { Barrier, BarrierParts } from "../barrier/barrier.ts";
import { isBelowBarrier } from "../barrier/physical.ts";
import { wipe } from "../base/bytes.ts";
import { badRequest, describeError } from "../base/failure.ts";
import { InmemStorage } from "../storage/inmem.ts";
import type { PrefixCount } from "./inspect.ts";
import { SnapshotKeys } from "./keys.ts";
import type { ReadSnapshot } from "./read.ts";

export interface Verified {
  readonly opened: readonly PrefixCount[];
  /** Keys whose values did not open, and why; at most `FAILURES_MAX` of them. */
  readonly failures: readonly { readonly key: string; readonly reason: string }[];
  readonly failed: number;
}

/** Failures that are told one by one; the rest is counted. */
const FAILURES_MAX = 100;

/** Needs as many shares as the snapshot's threshold. Throws a 400 `Failure` where they are wrong. */
export async function verifySnapshot(
  snapshot: ReadSnapshot,
  shares: readonly string[],
  machine: Omit<BarrierParts, "physical">,
): Promise<Verified> {
  const physical = new InmemStorage();
  const below = [...snapshot.belowBarrier].map(([key, value]) => ({ key, value }));
  await physical.write(below);
  const keys = new SnapshotKeys(physical, machine);
  try {
    return await decryptAll(snapshot, await openBarrier(keys, shares));
  } finally {
    keys.close();
    await physical.close();
  }
}

async function openBarrier(keys: SnapshotKeys, shares: readonly string[]): Promise<Barrier> {
  for (const share of shares) {
    const barrier = await keys.submit(share);
    if (barrier !== undefined) return barrier;
  }
  throw badRequest("too few different key shares were given");
}

async function decryptAll(snapshot: ReadSnapshot, barrier: Barrier): Promise<Verified> {
  const opened = new Map<string, { count: number; size: number }>();
  const failures: { key: string; reason: string }[] = [];
  let failed = 0;
  for await (const { key, value } of snapshot.entries()) {
    if (isBelowBarrier(key)) continue;
    try {
      const plain = barrier.decryptRaw(key, value);
      const name = key.split("/").slice(0, 2).join("/");
      const known = opened.get(name) ?? { count: 0, size: 0 };
      opened.set(name, { count: known.count + 1, size: known.size + plain.length });
      wipe(plain);
    } catch (error) {
      failed += 1;
      if (failures.length < FAILURES_MAX) failures.push({ key, reason: describeError(error) });
    }
  }
  const counts = [...opened].map(([name, counted]) => ({ name, ...counted }));
  return { opened: counts.sort((a, b) => a.name < b.name ? -1 : 1), failures, failed };
}
