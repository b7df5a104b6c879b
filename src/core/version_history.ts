/** The versions that have run on this storage, each with the time it first did. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { version } from "../base/version.ts";
import { rfc3339 } from "../logical/envelope.ts";
import { isJsonObject, type JsonObject, parseJson } from "../logical/json.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";

const prefix = "core/versions/";

/** Notes that this version runs, once. */
export async function noteVersion(
  transactions: Transactions,
  clock: Clock,
  buildDate: string,
): Promise<void> {
  await transactions.run(async (transaction) => {
    if (await transaction.get(prefix + version) !== undefined) return;
    const entry = {
      timestamp_installed: rfc3339(clock.now()),
      build_date: buildDate,
      commit_date: buildDate,
    };
    transaction.put(prefix + version, utf8(JSON.stringify(entry)));
  });
}

/** What `sys/version-history` answers: oldest first. */
export async function readVersionHistory(transaction: Transaction): Promise<LogicalResponse> {
  const found = (await transaction.scan(prefix, { limit: 1000 })).map(({ key, value }) => {
    const parsed = parseJson(fromUtf8(value));
    return { name: key.slice(prefix.length), entry: isJsonObject(parsed) ? parsed : {} };
  });
  const time = (entry: JsonObject) => String(entry.timestamp_installed);
  found.sort((a, b) => time(a.entry) < time(b.entry) ? -1 : 1);
  const keys = found.map(({ name }) => name);
  const info: JsonObject = {};
  found.forEach(({ name, entry }, i) => {
    info[name] = { ...entry, previous_version: keys[i - 1] ?? null };
  });
  return { data: { keys, key_info: info } };
}
