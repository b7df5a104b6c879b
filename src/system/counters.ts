/** `sys/internal/counters/*`: how many there are of what a licence would count. */
import { type Path, path } from "../backend/path.ts";
import { prefixes } from "../identity/keys.ts";
import type { JsonValue } from "../logical/json.ts";
import type { Transaction } from "../storage/transaction.ts";
import { tokenEntries } from "../token/store.ts";

/** Counted in pages, so that other requests have their turn in between. */
const page = 1000;

/** Service tokens; batch tokens are kept nowhere. */
async function countTokens(transaction: Transaction): Promise<number> {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    // What is counted need not be decrypted.
    const found = await transaction.scan(tokenEntries, {
      keysOnly: true,
      limit: page,
      ...(after === undefined ? {} : { after }),
    });
    count += found.length;
    after = found.at(-1)?.key;
    if (found.length < page || after === undefined) return count;
  }
}

async function countEntities(transaction: Transaction): Promise<number> {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const ids = await transaction.list(prefixes.entity, {
      limit: page,
      ...(after === undefined ? {} : { after }),
    });
    count += ids.length;
    after = ids.at(-1);
    if (ids.length < page || after === undefined) return count;
  }
}

function counter(
  name: string,
  summary: string,
  count: (transaction: Transaction) => Promise<JsonValue>,
): Path {
  return path(`internal/counters/${name}`, {
    summary,
    operations: {
      read: {
        summary,
        handler: async ({ transaction }) => ({ data: { counters: await count(transaction) } }),
      },
    },
  });
}

export function counterPaths(): Path[] {
  return [
    counter("tokens", "How many service tokens there are.", async (transaction) => ({
      service_tokens: { total: await countTokens(transaction) },
    })),
    counter("entities", "How many entities there are.", async (transaction) => ({
      entities: { total: await countEntities(transaction) },
    })),
  ];
}
