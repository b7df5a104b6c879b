/**
 * Locks a name after too many failed logins. Failures are counted in memory, and only for a while;
 * a lock is in storage, so that neither a restart nor another node lets guessing go on.
 */
import { type Awaitable, chain } from "../base/awaitable.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { Failure, permissionDenied } from "../base/failure.ts";
import { timeKey } from "../base/time_key.ts";
import type { MountEntry } from "./mount_entry.ts";
import type { Transaction, Transactions, View } from "../storage/transaction.ts";

/** What a method or mount says about it. Seconds. */
export interface LockoutSettings {
  readonly threshold: number;
  readonly duration: number;
  readonly counterReset: number;
  readonly disable: boolean;
}

export const defaultLockout: LockoutSettings = {
  threshold: 5,
  duration: 15 * 60,
  counterReset: 15 * 60,
  disable: false,
};

/** Who tries to log in, as failures are counted. */
export interface LoginName {
  readonly accessor: string;
  readonly name: string;
  readonly settings: LockoutSettings;
}

/** A login with wrong credentials, counted already; made by `Lockouts.failed`. */
export class WrongCredentials extends Failure {
  constructor(readonly login: LoginName, message: string) {
    super(400, message);
  }
}

type LockoutMount = Pick<MountEntry, "type" | "config">;

interface Failures {
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly last: number;
}

interface Lock {
  /** Milliseconds since the epoch. */
  readonly until: number;
}

const locks = "core/login/lockedUsers/";
/** The same locks by the time they end, so that old ones go without a search. */
const ends = "core/login/lockEnds/";
/** Ended locks that a new one takes away. */
const sweptAtOnce = 20;

export class Lockouts {
  readonly #failures = new Map<string, Failures>();

  constructor(
    readonly transactions: Transactions,
    readonly clock: Clock,
    /** By type of auth method. */
    readonly defaults: (type: string) => LockoutSettings = () => defaultLockout,
    /** Names that are counted at once; the ones longest at rest are forgotten. */
    readonly maxNames = 100_000,
  ) {}

  /** The rules of a mount: its own where it has some, then its method's. */
  settingsFor(entry: LockoutMount | undefined): LockoutSettings {
    const base = this.defaults(entry?.type ?? "");
    const own = entry?.config.userLockout;
    if (own === null || own === undefined) return base;
    return {
      threshold: own.threshold || base.threshold,
      duration: own.duration || base.duration,
      counterReset: own.counterReset || base.counterReset,
      disable: own.disable || base.disable,
    };
  }

  /** Throws a 403 for a name that is locked; even the right password does not help then. */
  check(transaction: Transaction, login: LoginName): Awaitable<void> {
    if (login.settings.disable) return;
    return chain(readLock(transaction, login), (lock) => {
      if (lock !== undefined && lock.until > this.clock.now()) throw permissionDenied();
    });
  }

  /**
   * To be called again once the password was looked at: of many guesses at the same time only as
   * many as the threshold allows get an answer.
   */
  recheck(login: LoginName): void {
    if (login.settings.disable) return;
    if (this.#recent(login) >= login.settings.threshold) throw permissionDenied();
  }

  /**
   * Counts a failure and returns what to throw. Both in one go: between a look at the count and its
   * change no other guess can come.
   */
  failed(login: LoginName, message: string): Failure {
    if (login.settings.disable) return new WrongCredentials(login, message);
    const before = this.#recent(login);
    if (before >= login.settings.threshold) return permissionDenied();
    this.#note(login, before + 1);
    return new WrongCredentials(login, message);
  }

  /** Locks the name where the failure was the last one allowed. */
  async lockIfDue({ login }: WrongCredentials): Promise<void> {
    const { threshold, duration, disable } = login.settings;
    if (disable || this.#recent(login) < threshold) return;
    const until = this.clock.now() + duration * 1000;
    await this.transactions.run((transaction) => this.#lock(transaction, login, until));
  }

  /** After a login that went well: the count starts anew. */
  forget(login: Omit<LoginName, "settings">): void {
    if (this.#failures.size > 0) this.#failures.delete(keyOf(login));
  }

  /** Takes a lock away; harmless where there is none. */
  async unlock(transaction: Transaction, login: Omit<LoginName, "settings">): Promise<void> {
    const lock = await readLock(transaction, login);
    transaction.afterCommit(() => this.forget(login));
    if (lock === undefined) return;
    transaction.delete(locks + keyOf(login));
    transaction.delete(endKey(lock.until, login));
  }

  /** Locked names by accessor, both sorted. */
  async list(transaction: View): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    let after = `${ends}${timeKey(this.clock.now())}/`;
    for (;;) {
      const page = await transaction.scan(ends, { after, limit: 1000 });
      for (const { key } of page) {
        const [, accessor = "", name = ""] = key.slice(ends.length).split("/");
        found.set(accessor, [...found.get(accessor) ?? [], decodeURIComponent(name)].sort());
      }
      const last = page.at(-1);
      if (last === undefined || page.length < 1000) break;
      after = last.key;
    }
    return new Map([...found].sort(([a], [b]) => a < b ? -1 : 1));
  }

  /** How many names are locked; at most `limit`. */
  async count(view: View, limit: number): Promise<number> {
    const after = `${ends}${timeKey(this.clock.now())}/`;
    return (await view.scan(ends, { after, limit, keysOnly: true })).length;
  }

  /** Failures that still count: until the counter's time is over, or the lock's. */
  #recent(login: LoginName): number {
    if (this.#failures.size === 0) return 0;
    const failures = this.#failures.get(keyOf(login));
    if (failures === undefined) return 0;
    const { threshold, duration, counterReset } = login.settings;
    const seconds = failures.count >= threshold ? duration : counterReset;
    return failures.last + seconds * 1000 <= this.clock.now() ? 0 : failures.count;
  }

  #note(login: LoginName, count: number): void {
    const key = keyOf(login);
    this.#failures.delete(key);
    if (this.#failures.size >= this.maxNames) {
      const [oldest] = this.#failures.keys();
      if (oldest !== undefined) this.#failures.delete(oldest);
    }
    this.#failures.set(key, { count, last: this.clock.now() });
  }

  async #lock(transaction: Transaction, login: LoginName, until: number): Promise<void> {
    const before = await readLock(transaction, login);
    if (before !== undefined) transaction.delete(endKey(before.until, login));
    const lock: Lock = { until };
    transaction.put(locks + keyOf(login), utf8(JSON.stringify(lock)));
    transaction.put(endKey(until, login), new Uint8Array(0));
    const old = await transaction.scan(ends, {
      before: `${ends}${timeKey(this.clock.now())}/`,
      limit: sweptAtOnce,
    });
    for (const { key } of old) {
      transaction.delete(key);
      transaction.delete(locks + key.slice(ends.length).split("/").slice(1).join("/"));
    }
  }
}

function readLock(
  view: View,
  login: Omit<LoginName, "settings">,
): Awaitable<Lock | undefined> {
  return chain(view.get(locks + keyOf(login)), (bytes) => {
    if (bytes === undefined) return undefined;
    const lock: Lock = JSON.parse(fromUtf8(bytes));
    return lock;
  });
}

function keyOf({ accessor, name }: Omit<LoginName, "settings">): string {
  return `${encodeURIComponent(accessor)}/${encodeURIComponent(name)}`;
}

function endKey(until: number, login: Omit<LoginName, "settings">): string {
  return `${ends}${timeKey(until)}/${keyOf(login)}`;
}
