/**
 * Who a month's clients are and since when, in rows beside the hashes that are counted. Versions before
 * these rows leave them alone, and drop them with their month; who was counted by them has none.
 */
import { storedText, utf8 } from "../../base/bytes.ts";
import type { Transaction, View } from "../../storage/transaction.ts";
import type { Client, FirstUse } from "./client_set.ts";

/** Few, for the last one is written again whenever a client has come. */
const rowClients = 512;

/** Hash, then what is known of the client. */
type Stored = readonly [
  hash: number,
  time: number,
  tokenCreated: number,
  id: string,
  policies: readonly string[],
];

function rowKey(folder: string, row: number): string {
  return `${folder}first-${String(row).padStart(5, "0")}`;
}

/**
 * Writes the rows of `clients`, in their order, of which the first `before` are written already; and
 * removes those beyond, of `former` clients that there once were. `folder` ends in "/".
 */
export function writeFirstUses(
  transaction: Transaction,
  folder: string,
  clients: readonly Client[],
  { before, former }: { readonly before: number; readonly former: number },
): void {
  const rows = Math.ceil(clients.length / rowClients);
  for (let row = Math.floor(before / rowClients); row < rows; row++) {
    const slice = clients.slice(row * rowClients, (row + 1) * rowClients);
    const known = slice.flatMap(({ hash, first }): Stored[] =>
      first === undefined ? [] : [[hash, first.time, first.tokenCreated, first.id, first.policies]]
    );
    transaction.put(rowKey(folder, row), utf8(JSON.stringify(known)));
  }
  for (let row = rows; row * rowClients < former; row++) transaction.delete(rowKey(folder, row));
}

/** By the hashes of the clients. */
export async function readFirstUses(
  view: View,
  folder: string,
): Promise<Map<number, FirstUse>> {
  const found = new Map<number, FirstUse>();
  for (const name of await view.list(folder)) {
    if (!name.startsWith("first-")) continue;
    const bytes = await view.get(folder + name);
    if (bytes === undefined) continue;
    const stored: readonly Stored[] = JSON.parse(storedText(bytes));
    for (const [hash, time, tokenCreated, id, policies] of stored) {
      found.set(hash, { time, tokenCreated, id, policies });
    }
  }
  return found;
}
