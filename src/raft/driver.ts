/**
 * Drives consensus with a disk: takes proposals in groups, does what `ready` says in its order,
 * applies what is committed, and answers. One group is under way at a time; what arrives meanwhile,
 * proposals as well as messages and ticks, waits and goes into the next.
 */
import type { Bytes } from "../base/bytes.ts";
import type { Fetch, HardState, Message, NodeId, ReadState, Ready } from "./consensus/messages.ts";
import type { Raft } from "./consensus/raft.ts";
import {
  CorruptionError,
  NotLeaderError,
  OutcomeUnknownError,
  StorageError,
  StorageFatalError,
  StorageFullError,
} from "./errors.ts";
import { EntryType, type LogEntry, type Position } from "./log_entry.ts";

/** The log on disk, as far as it is driven here. */
export interface DrivenLog {
  readonly last: Position;
  /** Durable commits so far, and the time they took; absent where nobody measures. */
  readonly commits?: number;
  readonly commitMs?: number;
  append(entries: readonly LogEntry[]): Promise<void>;
  truncate(index: number): Promise<void>;
  read(from: number, to: number): AsyncIterable<LogEntry[]>;
}

/** Where term and vote are kept. */
export interface HardStateStore {
  save(nodeId: string, hardState: HardState): Promise<void>;
}

/** What a node in a group of many does beside its disk. */
export interface DriverPeers {
  /** Hands messages to whatever carries them; none may be waited for. */
  send(messages: readonly Message[]): void;
  /** Answers to `readIndex`; what they name is to be waited for. */
  reads(reads: readonly ReadState[]): void;
  /** Told after each group of work: leader, membership and what is applied may have changed. */
  changed(): void;
  /** Told once, when the disk has failed: this node takes part no more. */
  failed(): void;
}

export interface DriverOptions {
  readonly nodeId: string;
  readonly raft: Raft;
  readonly log: DrivenLog;
  readonly nodeFile: HardStateStore;
  /** Takes committed entries, in order, each once. */
  readonly apply: (entries: readonly LogEntry[]) => void;
  /**
   * Takes a committed entry that replaces everything. Nothing after it is applied until `skipTo`
   * says that it is done.
   */
  readonly replace?: (entry: LogEntry) => void;
  /** Everything up to here was applied before. */
  readonly applied: number;
  /** Resolves when a group may be put together. */
  readonly turn: () => Promise<void>;
  /** Waits while the state can't take more. */
  /** What a group of so many bytes must wait for, if anything. */
  readonly backPressure: (bytes: number) => Promise<void> | undefined;
  readonly onFatal: (error: Error) => void;
  /** Told of damage where old entries were to be read for a peer. */
  readonly damaged?: (error: CorruptionError, peer: NodeId) => void;
  /** What passes before old entries that could not be read are asked for again. */
  readonly pause?: () => Promise<void>;
  readonly peers?: DriverPeers;
}

interface Proposal {
  readonly payload: Bytes;
  /** In which it was submitted: it is proposed in no other. */
  readonly term: number;
  /** How often everything had been replaced then: it is proposed over no other content. */
  readonly content: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What one group holds at most; the rest waits for the next. */
const GROUP_ENTRIES_MAX = 800;
const GROUP_BYTES_MAX = 600_000;

/** Bytes that one fetch from the log brings at most, except where one entry is larger. */
const FETCH_BYTES_MAX = 1024 * 1024;

const NOBODY: readonly Proposal[] = [];

/** The same for everybody: to make one takes longer than all else that a refusal does. */
const notLeading = new NotLeaderError("this node does not lead its group");

export class Driver {
  readonly #options: DriverOptions;
  /** Changes that became entries of the log here. */
  applies = 0;
  /** Of the log while this node leads: its durable commits, their milliseconds, and the last one's entries. */
  dispatches = 0;
  dispatchMs = 0;
  lastDispatched = 0;
  #queue: Proposal[] = [];
  #events: (() => void)[] = [];
  /** The term in which what waits was proposed. */
  #proposedIn = 0;
  /** Answered once their entry is applied, by index. */
  readonly #waiting = new Map<number, Proposal>();
  #applied: number;
  #pumping: Promise<void> | undefined;
  #failure: Error | undefined;
  #isClosed = false;
  /** Set while a task needs everything to stand still. */
  #isStill = false;
  #isReplacing = false;
  /** Counts replacements of everything, those that are done and those that this leader has proposed. */
  #content = 0;
  /** The last one that this leader has proposed. */
  #replacing: { readonly index: number; readonly term: number } | undefined;
  #onEvent: () => void = () => {};
  /** What the next group waits for, where the state can't take it yet. */
  #room: Promise<void> | undefined;
  #askedStill: () => void = () => {};

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#applied = options.applied;
  }

