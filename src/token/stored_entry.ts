/** A token as it is stored: JSON, without what is at its neutral value. Earlier versions wrote all. */
import { type Bytes, storedText, utf8 } from "../base/bytes.ts";
import { neutralToken, type TokenEntry } from "./entry.ts";

type Neutral = keyof typeof neutralToken;
type StoredToken = Omit<TokenEntry, Neutral> & Partial<Pick<TokenEntry, Neutral>>;

/** `isSparse` where all nodes can read it. */
export function encodeTokenEntry(entry: TokenEntry, isSparse: boolean): Bytes {
  if (!isSparse) return utf8(JSON.stringify(entry));
  const { boundCidrs, namespaceId, authMount, internalData } = entry;
  // Named one by one: a copy of all of them, changed, takes twice as long to be put into words.
  const stored: { readonly [field in keyof Required<TokenEntry>]: TokenEntry[field] | undefined } =
    {
      id: entry.id,
      accessor: entry.accessor,
      parent: entry.parent || undefined,
      policies: entry.policies,
      path: entry.path,
      meta: entry.meta ?? undefined,
      displayName: entry.displayName,
      numUses: entry.numUses || undefined,
      creationTime: entry.creationTime,
      expireTime: entry.expireTime,
      lastRenewal: entry.lastRenewal || undefined,
      ttl: entry.ttl,
      explicitMaxTtl: entry.explicitMaxTtl || undefined,
      period: entry.period || undefined,
      renewable: entry.renewable,
      type: entry.type,
      boundCidrs: boundCidrs.length === 0 ? undefined : boundCidrs,
      namespaceId: namespaceId === neutralToken.namespaceId ? undefined : namespaceId,
      entityId: entry.entityId || undefined,
      role: entry.role || undefined,
      noDefaultPolicy: entry.noDefaultPolicy || undefined,
      authMount: authMount === neutralToken.authMount ? undefined : authMount,
      internalData: Object.keys(internalData).length === 0 ? undefined : internalData,
      alone: entry.alone,
      countedAs: entry.countedAs,
    };
  return utf8(JSON.stringify(stored));
}

export function decodeTokenEntry(bytes: Uint8Array): TokenEntry {
  const stored: StoredToken = JSON.parse(storedText(bytes));
  return { ...neutralToken, ...stored };
}
