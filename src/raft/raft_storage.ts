/** The integrated storage: a log that is replicated, and the state that it makes. */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Cancel } from "../base/clock.ts";
import { encodeBatch } from "./batch_codec.ts";
import type { Configuration } from "./consensus/configuration.ts";
import type { Raft } from "./consensus/raft.ts";
import type { Driver } from "./driver.ts";
import type { Group } from "./group.ts";
import { type CorruptionError, NotLeaderError, StorageError } from "./errors.ts";
import type { NameOptions } from "./folder_walk.ts";
import { type Change, checkBatch } from "./keys.ts";
import type { LogDamage } from "./log_damage.ts";
import type { LogDisk } from "./log_disk.ts";
import type { Maintenance } from "./maintenance.ts";
import { scrub, type ScrubOptions, type ScrubReport } from "./scrub.ts";
import type { PinnedState } from "./pinned_state.ts";
import type { ContentReplacement } from "./staging.ts";
import type { AppliedListener, State, StoredEntry } from "./state.ts";
import type { Settings } from "./store_options.ts";
import type { Submitted } from "./submitted.ts";

export interface RaftStorageStats {
  /** Entries and bytes of keys and values in the state file, as of the last flush. */
  readonly liveEntries: number;
  readonly liveBytes: number;
  readonly stateFileBytes: number;
  readonly logBytes: number;
  readonly logEntries: number;
  readonly logSegments: number;
  readonly unflushedBytes: number;
  /** Durable commits of the log since the start, and the time they took, fsync included. */
  readonly commits: number;
  readonly commitMs: number;
  /** Changes that were handed to the log here, as the leader. */
  readonly applies: number;
  /** Commits of the log as the leader, in milliseconds, and the entries of the last one. */
  readonly dispatches: { readonly count: number; readonly sum: number };
  readonly lastDispatched: number;
  readonly flushes: number;
  readonly rewrites: number;
  readonly cacheBytes: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
}

export interface StorageParts {
  readonly nodeId: string;
  readonly settings: Settings;
  readonly raft: Raft;
  readonly driver: Driver;
  readonly submitted: Submitted;
  readonly log: LogDisk;
  readonly state: State;
  readonly maintenance: Maintenance;
  readonly group: Group;
  readonly damage: LogDamage;
  /** Closes what else was opened, and lets go of the directory. */
  readonly release: () => void;
}

export class RaftStorage {
  readonly #parts: StorageParts;
  #closing: Promise<void> | undefined;

  constructor(parts: StorageParts) {
    this.#parts = parts;
  }

  get nodeId(): string {
    return this.#parts.nodeId;
  }

  get term(): number {
    return this.#parts.raft.term;
  }

  /** How often this node became leader, candidate, follower, since the start, and why. */
  get transitions(): Raft["transitions"] {
    return this.#parts.raft.transitions;
  }

  get commitIndex(): number {
    return this.#parts.raft.commitIndex;
  }

  get appliedIndex(): number {
    return this.#parts.driver.appliedIndex;
  }

  /** The node as a member of its group. */
  get group(): Group {
    return this.#parts.group;
  }

  configuration(): Configuration {
    return this.#parts.raft.configuration;
  }

  /** Whether it is not known yet that this membership is committed. */
  get isReconfiguring(): boolean {
    return this.#parts.raft.isReconfiguring;
  }

  /** Tells of every change that is applied from now on, whoever made it. */
  follow(listener: AppliedListener): Cancel {
    const { followers } = this.#parts.state;
    followers.add(listener);
    return () => void followers.delete(listener);
  }

  get(key: string): Awaitable<Bytes | undefined> {
    return this.#parts.state.get(key);
  }

  list(prefix: string, options?: NameOptions): Promise<string[]> {
    return this.#parts.state.list(prefix, options);
  }

  scan(
    prefix: string,
    options: { readonly after?: string; readonly before?: string; readonly limit: number },
  ): Promise<StoredEntry[]> {
    return this.#parts.state.scan(prefix, options);
  }

  /**
   * One log entry: all changes or none, durable and visible when it resolves. The values belong to
   * the storage from now on.
   */
  async write(batch: readonly Change[]): Promise<void> {
    const { driver, settings, submitted } = this.#parts;
    if (this.#closing !== undefined) throw new StorageError("the storage is closed");
    const bytes = checkBatch(batch, settings);
    if (batch.length === 0) return;
    const payload = encodeBatch(batch, bytes);
    submitted.note(payload, batch);
    try {
      await driver.submit(payload);
    } finally {
      submitted.forget(payload);
    }
  }

  /** Brings everything that is applied into the state file. */
  flush(): Promise<void> {
    return this.#parts.maintenance.flush();
  }

  /** Flushes, and removes what log and state file no longer need, as happens by itself anyway. */
  compact(): Promise<void> {
    return this.#parts.maintenance.compact();
  }

  /** The set hash over all entries as of an index, which the flush before it brings about. */
  async stateHash(): Promise<{ readonly index: number; readonly hash: Uint8Array }> {
    await this.flush();
    const { applied, hash } = this.#parts.state.file.meta;
    return { index: applied.index, hash };
  }

  /** All entries as of now, while writes go on as ever. Must be closed. */
  snapshot(): Promise<PinnedState> {
    return this.#parts.maintenance.pin();
  }

  /**
   * Begins to put other content in the place of everything on every node; the group stays what it is.
   * Throws `ReplacementUnderWayError` while another one goes on here.
   */
  replacement(): ContentReplacement {
    return this.#parts.group.staging.begin();
  }

  /** A replacement in one go: see `ContentReplacement.use`. */
  async restore(entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>): Promise<void> {
    if (!this.group.isActive) throw new NotLeaderError("this node does not lead its group");
    const replacement = this.replacement();
    try {
      await replacement.stage(entries);
      await replacement.spread();
      await replacement.use();
    } finally {
      await replacement.close();
    }
  }

  /** Walks over everything that is stored and recomputes its checksums and the hash over all. */
  scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    const { state, log, maintenance, settings } = this.#parts;
    return scrub({ state, log, maintenance, clock: settings.clock }, options);
  }

  /** Told of damage in the log that is met before the scrub gets there, each once. */
  onDamage(listener: (error: CorruptionError) => void): Cancel {
    return this.#parts.damage.onFound(listener);
  }

  async stats(): Promise<RaftStorageStats> {
    const { state, log, maintenance, driver } = this.#parts;
    const { meta } = state.file;
    return {
      liveEntries: meta.entries,
      liveBytes: meta.bytes,
      stateFileBytes: await state.file.diskBytes(),
      logBytes: await log.measure(),
      logEntries: log.last.index - log.firstIndex + 1,
      logSegments: log.segments,
      unflushedBytes: state.active.bytes + (state.frozen?.bytes ?? 0),
      commits: log.commits,
      commitMs: log.commitMs,
      applies: driver.applies,
      dispatches: { count: driver.dispatches, sum: driver.dispatchMs },
      lastDispatched: driver.lastDispatched,
      flushes: maintenance.flushes,
      rewrites: maintenance.rewrites,
      cacheBytes: state.cache.bytes,
      cacheHits: state.cache.hits,
      cacheMisses: state.cache.misses,
    };
  }

  /** Ends writes under way, flushes, and lets go of the directory, which it does in any case. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { driver, maintenance, group, release } = this.#parts;
    try {
      await group.stop().catch(() => undefined);
      await driver.close();
      if (driver.failure === undefined) await maintenance.close();
    } finally {
      release();
    }
  }
}
