/**
 * A request is all or nothing: it reads through a transaction, its changes gather here, and they
 * reach the storage as one batch. Isolation is optimistic (Kung and Robinson, 1981): a
 * transaction is valid when nothing it read has changed since it began; else it runs again.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Cancel } from "../base/clock.ts";
import type { Entry, ListOptions, ScanOptions, Storage, Write } from "./storage.ts";
import { mergeChildren, mergeEntries } from "./overlay.ts";
import { type Change, RecentChanges } from "./recent_changes.ts";

/** Reading and changing below one prefix. What a backend is given. */
export interface View {
  get(key: string): Awaitable<Bytes | undefined>;
  list(prefix: string, options?: ListOptions): Awaitable<string[]>;
  scan(prefix: string, options: ScanOptions): Awaitable<Entry[]>;
  put(key: string, value: Bytes): void;
  delete(key: string): void;
  /** The same transaction, with keys relative to a folder ("" or ending in "/"). */
  within(prefix: string): View;
}

/** Something that a transaction read has changed: run it again. Never reaches a client. */
class Conflict extends Error {
  constructor(readonly key: string, readonly sequence: number) {
    super("transaction conflict");
  }
}

/** Who lost against a commit, and goes on once that one and all before it are settled. */
interface Loser {
  readonly sequence: number;
  readonly resolve: () => void;
}

export class Transaction implements View {
  /** Some more than once: that costs less than to look each time. */
  readonly #reads: string[] = [];
  readonly #listed = new ListedPrefixes();
  readonly #writes = new Map<string, Bytes | null>();
  readonly #written = new WrittenFolders();
  #hasListedLong = false;
  readonly #hooks: (() => void)[] = [];
  readonly #tasks: (() => Promise<void>)[] = [];
  readonly #endings: (() => void)[] = [];

  constructor(readonly storage: Storage, readonly startSequence: number) {}

