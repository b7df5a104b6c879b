/**
 * Leases of batch tokens end with them. A version that does not know this renews them beyond, while it
 * is active in a cluster of several versions: who is active next puts that right, in the background.
 * Once all members know it, it is done a last time.
 */
import { utf8 } from "../base/bytes.ts";
import { FairTurns } from "../base/turn.ts";
import { isOver } from "../lease/entry.ts";
import { persist } from "./persist.ts";
import type { Services } from "./services.ts";

/** Stands once it was done and every member knew it. */
const doneKey = "sys/expire/batch-ends";
const pageSize = 100;

export function keepLeaseEnds(services: Services): void {
  persist(services, "looking for leases beyond the end of their tokens", () => capAll(services));
}

async function capAll(services: Services): Promise<void> {
  const { transactions, leases, tokens, expiration, mounts } = services;
  if (await transactions.run((t) => t.get(doneKey)) !== undefined) return;
  // Before the first look: from then on nobody can undo what is put right.
  const isLast = tokens.forms.leaseEnds();
  const turns = new FairTurns(mounts.platform.clock);
  let after: string | undefined;
  do {
    const page = await transactions.run((t) => leases.secrets(t, after, pageSize));
    await cap(services, page.ids);
    await turns.giveWay();
    if (expiration.isStopped) return;
    after = page.next;
  } while (after !== undefined);
  if (isLast) await transactions.run((transaction) => transaction.put(doneKey, utf8("1")));
}

/** Gives those that last longer than their batch token its end; one that has passed ends them now. */
async function cap({ transactions, leases, tokens }: Services, ids: readonly string[]) {
  await transactions.run(async (transaction) => {
    for (const id of ids) {
      const lease = await leases.get(transaction, id);
      if (lease?.tokenEnd === undefined || isOver(lease, tokens.clock.now())) continue;
      const { tokenEnd: expireTime } = lease;
      if (lease.expireTime > expireTime) leases.put(transaction, { ...lease, expireTime }, lease);
    }
  });
}
