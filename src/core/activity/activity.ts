/**
 * Counts who uses the server, month by month: distinct entities, and sets of policies of tokens that
 * have none. A token is looked at once; what is new goes into storage once a minute.
 */
import { storedText, toHex, utf8 } from "../../base/bytes.ts";
import type { Cancel, Clock } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import type { Logger } from "../../base/log.ts";
import type { CryptoProvider } from "../../crypto/provider.ts";
import type { Transaction, Transactions } from "../../storage/transaction.ts";
import { isRoot, type TokenEntry } from "../../token/entry.ts";
import { wrappingPolicy } from "../wrapping.ts";
import { type ClientCounts, ClientSet, type FirstUse } from "./client_set.ts";
import {
  deleteMonth,
  monthOf,
  monthStart,
  readMonth,
  type Stored,
  type StoredMonth,
  storedMonths,
  writeMonth,
} from "./month_record.ts";

const configKey = "sys/clients/config";
const flushMs = 60_000;
/** Names that are kept at hand, and characters of one: some have very many policies. */
const toldMax = 1000;
const toldCharactersMax = 200;
/** Of the names of a client's policies. */
const POLICY_CHARACTERS_MAX = 1000;

export interface ActivityConfig {
  readonly enabled: "default" | "enable" | "disable";
  readonly retentionMonths: number;
  readonly defaultReportMonths: number;
}

const defaultConfig: ActivityConfig = {
  enabled: "default",
  retentionMonths: 48,
  defaultReportMonths: 12,
};

const nothing: Stored = { threshold: 1, count: 0, known: 0 };

export interface ActivityParts {
  readonly transactions: Transactions;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly log: Logger;
}

/** From 0 to below 1, of 48 bits. */
function hashOf(digest: Uint8Array): number {
  let value = 0;
  for (const byte of digest.subarray(0, 6)) value = value * 256 + byte;
  return value / 2 ** 48;
}

/** The first names, as many as may be kept of one client. */
function fitting(policies: readonly string[]): string[] {
  let length = 0;
  return policies.filter((name) => (length += name.length) <= POLICY_CHARACTERS_MAX);
}

export class Activity {
  readonly #parts: ActivityParts;
  #month: string;
  #set = new ClientSet();
  #stored: Stored = nothing;
  /** Tokens that were counted in this month. */
  #seen = new WeakSet<TokenEntry>();
  /** Names of clients that this month's set was told of lately: the same ones log in again and again. */
  readonly #told = new Set<string>();
  /** Nothing is written until what was stored before has been read. */
  #loaded = false;
  #config = defaultConfig;
  #cancel: Cancel = () => {};
  #stopped = false;

  constructor(parts: ActivityParts) {
    this.#parts = parts;
    this.#month = monthOf(parts.clock.now());
  }

  get config(): ActivityConfig {
    return this.#config;
  }

  /**
   * Goes on with what is stored of this month, and keeps it up to date. Where that can't be read
   * nothing is stored either; no node fails to start because of it.
   */
  async start(): Promise<void> {
    try {
      await this.#load();
    } catch (error) {
      const { log } = this.#parts;
      log.error("client counts can't be read: none are kept", { error: describeError(error) });
      return;
    }
    this.#loaded = true;
    this.#wakeIn(this.#isDirty ? flushMs : Infinity);
  }

