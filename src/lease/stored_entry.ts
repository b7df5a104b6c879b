/**
 * A lease as it is stored: JSON, without what is at its neutral value, or what its id says. Earlier
 * versions wrote all.
 */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";
import type { LeaseEntry } from "./entry.ts";

const neutral = {
  lastRenewal: 0,
  maxTtl: 0,
  namespaceId: "root",
  internalData: {},
} satisfies Partial<LeaseEntry>;

type Neutral = keyof typeof neutral | "tokenId";
type StoredLease = Omit<LeaseEntry, Neutral> & Partial<Pick<LeaseEntry, Neutral>>;

/** `isSparse` where all nodes can read it. */
export function encodeLease(lease: LeaseEntry, isSparse: boolean): Bytes {
  if (!isSparse) return utf8(JSON.stringify(lease));
  const { id, tokenId, namespaceId, internalData } = lease;
  const stored: { readonly [field in keyof LeaseEntry]: LeaseEntry[field] | undefined } = {
    ...lease,
    tokenId: tokenId === lastPartOf(id) ? undefined : tokenId,
    lastRenewal: lease.lastRenewal || undefined,
    maxTtl: lease.maxTtl || undefined,
    namespaceId: namespaceId === neutral.namespaceId ? undefined : namespaceId,
    internalData: Object.keys(internalData).length === 0 ? undefined : internalData,
  };
  return utf8(JSON.stringify(stored));
}

export function decodeLease(bytes: Uint8Array): LeaseEntry {
  const stored: StoredLease = JSON.parse(fromUtf8(bytes));
  return { ...neutral, tokenId: lastPartOf(stored.id), ...stored };
}

/** After the "h" that begins the last part of a token's lease: the token's id. */
function lastPartOf(id: string): string {
  return id.slice(id.lastIndexOf("/") + 2);
}
