/**
 * Counts the logins with a role that were made before a lease count for that role: they have no mark
 * yet, and get it here, page by page behind everything else. A token says itself that it is counted,
 * so none is counted twice, also where a restart or another leader begins from the start again.
 */
import { FairTurns } from "../base/turn.ts";
import { countedAs } from "../quota/role_counts.ts";
import { isIncomplete, type LeaseCountRule } from "../quota/rule.ts";
import type { TokenEntry } from "../token/entry.ts";
import { persist } from "./persist.ts";
import type { Services } from "./services.ts";

/** Tokens that are looked at in one go: about a millisecond's work. */
const pageSize = 100;

/** From now on, as long as the node is active: whatever rule comes or is there. */
export function keepCountsComplete(services: Services): void {
  const ask = persist(services, "counting earlier logins", () => countAll(services));
  services.quotas.onIncomplete = ask;
}

async function countAll(services: Services): Promise<void> {
  const { quotas, tokens, expiration, mounts: { platform: { log } } } = services;
  while (!expiration.isStopped && tokens.forms.counted()) {
    const rule = [...quotas.leaseCounts.values()].find(isIncomplete);
    if (rule === undefined) return;
    const counted = await countFor(services, rule);
    if (quotas.leaseCounts.get(rule.name)?.isComplete !== true) continue;
    log.info("earlier logins are counted", { quota: rule.name, counted });
  }
}

/** Counts for one rule, until that is done or the rule is another; how many it has counted. */
async function countFor(services: Services, rule: LeaseCountRule): Promise<number> {
  const { transactions, tokens, quotas, expiration, mounts } = services;
  // A login that is under way may not know the rule, and be kept where this has been by then.
  await transactions.othersEnded();
  const turns = new FairTurns(mounts.platform.clock);
  let counted = 0;
  let after: string | undefined;
  do {
    const page = await transactions.run((t) => tokens.page(t, after, pageSize));
    const ids = page.entries.filter((entry) => isOf(services, rule, entry)).map(({ id }) => id);
    if (ids.length > 0) counted += await mark(services, rule, ids);
    await turns.giveWay();
    if (expiration.isStopped || !quotas.holds(rule)) return counted;
    after = page.next;
  } while (after !== undefined);
  await transactions.run((transaction) => quotas.complete(transaction, rule));
  return counted;
}

/** Reads each again, by itself: who changes or revokes one of them at the same time conflicts. */
function mark(services: Services, rule: LeaseCountRule, ids: readonly string[]): Promise<number> {
  const { transactions, tokens } = services;
  return transactions.run(async (transaction) => {
    let marked = 0;
    for (const id of ids) {
      const entry = await tokens.readHash(transaction, id);
      if (entry === undefined || !isOf(services, rule, entry)) continue;
      tokens.count(transaction, entry, countedAs({ ...rule, mount: rule.path }));
      marked++;
    }
    return marked;
  });
}

/** Whether a rule is for the login that made a token, which is not counted yet. */
function isOf({ mounts }: Services, { path, role }: LeaseCountRule, entry: TokenEntry): boolean {
  if (entry.countedAs !== undefined || entry.authMount !== path) return false;
  return mounts.router.at(path)?.backend.tokenRole?.(entry.internalData) === role;
}
