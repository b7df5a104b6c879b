/** The identity of a node on storage in memory, and what must always hold of it. */
import type { Awaitable } from "../base/awaitable.ts";
import { fromUtf8 } from "../base/bytes.ts";
import { testRandom } from "../crypto/testing.ts";
import { EntryCache } from "../storage/cache.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { type Transaction, Transactions } from "../storage/transaction.ts";
import { decodeEntity } from "./entities.ts";
import { decodeGroup } from "./groups.ts";
import { Identity } from "./identity.ts";
import { aliasKey, nameKey, prefixes } from "./keys.ts";

export interface IdentityKit {
  readonly identity: Identity;
  readonly run: <T>(body: (transaction: Transaction) => Awaitable<T>) => Promise<T>;
}

export function identityKit(seed = 1): IdentityKit {
  const transactions = new Transactions(new InmemStorage());
  let now = 1_000_000;
  const clock = { now: () => now++, monotonic: () => now, after: () => () => {} };
  const identity = new Identity(
    transactions,
    new EntryCache(transactions, 1000),
    clock,
    testRandom(seed),
  );
  return { identity, run: (body) => transactions.run(body) };
}

/** Everything wrong with the indexes: entries that miss, and entries that lead nowhere. */
export async function indexProblems({ run }: IdentityKit): Promise<string[]> {
  const all = await run((transaction) => transaction.scan("identity/", { limit: 100_000 }));
  const kept = new Map(all.map(({ key, value }) => [key, value]));
  const wanted = new Map<string, string>();
  for (const [key, value] of kept) {
    if (key.startsWith(prefixes.entity)) {
      const { id, name, aliases } = decodeEntity(value);
      wanted.set(prefixes.entityName + nameKey(name), id);
      for (const alias of aliases) {
        wanted.set(prefixes.entityAlias + alias.id, id);
        wanted.set(prefixes.entityAliasName + aliasKey(alias.mountAccessor, alias.name), id);
      }
    } else if (key.startsWith(prefixes.group)) {
      const { id, name, alias } = decodeGroup(value);
      wanted.set(prefixes.groupName + nameKey(name), id);
      if (alias !== null) {
        wanted.set(prefixes.groupAlias + alias.id, id);
        wanted.set(prefixes.groupAliasName + aliasKey(alias.mountAccessor, alias.name), id);
      }
    }
  }
  return [...missing(kept, wanted), ...dangling(kept, wanted)];
}

function missing(kept: Map<string, Uint8Array>, wanted: Map<string, string>): string[] {
  return [...wanted].filter(([key, id]) => {
    const value = kept.get(key);
    return value === undefined || fromUtf8(value) !== id;
  }).map(([key]) => `missing or wrong: ${key}`);
}

function dangling(kept: Map<string, Uint8Array>, wanted: Map<string, string>): string[] {
  const problems: string[] = [];
  const pairs: readonly [string, string, string, string][] = [
    [prefixes.groupsOfEntity, prefixes.entitiesOfGroup, prefixes.entity, prefixes.group],
    [prefixes.groupsOfGroup, prefixes.groupsInGroup, prefixes.group, prefixes.group],
  ];
  for (const key of kept.keys()) {
    if (key.startsWith(prefixes.entity) || key.startsWith(prefixes.group)) continue;
    if (key.startsWith(prefixes.merged) || wanted.has(key)) continue;
    const pair = pairs.find(([one, other]) => key.startsWith(one) || key.startsWith(other));
    if (pair === undefined) {
      problems.push(`leads nowhere: ${key}`);
      continue;
    }
    const [ofMember, ofGroup, members, groups] = pair;
    const forward = key.startsWith(ofMember);
    const [a = "", b = ""] = key.slice((forward ? ofMember : ofGroup).length).split("/");
    const [member, group] = forward ? [a, b] : [b, a];
    const other = forward ? `${ofGroup}${group}/${member}` : `${ofMember}${member}/${group}`;
    if (!kept.has(other)) problems.push(`one-sided: ${key}`);
    if (!kept.has(members + member)) problems.push(`no such member: ${key}`);
    if (!kept.has(groups + group)) problems.push(`no such group: ${key}`);
  }
  return problems;
}
