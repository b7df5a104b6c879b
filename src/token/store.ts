/**
 * Tokens in storage: by keyed hash, by accessor, by parent. Every function takes the transaction
 * of the request, so that a token appears and disappears with everything else the request does.
 */
import type { Awaitable } from "../base/awaitable.ts";
import { fromUtf8, storedText, toHex, utf8 } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import type { CryptoProvider, HmacKey } from "../crypto/provider.ts";
import type { EntryCache } from "../storage/cache.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { TokenEntry } from "./entry.ts";
import { randomBase62, servicePrefix } from "./text.ts";

const root = "sys/token/";
/** Where service tokens lie: for who only counts them. */
export const tokenEntries = `${root}id/`;

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

/** Hashes of tokens that came lately: the same ones come again and again. */
const rememberedHashes = 4096;
/** No text that we made is longer, a secret ID with its mount included. */
const longestRemembered = 128;

export class TokenStore {
  readonly #salt: HmacKey;
  readonly #hashes = new Map<string, string>();

  private constructor(
    salt: HmacKey,
    readonly clock: Clock,
    readonly random: Random,
    readonly cache: EntryCache,
  ) {
    this.#salt = salt;
  }

  /** Opens the store, making its salt on first use. */
  static async open(
    transaction: Transaction,
    crypto: CryptoProvider,
    clock: Clock,
    random: Random,
    cache: EntryCache,
  ): Promise<TokenStore> {
    let salt = await transaction.get(`${root}salt`);
    if (salt === undefined) {
      salt = random.bytes(32);
      transaction.put(`${root}salt`, salt);
    }
    return new TokenStore(crypto.hmacKey("sha256", salt), clock, random, cache);
  }

  close(): void {
    this.#hashes.clear();
    this.#salt.destroy();
  }

  /** The name under which a token or accessor is kept. */
  hash(text: string): string {
    const known = this.#hashes.get(text);
    if (known !== undefined) return known;
    const hash = this.#hash(text);
    if (this.#hashes.size >= rememberedHashes) this.#hashes.clear();
    if (text.length <= longestRemembered) this.#hashes.set(text, hash);
    return hash;
  }

  #hash(text: string): string {
    return toHex(this.#salt.sign(utf8(text)));
  }

  /** Not remembered: of what goes for good, in whose place something else is remembered. */
  #hashOnce(text: string): string {
    return this.#hashes.get(text) ?? this.#hash(text);
  }

  /** The entry of a service token, expired or not; undefined where there is none. */
  lookup(transaction: Transaction, token: string): Awaitable<TokenEntry | undefined> {
    return this.lookupHash(transaction, this.hash(token));
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
    const hash = await transaction.get(`${root}accessor/${this.hash(accessor)}`);
    return hash === undefined ? undefined : await this.lookupHash(transaction, fromUtf8(hash));
  }

  /** Accessors of all service tokens, `limit` a page, after the key of the last page. */
  async accessors(
    transaction: Transaction,
    after: string | undefined,
    limit: number,
  ): Promise<{ accessors: string[]; next: string | undefined }> {
    const page = await transaction.scan(`${root}id/`, {
      limit,
      ...(after === undefined ? {} : { after }),
    });
    const accessors = page.map(({ value }) => decodeTokenEntry(value).accessor);
    return { accessors, next: page.length < limit ? undefined : page.at(-1)?.key };
  }

  /** Makes a service token. `token` is given only where an operator chose its text. */
  create(transaction: Transaction, made: NewToken, token?: string): MadeToken {
    const text = token ?? servicePrefix + randomBase62(this.random, 24);
    const entry: TokenEntry = {
      ...made,
      id: this.hash(text),
      accessor: randomBase62(this.random, 24),
      creationTime: this.clock.now(),
      lastRenewal: 0,
      type: "service",
    };
    this.save(transaction, entry);
    // Hardly ever asked for again, so it pushes out nothing that is remembered.
    transaction.put(`${root}accessor/${this.#hash(entry.accessor)}`, utf8(entry.id));
    if (entry.parent !== "") {
      transaction.put(`${root}parent/${entry.parent}/${entry.id}`, new Uint8Array(0));
    }
    return { token: text, entry };
  }

  /** Keeps a changed entry. Its id, accessor and parent must be those it had. */
  save(transaction: Transaction, entry: TokenEntry): void {
    transaction.put(`${root}id/${entry.id}`, utf8(JSON.stringify(entry)));
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
    for (const { accessor } of entries) {
      transaction.delete(`${root}accessor/${this.#hashOnce(accessor)}`);
    }
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

/** A token as it is stored. */
export function decodeTokenEntry(bytes: Uint8Array): TokenEntry {
  const entry: TokenEntry = JSON.parse(storedText(bytes));
  return entry;
}
