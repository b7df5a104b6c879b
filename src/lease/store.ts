/**
 * Leases in storage, found by id, by the time they end, and by the token they belong to. Nothing
 * loads them all: the expiry reads what is due, in order, and no more (promise 6).
 */
import { fromUtf8, storedText, toHex, utf8 } from "../base/bytes.ts";
import { timeKey } from "../base/time_key.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import type { ListOptions } from "../storage/storage.ts";
import { readPage } from "../storage/page.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { LeaseEntry } from "./entry.ts";
import { decodeLease, encodeLease } from "./stored_entry.ts";

const root = "sys/expire/";
const byId = `${root}id/`;
const byTime = `${root}time/`;
/** Where leases that end some time stand, soonest first: for who only counts them. */
export const leasesByTime = byTime;
const byToken = `${root}token/`;
const byFailure = `${root}failed/`;
const byEnding = `${root}ending/`;

/** Told of every lease that has come or gone, once it is durable. */
export interface LeaseWatcher {
  created(id: string): void;
  removed(id: string): void;
}

/** A lease that has come due, as the time index knows it. */
export interface DueLease {
  readonly id: string;
  /** Where it stands in that index. */
  readonly place: string;
}

/** When a lease came due by the index, milliseconds since the epoch. */
export function dueTime({ place }: DueLease): number {
  return expiryOfKey(place);
}

export class LeaseStore {
  constructor(
    readonly crypto: CryptoProvider,
    /** Whether entries may leave out what is neutral: all nodes must know that form. */
    readonly isSparse: () => boolean,
    readonly watcher?: LeaseWatcher,
  ) {}