  get appliedIndex(): number {
    return this.#applied;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Does what consensus wants done, at once: only while nothing else is under way. */
  async advance(): Promise<void> {
    await this.#perform(this.#options.raft.ready());
  }

  /** Puts something into consensus, such as a message or a tick, and does what it wants done. */
  post(event: () => void): void {
    if (this.#failure !== undefined || this.#isClosed) return;
    this.#events.push(event);
    this.#onEvent();
    this.#kick();
  }

  /** As `post`, and resolves with what the event returned, when it has been put in. */
  ask<T>(event: () => T): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#refusal(this.#failure));
    if (this.#isClosed) return Promise.reject(new StorageError("the storage is closed"));
    return new Promise((resolve, reject) => {
      this.post(() => {
        try {
          resolve(event());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Resolves when the payload is durable, committed and applied. */
  submit(payload: Bytes): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#refusal(this.#failure));
    if (this.#isClosed) return Promise.reject(new StorageError("the storage is closed"));
    return new Promise((resolve, reject) => {
      const { term } = this.#options.raft;
      this.#queue.push({ payload, term, content: this.#content, resolve, reject });
      this.#kick();
    });
  }

  /**
   * Runs a task while nothing is being committed or applied; what arrives meanwhile waits. One at a
   * time: who asks has `Maintenance` to itself, since the first to end lets everything go on.
   */
  async whileStill<T>(task: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StorageError("the storage is closed");
    if (this.#failure !== undefined) throw this.#refusal(this.#failure);
    if (this.#isStill) throw new Error("two tasks at once want everything to stand still");
    this.#isStill = true;
    this.#askedStill();
    try {
      await this.#pumping;
      return await task();
    } finally {
      this.#isStill = false;
      if (this.#hasWork()) this.#kick();
    }
  }

  /** A whole state has come in: everything up to here is in it. Only while all stands still. */
  skipTo(index: number): void {
    this.#applied = index;
    this.#isReplacing = false;
    this.#content += 1;
  }

  /**
   * An entry that replaces everything was just proposed here. What was not proposed before it, and
   * whatever is submitted until it is applied, was meant for what is replaced and comes to nothing.
   */
  replacing(index: number): void {
    this.#replacing = { index, term: this.#options.raft.term };
    this.#content += 1;
  }

  /** Lets what was submitted end and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pumping;
  }

  /** Ends everything: after this nothing that is on disk can be trusted to be what it should. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const { reject } of this.#queue.splice(0)) reject(this.#refusal(error));
    for (const { reject } of this.#waiting.values()) {
      reject(new OutcomeUnknownError(`the outcome is unknown: ${error.message}`, { cause: error }));
    }
    this.#waiting.clear();
    this.#options.peers?.failed();
    this.#options.onFatal(error);
  }

  #kick(): void {
    if (!this.#isStill) this.#pumping ??= this.#pump();
  }

  #hasWork(): boolean {
    return this.#queue.length > 0 || this.#events.length > 0 || !this.#options.raft.isIdle;
  }

  async #pump(): Promise<void> {
    const { turn } = this.#options;
    while (this.#hasWork() && this.#failure === undefined && !this.#isStill) {
      try {
        await turn();
        const taken = this.#takeGroup();
        const room = await (taken.length === 0 ? "room" : this.#hasRoom(taken));
        if (room === "still" || room === "events") this.#queue.unshift(...taken);
        if (room === "still") break;
        const group = room === "room" ? taken : [];
        this.#takeEvents();
        this.#dropLost();
        if (group.length > 0) await this.#commitGroup(group);
        else await this.#perform(this.#options.raft.ready());
        this.#options.peers?.changed();
      } catch (error) {
        this.fail(error instanceof Error ? error : new StorageFatalError(String(error)));
      }
    }
    this.#pumping = undefined;
  }

  #takeEvents(): void {
    const events = this.#events;
    if (events.length === 0) return;
    this.#events = [];
    for (const event of events) event();
  }

  /** Whoever waits for an entry that another leader may replace is told that nobody knows. */
  #dropLost(): void {
    const { raft } = this.#options;
    if (this.#waiting.size === 0) return;
    if (raft.role === "leader" && raft.term === this.#proposedIn) return;
    const error = new OutcomeUnknownError("leadership was lost before the write was committed");
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /**
   * Waits until the state can take more. Where the disk is too full for that a group of one is
   * told; of many, another node leads on.
   * Whoever asks for stillness may keep the flush that makes room from running, and goes first. So
   * do messages and ticks: a leader that waits for its disk must not seem dead.
   */
  async #hasRoom(group: readonly Proposal[]): Promise<"room" | "full" | "still" | "events"> {
    const bytes = group.reduce((sum, { payload }) => sum + payload.length, 0);
    try {
      this.#room ??= this.#options.backPressure(bytes);
      if (this.#room === undefined) return "room";
      const room = this.#room.then(() => "room" as const);
      const found = await Promise.race([room, this.#untilStill(), this.#untilEvents()]);
      if (found === "room") this.#room = undefined;
      return found;
    } catch (error) {
      this.#room = undefined;
      const isAlone = this.#options.raft.configuration.members.length <= 1;
      if (!(error instanceof StorageFullError && isAlone)) throw error;
      for (const { reject } of group) reject(error);
      return "full";
    }
  }

  #untilStill(): Promise<"still"> {
    if (this.#isStill) return Promise.resolve("still");
    return new Promise((resolve) => {
      this.#askedStill = () => resolve("still");
    });
  }

  #untilEvents(): Promise<"events"> {
    if (this.#events.length > 0) return Promise.resolve("events");
    return new Promise((resolve) => {
      this.#onEvent = () => resolve("events");
    });
  }

  #takeGroup(): readonly Proposal[] {
    if (this.#queue.length === 0) return NOBODY;
    let bytes = 0, count = 0;
    for (const { payload } of this.#queue) {
      bytes += payload.length;
      if (count > 0 && (count >= GROUP_ENTRIES_MAX || bytes > GROUP_BYTES_MAX)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** Whoever submitted in another term, or over other content, may have read what is not so now. */
  #refuseEarlier(taken: readonly Proposal[]): readonly Proposal[] {
    const { term } = this.#options.raft;
    const isReplacing = this.#replacing?.term === term && this.#applied < this.#replacing.index;
    const isCurrent = (proposal: Proposal) =>
      !isReplacing && proposal.term === term && proposal.content === this.#content;
    if (taken.every(isCurrent)) return taken;
    const error = new NotLeaderError("another term has begun, or all content was replaced");
    for (const proposal of taken) if (!isCurrent(proposal)) proposal.reject(error);
    return taken.filter(isCurrent);
  }

  async #commitGroup(taken: readonly Proposal[]): Promise<void> {
    const { raft } = this.#options;
    const group = this.#refuseEarlier(taken);
    if (group.length === 0) return await this.#perform(raft.ready());
    const items = group.map(({ payload }) => ({ type: EntryType.changes, payload }));
    const first = raft.propose(items);
    if (first === undefined) {
      for (const { reject } of group) reject(notLeading);
      return await this.#perform(raft.ready());
    }
    this.#proposedIn = raft.term;
    this.applies += group.length;
    group.forEach((proposal, i) => this.#waiting.set(first + i, proposal));
    try {
      await this.#perform(raft.ready());
    } catch (error) {
      if (!(error instanceof StorageFullError) || !raft.retract(first)) throw error;
      group.forEach((_, i) => this.#waiting.delete(first + i));
      for (const { reject } of group) reject(error);
    }
  }

  async #perform(ready: Ready): Promise<void> {
    const { raft, log, nodeFile, nodeId, peers } = this.#options;
    if (ready.hardState !== undefined) await nodeFile.save(nodeId, ready.hardState);
    if (ready.early.length > 0) peers?.send(ready.early);
    if (ready.truncateFrom !== undefined) await log.truncate(ready.truncateFrom);
    if (ready.entries.length > 0) {
      const { commits = 0, commitMs = 0 } = log;
      await log.append(ready.entries);
      if (raft.role === "leader") {
        this.dispatches += (log.commits ?? 0) - commits;
        this.dispatchMs += (log.commitMs ?? 0) - commitMs;
        this.lastDispatched = ready.entries.length;
      }
      raft.persisted(log.last);
    }
    if (ready.messages.length > 0) peers?.send(ready.messages);
    if (ready.reads.length > 0) peers?.reads(ready.reads);
    for (const fetch of ready.fetches) void this.#fetch(fetch);
    await this.#applyCommitted();
  }

  /** Reads old entries for a peer that is behind, beside everything else. */
  async #fetch({ peer, from, to }: Fetch): Promise<void> {
    const { raft, log } = this.#options;
    const entries: LogEntry[] = [];
    let bytes = 0;
    try {
      for await (const page of log.read(from, to)) {
        for (const entry of page) {
          bytes += entry.payload.length;
          if (entries.length === 0 || bytes <= FETCH_BYTES_MAX) entries.push(entry);
        }
        if (bytes > FETCH_BYTES_MAX) break;
      }
    } catch (error) {
      // Compaction was faster, and the peer gets the state.
      if (!(error instanceof StorageError)) throw error;
      if (error instanceof CorruptionError) this.#options.damaged?.(error, peer);
      entries.length = 0;
      // Consensus asks again at once, and damage stays.
      await this.#options.pause?.();
    }
    this.post(() => raft.fetched(peer, entries));
  }

  /** Applies what is at hand. Undefined where that was all there is, as most often. */
  #applyCommitted(): Promise<void> | undefined {
    const { raft } = this.#options;
    while (this.#applied < raft.commitIndex && !this.#isReplacing) {
      const recent = raft.recent(this.#applied + 1, raft.commitIndex);
      if (recent === undefined) return this.#applyFromDisk();
      this.#applyUpToReplacement(recent);
    }
    return undefined;
  }

  async #applyFromDisk(): Promise<void> {
    const { raft, log } = this.#options;
    for await (const page of log.read(this.#applied + 1, raft.commitIndex)) {
      this.#applyUpToReplacement(page);
      if (this.#isReplacing) break;
    }
    await this.#applyCommitted();
  }

  #applyUpToReplacement(entries: readonly LogEntry[]): void {
    const at = entries.findIndex(({ type }) => type === EntryType.replace);
    this.#apply(at < 0 ? entries : entries.slice(0, at));
    const replacing = entries[at];
    if (replacing === undefined) return;
    this.#isReplacing = true;
    this.#options.replace?.(replacing);
  }

  #apply(entries: readonly LogEntry[]): void {
    this.#options.apply(entries);
    for (const { index } of entries) {
      this.#applied = index;
      this.#waiting.get(index)?.resolve();
      this.#waiting.delete(index);
    }
    this.#options.raft.applied(this.#applied);
  }

  #refusal(cause: Error): StorageError {
    return new StorageFatalError(`no writes until a restart: ${cause.message}`, { cause });
  }
}
