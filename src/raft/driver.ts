/**
 * Drives consensus with a disk: takes proposals in groups, does what `ready` says in its order,
 * applies what is committed, and answers. One group is under way at a time; what arrives meanwhile
 * waits and goes into the next.
 */
import type { Bytes } from "../base/bytes.ts";
import type { HardState, Ready } from "./consensus/messages.ts";
import type { Raft } from "./consensus/raft.ts";
import {
  OutcomeUnknownError,
  StorageError,
  StorageFatalError,
  StorageFullError,
} from "./errors.ts";
import { EntryType, type LogEntry, type Position } from "./log_entry.ts";

/** The log on disk, as far as it is driven here. */
export interface DrivenLog {
  readonly last: Position;
  append(entries: readonly LogEntry[]): Promise<void>;
  truncate(index: number): Promise<void>;
  read(from: number, to: number): AsyncIterable<LogEntry[]>;
}

/** Where term and vote are kept. */
export interface HardStateStore {
  save(nodeId: string, hardState: HardState): Promise<void>;
}

export interface DriverOptions {
  readonly nodeId: string;
  readonly raft: Raft;
  readonly log: DrivenLog;
  readonly nodeFile: HardStateStore;
  /** Takes committed entries, in order, each once. */
  readonly apply: (entries: readonly LogEntry[]) => void;
  /** Everything up to here was applied before. */
  readonly applied: number;
  /** Resolves when a group may be put together. */
  readonly turn: () => Promise<void>;
  /** Waits while the state can't take more. */
  readonly backPressure: () => Promise<void> | undefined;
  readonly onFatal: (error: Error) => void;
}

interface Proposal {
  readonly payload: Bytes;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What one group holds at most; the rest waits for the next. */
const GROUP_ENTRIES_MAX = 800;
const GROUP_BYTES_MAX = 600_000;

export class Driver {
  readonly #options: DriverOptions;
  #queue: Proposal[] = [];
  /** Answered once their entry is applied, by index. */
  readonly #waiting = new Map<number, Proposal>();
  #applied: number;
  #pumping: Promise<void> | undefined;
  #failure: Error | undefined;
  #isClosed = false;
  /** Set while a task needs everything to stand still. */
  #isStill = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#applied = options.applied;
  }

  get appliedIndex(): number {
    return this.#applied;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Does what consensus wants done, for instance after a tick. */
  async advance(): Promise<void> {
    await this.#perform(this.#options.raft.ready());
  }

  /** Resolves when the payload is durable, committed and applied. */
  submit(payload: Bytes): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#refusal(this.#failure));
    if (this.#isClosed) return Promise.reject(new StorageError("the storage is closed"));
    return new Promise((resolve, reject) => {
      this.#queue.push({ payload, resolve, reject });
      if (!this.#isStill) this.#pumping ??= this.#pump();
    });
  }

  /** Runs a task while nothing is being committed or applied; what arrives meanwhile waits. */
  async whileStill<T>(task: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StorageError("the storage is closed");
    if (this.#failure !== undefined) throw this.#refusal(this.#failure);
    this.#isStill = true;
    try {
      await this.#pumping;
      return await task();
    } finally {
      this.#isStill = false;
      if (this.#queue.length > 0) this.#pumping ??= this.#pump();
    }
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
    this.#options.onFatal(error);
  }

  async #pump(): Promise<void> {
    const { turn } = this.#options;
    while (this.#queue.length > 0 && this.#failure === undefined && !this.#isStill) {
      try {
        await turn();
        const group = this.#takeGroup();
        if (await this.#hasRoom(group)) await this.#commitGroup(group);
      } catch (error) {
        this.fail(error instanceof Error ? error : new StorageFatalError(String(error)));
      }
    }
    this.#pumping = undefined;
  }

  /** Waits until the state can take more; where the disk is too full for that the group is told. */
  async #hasRoom(group: readonly Proposal[]): Promise<boolean> {
    try {
      await this.#options.backPressure();
      return true;
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error;
      for (const { reject } of group) reject(error);
      return false;
    }
  }

  #takeGroup(): Proposal[] {
    let bytes = 0, count = 0;
    for (const { payload } of this.#queue) {
      bytes += payload.length;
      if (count > 0 && (count >= GROUP_ENTRIES_MAX || bytes > GROUP_BYTES_MAX)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #commitGroup(group: readonly Proposal[]): Promise<void> {
    const { raft } = this.#options;
    const items = group.map(({ payload }) => ({ type: EntryType.changes, payload }));
    const first = raft.propose(items);
    if (first === undefined) {
      for (const { reject } of group) reject(new StorageError("this node does not lead its group"));
      return;
    }
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
    const { raft, log, nodeFile, nodeId } = this.#options;
    if (ready.hardState !== undefined) await nodeFile.save(nodeId, ready.hardState);
    if (ready.truncateFrom !== undefined) await log.truncate(ready.truncateFrom);
    if (ready.entries.length > 0) {
      await log.append(ready.entries);
      raft.persisted(log.last);
    }
    await this.#applyCommitted();
  }

  async #applyCommitted(): Promise<void> {
    const { raft, log } = this.#options;
    while (this.#applied < raft.commitIndex) {
      const from = this.#applied + 1;
      const recent = raft.recent(from, raft.commitIndex);
      if (recent !== undefined) this.#apply(recent);
      else for await (const page of log.read(from, raft.commitIndex)) this.#apply(page);
    }
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
