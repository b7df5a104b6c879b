/** Turns a mount of version 1 into version 2: each value becomes the first version of its key. */
import type { Awaitable } from "../../base/awaitable.ts";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { Failure } from "../../base/failure.ts";
import type { Platform } from "../../core/backend.ts";
import { isJsonObject, parseJson } from "../../logical/json.ts";
import type { Transaction, Transactions, View } from "../../storage/transaction.ts";
import { addVersion } from "./add_version.ts";
import { KvStore, newKey, v1Prefix, v2Prefix } from "./record.ts";

const marker = `${v2Prefix}upgrading`;
/** Keys that are moved in one transaction. */
const batch = 100;

/** Notes that there is something to move, and moves it in the background after the commit. */
export async function beginUpgrade(
  storage: View,
  transaction: Transaction,
  run: () => void,
): Promise<void> {
  const [first] = await storage.scan(v1Prefix, { limit: 1 });
  if (first === undefined) return;
  storage.put(marker, utf8(""));
  transaction.afterCommit(run);
}

/** Whether keys are on the move. */
export function isUpgrading(storage: View): Awaitable<boolean> {
  const found = storage.get(marker);
  if (found instanceof Promise) return found.then((value) => value !== undefined);
  return found !== undefined;
}

/** The refusal of requests meanwhile. */
export function upgrading(): Failure {
  return new Failure(
    400,
    "Upgrading from non-versioned to versioned data. This backend will be unavailable for a " +
      "brief period and will resume service shortly.",
  );
}

/** Moves everything, a batch a transaction; a restart in the middle goes on where it stopped. */
export async function runUpgrade(
  transactions: Transactions,
  within: (transaction: Transaction) => View,
  platform: Pick<Platform, "clock">,
): Promise<void> {
  for (;;) {
    const more = await transactions.run(async (transaction) => {
      const storage = within(transaction);
      if (await storage.get(marker) === undefined) return false;
      const store = new KvStore(storage);
      const config = await store.config();
      const page = await storage.scan(v1Prefix, { limit: batch });
      for (const { key, value } of page) {
        const now = platform.clock.now();
        const data = parseJson(fromUtf8(value));
        const path = key.slice(v1Prefix.length);
        addVersion(store, path, newKey(now), config, isJsonObject(data) ? data : null, now);
        storage.delete(key);
      }
      if (page.length < batch) storage.delete(marker);
      return page.length === batch;
    });
    if (!more) return;
  }
}
