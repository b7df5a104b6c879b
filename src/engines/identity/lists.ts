/** Listings, in pages where the caller asks for them. */
import type { LogicalResponse } from "../../logical/response.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { Transaction } from "../../storage/transaction.ts";
import { type Page, pageOptions } from "../../backend/page.ts";

const scanned = 1000;

/** All names of a folder, or one page of them. */
export async function listFolder(
  transaction: Transaction,
  prefix: string,
  { after, limit }: Page,
): Promise<string[]> {
  const found: string[] = [];
  for (let last = after ?? "";;) {
    const wanted = limit > 0 ? Math.min(scanned, limit - found.length) : scanned;
    const some = await transaction.list(prefix, pageOptions({ after: last, limit: wanted }));
    found.push(...some);
    last = some.at(-1) ?? "";
    if (some.length < wanted || (limit > 0 && found.length >= limit)) return found;
  }
}

/** A listing with something to say of each key. Keys that say nothing are left out. */
export async function listWithInfo(
  keys: readonly string[],
  info: (key: string) => Promise<JsonObject | undefined>,
): Promise<LogicalResponse> {
  const listed: string[] = [];
  const keyInfo: JsonObject = {};
  for (const key of keys) {
    const about = await info(key);
    if (about === undefined) continue;
    listed.push(key);
    keyInfo[key] = about;
  }
  return { data: listed.length === 0 ? { keys: [] } : { keys: listed, key_info: keyInfo } };
}
