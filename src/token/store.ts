/**
 * Tokens in storage: by keyed hash, by accessor, by parent. Every function takes the transaction
 * of the request, so that a token appears and disappears with everything else the request does.
 */
import type { Awaitable } from "../base/awaitable.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import type { EntryCache } from "../storage/cache.ts";
import { readPage } from "../storage/page.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { TokenEntry, TokenForms } from "./entry.ts";
import { textLength, TokenNames } from "./names.ts";
import { decodeTokenEntry, encodeTokenEntry } from "./stored_entry.ts";
import { servicePrefix, timedBase62 } from "./text.ts";

const root = "sys/token/";
/** Where service tokens lie: for who only counts them. */
export const tokenEntries = `${root}id/`;

/** Below it, by what they are counted as, the tokens that are. */
export const countedTokens = `${root}counted/`;

/** Told of each token that is counted, once it has come or gone for good. */
export interface TokenWatcher {
  created(countedAs: string): void;
  removed(countedAs: string): void;
}

/** What a new token is made of; the rest of the entry follows. */
export type NewToken = Omit<
  TokenEntry,
  "id" | "accessor" | "creationTime" | "lastRenewal" | "type"
>;

export interface MadeToken {
  /** What the client carries. */
  readonly token: string;
  readonly entry: TokenEntry;
}

export class TokenStore {
  readonly #names: TokenNames;

  private constructor(
    names: TokenNames,
    readonly clock: Clock,
    readonly random: Random,
    readonly cache: EntryCache,
    readonly forms: TokenForms,
    readonly watcher?: TokenWatcher,
  ) {
    this.#names = names;
  }

  /** Opens the store, making its salt on first use. */
  static async open(
    transaction: Transaction,
    crypto: CryptoProvider,
    clock: Clock,
    random: Random,
    cache: EntryCache,
    forms: TokenForms,
    watcher?: TokenWatcher,
  ): Promise<TokenStore> {
    let salt = await transaction.get(`${root}salt`);
    if (salt === undefined) {
      salt = random.bytes(32);
      transaction.put(`${root}salt`, salt);
    }
    const names = new TokenNames(crypto.hmacKey("sha256", salt));
    return new TokenStore(names, clock, random, cache, forms, watcher);
  }

  close(): void {
    this.#names.close();
  }

  /** A keyed hash, under which something that must not be stored may be found again. */
  hash(text: string): string {
    return this.#names.hash(text);
  }

  /** The entry of a service token, expired or not; undefined where there is none. */
  lookup(transaction: Transaction, token: string): Awaitable<TokenEntry | undefined> {
    const [first, second] = this.#names.of(token);
    const found = this.lookupHash(transaction, first);
    if (second === undefined) return found;
    if (found instanceof Promise) {
      return found.then((found) => found ?? this.lookupHash(transaction, second));
    }
    return found ?? this.lookupHash(transaction, second);
  }

  lookupHash(transaction: Transaction, hash: string): Awaitable<TokenEntry | undefined> {
    return this.cache.read(transaction, `${root}id/${hash}`, decodeTokenEntry);
  }

  /** The same of one that is about to go: it takes no place in the cache from those that stay. */
  readHash(transaction: Transaction, hash: string): Awaitable<TokenEntry | undefined> {
    const bytes = transaction.get(`${root}id/${hash}`);
    if (!(bytes instanceof Promise)) return bytes === undefined ? bytes : decodeTokenEntry(bytes);
    return bytes.then((found) => found === undefined ? found : decodeTokenEntry(found));
  }

  async lookupAccessor(
    transaction: Transaction,
    accessor: string,
  ): Promise<TokenEntry | undefined> {
    for (const name of this.#names.ofAccessor(accessor)) {
      const id = await transaction.get(`${root}accessor/${name}`);
      if (id !== undefined) return await this.lookupHash(transaction, fromUtf8(id));
    }
    return undefined;
  }

