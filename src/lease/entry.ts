/** A promise to take something back: a token, or a secret that an engine made. */
import type { JsonObject } from "../logical/json.ts";

export interface LeaseEntry {
  /** The path of the request that made it, then a random or token-derived last part. */
  readonly id: string;
  /** "token": the lease is the token itself. "secret": an engine must revoke it. */
  readonly kind: "token" | "secret";
  /**
   * Hash of the token that it belongs to, or that it is. A batch token has none: its parent's, with
   * which it ends, or "" for an orphan.
   */
  readonly tokenId: string;
  /** When the batch token ends that it belongs to; absent for other tokens, which take it with them. */
  readonly tokenEnd?: number;
  /** Milliseconds since the epoch. */
  readonly issueTime: number;
  /** Milliseconds since the epoch; 0 for one that does not end by itself. */
  readonly expireTime: number;
  /** Milliseconds since the epoch; 0 where it was never renewed. */
  readonly lastRenewal: number;
  readonly renewable: boolean;
  /** Seconds; the most that renewals may add up to, from `issueTime`; 0 for the mount's. */
  readonly maxTtl: number;
  readonly namespaceId: string;
  /** For a secret: what the engine needs to renew or revoke. */
  readonly internalData: JsonObject;
  /** Whose answer its end waits for, once it has come due; absent before, and for tokens. */
  readonly ending?: string;
  /** Why the last try to revoke it failed; absent while none has. */
  readonly failure?: { readonly attempts: number; readonly error: string; readonly since: number };
}

/**
 * Whether a version before `tokenEnd` made it for a batch token: nobody knows when that ends, or whose
 * child it is.
 */
export function isEndUnknown({ kind, tokenId, tokenEnd }: LeaseEntry): boolean {
  return kind === "secret" && tokenId === "" && tokenEnd === undefined;
}

/**
 * Whether it has ended, by its time or because somebody asked for that, and only waits to be taken
 * back. By what it says, not only by the clock, which may show less on the next node.
 */
export function isOver({ ending, failure, expireTime }: LeaseEntry, now: number): boolean {
  return ending !== undefined || failure !== undefined || (expireTime > 0 && expireTime <= now);
}