  /** Lease ids may be as long as a path; index keys hold a fixed-size stand-in. */
  #short(id: string): string {
    return toHex(this.crypto.hash("sha256", utf8(id)).subarray(0, 16));
  }

  /** Where a lease stands in order: among those that end some time, or those that are ending. */
  #place(lease: LeaseEntry): string | undefined {
    if (lease.ending === undefined && lease.expireTime === 0) return undefined;
    const folder = lease.ending === undefined ? byTime : `${byEnding}${lease.ending}/`;
    return `${folder}${timeKey(lease.expireTime)}/${this.#short(lease.id)}`;
  }

  /** Where a secret stands among those of its token. */
  #placeOfToken({ id, tokenId }: LeaseEntry): string {
    return `${byToken}${tokenId}/${this.#short(id)}`;
  }

  async get(transaction: Transaction, id: string): Promise<LeaseEntry | undefined> {
    const bytes = await transaction.get(byId + id);
    return bytes === undefined ? undefined : decodeLease(bytes);
  }

  /** Keeps a new lease, or a changed one whose former state is `before`. */
  put(transaction: Transaction, lease: LeaseEntry, before?: LeaseEntry): void {
    const { watcher } = this;
    if (before === undefined && watcher !== undefined) {
      transaction.afterCommit(() => watcher.created(lease.id));
    }
    const place = this.#place(lease);
    const former = before === undefined ? undefined : this.#place(before);
    if (former !== undefined && former !== place) transaction.delete(former);
    const encoded = encodeLease(lease, this.isSparse());
    transaction.put(byId + lease.id, encoded);
    if (place !== undefined) transaction.put(place, utf8(lease.id));
    if (lease.failure !== undefined) {
      transaction.put(byFailure + lease.id, encoded);
    }
    if (lease.kind === "secret" && before === undefined) {
      transaction.put(this.#placeOfToken(lease), utf8(lease.id));
    }
  }

  remove(transaction: Transaction, lease: LeaseEntry): void {
    transaction.delete(byId + lease.id);
    const { watcher } = this;
    if (watcher !== undefined) transaction.afterCommit(() => watcher.removed(lease.id));
    if (lease.failure !== undefined) transaction.delete(byFailure + lease.id);
    const place = this.#place(lease);
    if (place !== undefined) transaction.delete(place);
    if (lease.kind === "secret") transaction.delete(this.#placeOfToken(lease));
  }

  /**
   * Forgets leases of tokens by where they were found, without reading them. Only for tokens whose
   * entries, which are read in the same transaction, say the same of them.
   */
  removeFound(transaction: Transaction, found: readonly DueLease[]): void {
    for (const { id } of found) transaction.delete(byId + id);
    for (const { place } of found) transaction.delete(place);
    const { watcher } = this;
    if (watcher === undefined) return;
    transaction.afterCommit(() => found.forEach(({ id }) => watcher.removed(id)));
  }

  /**
   * What ends at or before `now`, soonest first, at most `limit`; a page after the place where
   * the one before it ended, so that what has just been removed is not walked over again.
   */
  async due(
    transaction: Transaction,
    now: number,
    limit: number,
    after?: string,
  ): Promise<{ found: DueLease[]; last: string | undefined }> {
    const page = await transaction.scan(byTime, {
      before: byTime + timeKey(now + 1),
      limit,
      ...(after === undefined ? {} : { after }),
    });
    const found = page.map(({ key, value }) => ({ id: storedText(value), place: key }));
    return { found, last: page.at(-1)?.key };
  }

  /** Whose answers ending leases wait for. */
  async endingTargets(transaction: Transaction): Promise<string[]> {
    const folders = await transaction.list(byEnding);
    return folders.map((folder) => folder.replace(/\/$/, ""));
  }

  /** Leases whose end waits for `target`, in the order they are tried; a page as with `due`. */
  async endingAt(
    transaction: Transaction,
    target: string,
    limit: number,
    after?: string,
  ): Promise<{ leases: LeaseEntry[]; last: string | undefined }> {
    const page = await transaction.scan(`${byEnding}${target}/`, {
      limit,
      ...(after === undefined ? {} : { after }),
    });
    const found = await Promise.all(
      page.map(({ value }) => this.get(transaction, fromUtf8(value))),
    );
    return { leases: found.filter((lease) => lease !== undefined), last: page.at(-1)?.key };
  }

  /** How many wait for `target`; at most `limit`. */
  async endingCount(transaction: Transaction, target: string, limit: number): Promise<number> {
    if (limit <= 0) return 0;
    const page = await transaction.scan(`${byEnding}${target}/`, { limit, keysOnly: true });
    return page.length;
  }

  /** When the next lease ends, in milliseconds since the epoch; undefined where none does. */
  async nextDue(transaction: Transaction): Promise<number | undefined> {
    const [first] = await transaction.scan(byTime, { limit: 1, keysOnly: true });
    return first === undefined ? undefined : expiryOfKey(first.key);
  }

  /** Ids of secrets, whosever they are, a page after the place where the one before it ended. */
  async secrets(
    transaction: Transaction,
    after: string | undefined,
    limit: number,
  ): Promise<{ ids: string[]; next: string | undefined }> {
    const { entries, next } = await readPage(transaction, byToken, after, limit);
    return { ids: entries.map(({ value }) => fromUtf8(value)), next };
  }

  /** Ids of the secrets that a token was given, a page of at most `limit`. */
  async ofToken(transaction: Transaction, tokenId: string, limit: number): Promise<string[]> {
    const page = await transaction.scan(`${byToken}${tokenId}/`, { limit });
    return page.map(({ value }) => fromUtf8(value));
  }

  /** Leases whose revocation has failed, a page after the lease `after`. */
  async failing(
    transaction: Transaction,
    after: string | undefined,
    limit: number,
  ): Promise<LeaseEntry[]> {
    const page = await transaction.scan(byFailure, {
      limit,
      ...(after === undefined ? {} : { after: byFailure + after }),
    });
    return page.map(({ value }) => decodeLease(value));
  }

  /** Names directly below a prefix of lease ids, as sys/leases/lookup lists them; or a page. */
  async list(
    transaction: Transaction,
    prefix: string,
    options: ListOptions = {},
  ): Promise<string[]> {
    return await transaction.list(byId + prefix, options);
  }

  /** Leases whose id starts with `prefix`, a page after the lease `after`. */
  async page(
    transaction: Transaction,
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<LeaseEntry[]> {
    const page = await transaction.scan(byId + prefix, {
      limit,
      ...(after === undefined ? {} : { after: byId + after }),
    });
    return page.map(({ value }) => decodeLease(value));
  }
}

/** When the lease at a key below `leasesByTime` ends, milliseconds since the epoch. */
export function expiryOfKey(key: string): number {
  return Number(key.slice(byTime.length, key.indexOf("/", byTime.length)));
}