  /** Service tokens, `limit` a page, after the key of the last page. */
  async page(
    transaction: Transaction,
    after: string | undefined,
    limit: number,
  ): Promise<{ entries: TokenEntry[]; next: string | undefined }> {
    const { entries, next } = await readPage(transaction, tokenEntries, after, limit);
    return { entries: entries.map(({ value }) => decodeTokenEntry(value)), next };
  }

  /** Makes a service token. `token` is given only where an operator chose its text. */
  create(transaction: Transaction, made: NewToken, token?: string): MadeToken {
    const text = token ?? servicePrefix + timedBase62(this.clock, this.random, textLength);
    const [name, plain = name] = this.#names.of(text);
    const entry: TokenEntry = {
      ...made,
      id: token === undefined && this.forms.timed() ? name : plain,
      accessor: timedBase62(this.clock, this.random, textLength),
      creationTime: this.clock.now(),
      lastRenewal: 0,
      type: "service",
    };
    this.save(transaction, entry);
    transaction.put(this.#accessorKey(entry), utf8(entry.id));
    if (entry.parent !== "") {
      transaction.put(`${root}parent/${entry.parent}/${entry.id}`, new Uint8Array(0));
    }
    this.#mark(transaction, entry);
    return { token: text, entry };
  }

  /** Counts a token that is there, and was not counted before, from now on. */
  count(transaction: Transaction, entry: TokenEntry, countedAs: string): void {
    const counted = { ...entry, countedAs };
    this.save(transaction, counted);
    this.#mark(transaction, counted);
  }

  #mark(transaction: Transaction, entry: TokenEntry): void {
    const { countedAs } = entry;
    if (countedAs === undefined) return;
    transaction.put(countedKey(countedAs, entry), new Uint8Array(0));
    transaction.afterCommit(() => this.watcher?.created(countedAs));
  }

  /** Keeps a changed entry. Its id, accessor and parent must be those it had. */
  save(transaction: Transaction, entry: TokenEntry): void {
    transaction.put(`${root}id/${entry.id}`, encodeTokenEntry(entry, this.forms.sparse()));
  }

  /**
   * Something is about to hang on a token: a child, a secret, a cubbyhole. To be called in the
   * transaction that makes it, so that nobody who takes the token back at the same time misses it.
   */
  async burden(transaction: Transaction, id: string): Promise<void> {
    const entry = await this.lookupHash(transaction, id);
    if (entry?.alone !== true) return;
    const { alone: _, ...burdened } = entry;
    this.save(transaction, burdened);
  }

  /** Forgets tokens. Their children are the caller's to revoke or to set free. */
  remove(transaction: Transaction, ...entries: readonly TokenEntry[]): void {
    // What lies together is changed together, which costs storage less.
    for (const { id } of entries) transaction.delete(`${root}id/${id}`);
    for (const { parent, id } of entries) {
      if (parent !== "") transaction.delete(`${root}parent/${parent}/${id}`);
    }
    for (const entry of entries) transaction.delete(this.#accessorKey(entry));
    for (const entry of entries) {
      const { countedAs } = entry;
      if (countedAs === undefined) continue;
      transaction.delete(countedKey(countedAs, entry));
      transaction.afterCommit(() => this.watcher?.removed(countedAs));
    }
  }

  #accessorKey({ id, accessor }: TokenEntry): string {
    return `${root}accessor/${this.#names.accessorOf(id, accessor)}`;
  }

  /** Hashes of a token's children, a page of at most `limit`. */
  async children(transaction: Transaction, id: string, limit: number): Promise<string[]> {
    const prefix = `${root}parent/${id}/`;
    const page = await transaction.scan(prefix, { limit, keysOnly: true });
    return page.map(({ key }) => key.slice(prefix.length));
  }

  /** Sets a child free: it has no parent from now on. */
  async orphan(transaction: Transaction, id: string): Promise<void> {
    const entry = await this.lookupHash(transaction, id);
    if (entry === undefined || entry.parent === "") return;
    transaction.delete(`${root}parent/${entry.parent}/${id}`);
    this.save(transaction, { ...entry, parent: "" });
  }
}

function countedKey(countedAs: string, { id }: TokenEntry): string {
  return `${countedTokens}${countedAs}/${id}`;
}