  async #load(): Promise<void> {
    await this.#parts.transactions.run(async (transaction) => {
      const bytes = await transaction.get(configKey);
      if (bytes !== undefined) this.#config = JSON.parse(storedText(bytes));
      const before = await readMonth(transaction, this.#month, { withFirstUses: true });
      if (before !== undefined) this.#takeOver(before);
    });
  }

  /** What has not been stored is stored. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#flush();
  }

  /** Somebody has used a token. */
  note(token: TokenEntry): void {
    if (this.#seen.has(token)) return;
    this.noteNew(token);
    if (this.#config.enabled !== "disable") this.#seen.add(token);
  }

  /** A token was made. Whoever uses it brings it as another object, so this one is not remembered. */
  noteNew(token: TokenEntry): void {
    if (this.#config.enabled === "disable") return;
    if (isRoot(token) || token.policies[0] === wrappingPolicy) return;
    const isEntity = token.entityId !== "";
    const name = isEntity
      ? `e/${token.namespaceId}/${token.entityId}`
      : `t/${token.namespaceId}/${[...token.policies].sort().join("\0")}`;
    if (this.#told.has(name)) return;
    this.#tell(name);
    const kind = isEntity ? "entity" : "non-entity";
    const wasDirty = this.#isDirty;
    const digest = this.#parts.crypto.hash("sha256", utf8(name));
    const hash = hashOf(digest);
    if (this.#set.has({ hash })) return;
    const first: FirstUse = {
      time: this.#parts.clock.now(),
      tokenCreated: token.creationTime,
      id: isEntity ? token.entityId : toHex(digest),
      policies: isEntity ? [] : fitting([...token.policies].sort()),
    };
    const isNew = this.#set.add({ hash, kind, mount: token.authMount, first });
    if (isNew && !wasDirty && this.#loaded) this.#wakeIn(flushMs);
  }

  #tell(name: string): void {
    if (name.length > toldCharactersMax) return;
    if (this.#told.size >= toldMax) this.#told.clear();
    this.#told.add(name);
  }

  /** Clients of a month; of the present one as of now. Undefined where nothing is known of it. */
  async clientsOf(
    transaction: Transaction,
    month: string,
    options: { readonly withFirstUses?: boolean } = {},
  ): Promise<ClientSet | undefined> {
    if (month === this.#month) return this.#set;
    return (await readMonth(transaction, month, options))?.set;
  }

  /** Clients of the present month so far. */
  get present(): ClientCounts {
    return this.#set.counts().total;
  }

  /** Months of which something is known, oldest first. */
  async months(transaction: Transaction): Promise<string[]> {
    const stored = await storedMonths(transaction);
    const hasPresent = this.#set.size > 0 && !stored.includes(this.#month);
    return hasPresent ? [...stored, this.#month] : stored;
  }

  /** Changes what is kept. Where counting is turned off, what this month has is forgotten. */
  async configure(transaction: Transaction, changed: Partial<ActivityConfig>): Promise<void> {
    const config = { ...this.#config, ...changed };
    transaction.put(configKey, utf8(JSON.stringify(config)));
    const ends = config.enabled === "disable" && this.#config.enabled !== "disable";
    if (ends) await deleteMonth(transaction, this.#month);
    transaction.afterCommit(() => {
      this.#config = config;
      if (ends) this.#begin(this.#month);
    });
  }

  #takeOver(before: StoredMonth): void {
    this.#stored = before.stored;
    for (const client of this.#set.values()) before.set.add(client);
    this.#set = before.set;
  }

  #begin(month: string): void {
    this.#month = month;
    this.#set = new ClientSet();
    this.#stored = nothing;
    this.#seen = new WeakSet();
    this.#told.clear();
  }

  /** Whether something is not stored yet. */
  get #isDirty(): boolean {
    const { threshold, count } = this.#stored;
    return this.#set.size !== count || this.#set.threshold !== threshold;
  }

  /** At the latest when the month ends. */
  #wakeIn(delayMs: number): void {
    const leftMs = monthStart(this.#month, 1) - this.#parts.clock.now();
    this.#wakeAfter(Math.max(0, Math.min(delayMs, leftMs)));
  }

  #wakeAfter(delayMs: number): void {
    if (this.#stopped) return;
    const { clock, log } = this.#parts;
    this.#cancel();
    this.#cancel = clock.after(delayMs, () => {
      this.#tick().then(() => this.#wakeIn(this.#isDirty ? flushMs : Infinity), (error) => {
        if (this.#stopped) return;
        log.warn("client counts could not be stored", { error: describeError(error) });
        // The month may be over: without a pause it would be tried again and again at once.
        this.#wakeAfter(flushMs);
      });
    });
  }

  async #tick(): Promise<void> {
    await this.#flush();
    const month = monthOf(this.#parts.clock.now());
    if (month === this.#month) return;
    this.#begin(month);
    await this.#parts.transactions.run(async (transaction) => {
      const oldest = monthOf(monthStart(month, -this.#config.retentionMonths));
      for (const kept of await storedMonths(transaction)) {
        if (kept < oldest) await deleteMonth(transaction, kept);
      }
    });
  }

  async #flush(): Promise<void> {
    if (!this.#loaded || !this.#isDirty) return;
    const [set, month, before] = [this.#set, this.#month, this.#stored];
    const stored = await this.#parts.transactions.run((transaction) =>
      writeMonth(transaction, month, set, before)
    );
    if (set === this.#set) this.#stored = stored;
  }
}