  get(key: string): Awaitable<Bytes | undefined> {
    const own = this.#writes.get(key);
    if (own !== undefined) return own ?? undefined;
    this.#reads.push(key);
    return this.storage.get(key);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<string[]> {
    this.#listed.add(prefix);
    const own = this.#ownBelow(prefix);
    const names = own.length === 0
      ? await this.storage.list(prefix, options)
      : await mergeChildren(this.storage, prefix, options, own);
    if (names.length >= longList) this.#hasListedLong = true;
    return names;
  }

  async scan(prefix: string, options: ScanOptions): Promise<Entry[]> {
    this.#listed.add(prefix);
    const own = this.#ownBelow(prefix);
    if (own.length === 0) return await this.storage.scan(prefix, options);
    return await mergeEntries(this.storage, prefix, options, own);
  }

  #ownBelow(prefix: string): [string, Bytes | null][] {
    if (this.#writes.size === 0 || !this.#written.mayHold(prefix)) return [];
    const own: [string, Bytes | null][] = [];
    for (const [key, value] of this.#writes) if (key.startsWith(prefix)) own.push([key, value]);
    return own;
  }

  put(key: string, value: Bytes): void {
    this.#written.add(key);
    this.#writes.set(key, value);
  }

  delete(key: string): void {
    this.#written.add(key);
    this.#writes.set(key, null);
  }

  within(prefix: string): View {
    return new SubView(this, prefix);
  }

  /** Notes a read that a cache answered, so that it is validated like any other. */
  noteRead(key: string): void {
    this.#reads.push(key);
  }

  /** True when this transaction itself has changed the key: caches must not answer for it. */
  hasWritten(key: string): boolean {
    return this.#writes.has(key);
  }

  /** Whether these very bytes are what it has put at the key, and nothing later. */
  hasPut(key: string, value: Bytes): boolean {
    return this.#writes.get(key) === value;
  }

  /** Runs once the changes are durable, before the caller goes on; not at all if they fail. */
  afterCommit(hook: () => void): void {
    this.#hooks.push(hook);
  }

  /** Runs when this attempt is over, whether its changes were made or not. */
  afterEnd(hook: () => void): void {
    this.#endings.push(hook);
  }

  /** For `Transactions`: the attempt is over. */
  end(): void {
    for (const hook of this.#endings) hook();
  }

  /**
   * Work that needs transactions of its own. The request runs it after the commit, before it is
   * answered; a crash in between must be made good by what the commit has left behind.
   */
  beforeAnswer(task: () => Promise<void>): void {
    this.#tasks.push(task);
  }

  get tasks(): readonly (() => Promise<void>)[] {
    return this.#tasks;
  }

  /** For `Transactions`: what has been asked to run after the commit. */
  get hooks(): readonly (() => void)[] {
    return this.#hooks;
  }

  get writes(): Write[] {
    return [...this.#writes].map(([key, value]) => ({ key, value }));
  }

  get changesNothing(): boolean {
    return this.#writes.size === 0;
  }

  /** It has listed what takes long to list again. */
  get hasListedLong(): boolean {
    return this.#hasListedLong;
  }

  /** The latest change of what this transaction has read, or maybe only listed, since it began. */
  touchedBy(changes: RecentChanges, { listed }: { readonly listed: boolean }): Change | undefined {
    const read = changes.lastOf(this.#reads, this.startSequence);
    if (!listed || this.#listed.isEmpty) return read;
    const since = read?.sequence ?? this.startSequence;
    return changes.lastWhere((key) => this.#listed.covers(key), since) ?? read;
  }
}

/** What was listed: one look for each folder of a key, not one for each list that was made. */
class ListedPrefixes {
  // Most transactions list nothing, and none of these sets is made then.
  /** Prefixes that end in "/". */
  #folders: Set<string> | undefined;
  #others: Set<string> | undefined;

  add(prefix: string): void {
    if (prefix.endsWith("/")) (this.#folders ??= new Set()).add(prefix);
    else (this.#others ??= new Set()).add(prefix);
  }

  get isEmpty(): boolean {
    return this.#folders === undefined && this.#others === undefined;
  }

  covers(key: string): boolean {
    const folders = this.#folders, others = this.#others;
    if (folders !== undefined) {
      for (let end = key.indexOf("/"); end >= 0; end = key.indexOf("/", end + 1)) {
        if (folders.has(key.slice(0, end + 1))) return true;
      }
    }
    if (others !== undefined) {
      for (const prefix of others) if (key.startsWith(prefix)) return true;
    }
    return false;
  }
}

/** Folders in which a transaction has changed something, found out only where it lists. */
class WrittenFolders {
  #folders: Set<string> | undefined;
  #added: string[] = [];

  add(key: string): void {
    this.#added.push(key);
  }

  mayHold(prefix: string): boolean {
    if (!prefix.endsWith("/")) return true;
    const folders = this.#folders ??= new Set();
    for (const key of this.#added) {
      for (let end = key.indexOf("/"); end >= 0; end = key.indexOf("/", end + 1)) {
        folders.add(key.slice(0, end + 1));
      }
    }
    this.#added = [];
    return folders.has(prefix);
  }
}

/**
 * So often a transaction that changes nothing runs for one moment in which all it saw was true.
 * Then its lists may be older at their beginning than at their end: a folder of 100,000 leases that
 * end by the dozen would never be listed at all. What it read by key is still of one moment. A long
 * list is not tried so often: that costs most when there is most to do besides.
 */
const strictAttempts = 3;
const longList = 1000;

class SubView implements View {
  constructor(readonly parent: View, readonly prefix: string) {}
  get(key: string): Awaitable<Bytes | undefined> {
    return this.parent.get(this.prefix + key);
  }
  list(prefix: string, options?: ListOptions): Awaitable<string[]> {
    return this.parent.list(this.prefix + prefix, options);
  }
  async scan(prefix: string, options: ScanOptions): Promise<Entry[]> {
    const { after, before, ...others } = options;
    const found = await this.parent.scan(this.prefix + prefix, {
      ...others,
      ...(after === undefined ? {} : { after: this.prefix + after }),
      ...(before === undefined ? {} : { before: this.prefix + before }),
    });
    return found.map(({ key, value }) => ({ key: key.slice(this.prefix.length), value }));
  }
  put(key: string, value: Bytes): void {
    this.parent.put(this.prefix + key, value);
  }
  delete(key: string): void {
    this.parent.delete(this.prefix + key);
  }
  within(prefix: string): View {
    return new SubView(this.parent, this.prefix + prefix);
  }
}

/** Told of every key that changed, after the change is visible and before anyone is answered. */
export type ChangeListener = (keys: readonly string[]) => void;

function runHooks(transaction: Transaction): void {
  for (const hook of transaction.hooks) hook();
}

export class Transactions {
  #sequence = 0;
  #settledSequence = 0;
  readonly #settledAhead = new Set<number>();
  #losers: Loser[] = [];
  /** What a running transaction may not have seen. */
  readonly #recent = new RecentChanges();
  /** Running transactions in the order they began, so the first has the lowest sequence. */
  readonly #running = new Set<Transaction>();
  readonly #listeners = new Set<ChangeListener>();
  /** One queue a contended key: who lost a race waits here for its turn. */
  readonly #queues = new Map<string, Promise<void>>();

  constructor(readonly storage: Storage) {}

  /** Until it is cancelled. */
  onChange(listener: ChangeListener): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs `body` and makes its changes durable, all or none. `body` may run more than once and must
   * have no effect outside of the transaction. An error that it throws changes nothing.
   */
  async run<T>(body: (transaction: Transaction) => Awaitable<T>): Promise<T> {
    let release: (() => void) | undefined;
    try {
      for (let attempts = 1;; attempts++) {
        try {
          return await this.#attempt(body, attempts > strictAttempts);
        } catch (error) {
          if (!(error instanceof Conflict)) throw error;
          await this.#settledUpTo(error.sequence);
          // Contenders for one key queue up; a second key is not waited for, so none can deadlock.
          release ??= await this.#enqueue(error.key);
        }
      }
    } finally {
      release?.();
    }
  }

  /**
   * Resolves once all that run now have ended. Who begins later sees what has been changed by now, in
   * storage and in what hooks keep in memory; only those others may not. Not to be waited for in one.
   */
  async othersEnded(): Promise<void> {
    await Promise.all(
      [...this.#running].map((transaction) =>
        new Promise<void>((resolve) => transaction.afterEnd(resolve))
      ),
    );
  }

  /**
   * Something else has changed the storage: another node, whose log this one applies. Who has read
   * one of the keys runs again; undefined stands for all keys there are. Caches hear of the keys,
   * and are the caller's to empty where it names none.
   */
  changedElsewhere(keys: readonly string[] | undefined): void {
    const sequence = ++this.#sequence;
    this.#recent.add(sequence, keys);
    this.#settle(sequence, keys ?? []);
    this.#wakeLosers();
    this.#forget();
  }

  async #attempt<T>(
    body: (transaction: Transaction) => Awaitable<T>,
    isLenient: boolean,
  ): Promise<T> {
    const transaction = new Transaction(this.storage, this.#settledSequence);
    this.#running.add(transaction);
    try {
      const result = await body(transaction);
      this.#validate(transaction, isLenient);
      if (transaction.changesNothing) runHooks(transaction);
      else await this.#commit(transaction);
      return result;
    } finally {
      this.#running.delete(transaction);
      transaction.end();
      this.#forget();
    }
  }

  #validate(transaction: Transaction, isLenient: boolean): void {
    const isExcused = isLenient || transaction.hasListedLong;
    const listed = !(isExcused && transaction.changesNothing);
    if (this.#sequence === transaction.startSequence) return;
    const change = transaction.touchedBy(this.#recent, { listed });
    if (change !== undefined) throw new Conflict(change.key, change.sequence);
  }

  /** Numbers the commit before it is under way: whoever validates later sees it coming. */
  async #commit(transaction: Transaction): Promise<void> {
    const { writes } = transaction;
    const sequence = ++this.#sequence;
    const keys = writes.map((write) => write.key);
    this.#recent.add(sequence, keys);
    try {
      await this.storage.write(writes);
    } catch (error) {
      this.#settle(sequence, keys);
      this.#wakeLosers();
      throw error;
    }
    this.#settle(sequence, keys);
    try {
      runHooks(transaction);
    } finally {
      // Who lost against this commit runs again only after its hooks: it must see what they changed.
      this.#wakeLosers();
    }
  }

  /**
   * A refused write may be answered before earlier ones. Who lost against it waits for those too: it
   * would lose again at once, and for ever, without letting anything else run.
   */
  async #settledUpTo(sequence: number): Promise<void> {
    if (sequence <= this.#settledSequence) return;
    await new Promise<void>((resolve) => this.#losers.push({ sequence, resolve }));
  }

  #wakeLosers(): void {
    if (this.#losers.length === 0) return;
    const settled = this.#settledSequence;
    const woken = this.#losers.filter(({ sequence }) => sequence <= settled);
    if (woken.length === 0) return;
    this.#losers = this.#losers.filter(({ sequence }) => sequence > settled);
    for (const { resolve } of woken) resolve();
  }

  /** Everything up to `#settledSequence` is settled, also where storage answers out of order. */
  #settle(sequence: number, keys: readonly string[]): void {
    this.#settledAhead.add(sequence);
    while (this.#settledAhead.delete(this.#settledSequence + 1)) this.#settledSequence++;
    for (const listener of this.#listeners) listener(keys);
  }

  #forget(): void {
    const [oldest] = this.#running;
    this.#recent.forgetUpTo(
      Math.min(oldest?.startSequence ?? this.#sequence, this.#settledSequence),
    );
  }

  async #enqueue(key: string): Promise<() => void> {
    const before = this.#queues.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queues.set(key, promise);
    await before;
    return () => {
      if (this.#queues.get(key) === promise) this.#queues.delete(key);
      resolve();
    };
  }
}
