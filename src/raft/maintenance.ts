/**
 * What keeps the directory small and the restart short: flushes, the removal of flushed log
 * segments, and the rewriting of a state file that is mostly free space. One at a time.
 */
import { type Cancel, sleep } from "../base/clock.ts";
import { FairTurns } from "../base/turn.ts";
import { generations, stateFileName, writeCurrent } from "./current_file.ts";
import type { Driver } from "./driver.ts";
import { StorageError, StorageFatalError, StorageFullError } from "./errors.ts";
import type { LogDisk } from "./log_disk.ts";
import { Mutex } from "./mutex.ts";
import { pauseMs } from "./pacing.ts";
import { PinnedState } from "./pinned_state.ts";
import type { State } from "./state.ts";
import type { StateFile } from "./state_file.ts";
import { flushChanges } from "./state_flush.ts";
import { rewriteState } from "./state_rewrite.ts";
import type { Settings } from "./store_options.ts";

export interface MaintenanceParts {
  readonly settings: Settings;
  readonly state: State;
  readonly log: LogDisk;
  readonly driver: Driver;
  /** The membership as of what is applied, in its text form. */
  readonly configuration: () => string;
  readonly hasPeers: () => boolean;
  /** The log on disk now starts after this index. */
  readonly compacted: (index: number) => Promise<void>;
}

/** Free space below this is not worth a rewrite. */
const GARBAGE_BYTES_MIN = 2 * 1024 * 1024;
const RETRY_MS = 1000;

export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #mutex = new Mutex();
  #timer: Cancel | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  /** What the memtable that is set aside brings the file to. */
  #frozenEnd = { index: 0, configuration: "" };
  flushes = 0;
  failedFlushes = 0;
  rewrites = 0;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  /** Called after changes were applied: sees to it that they get flushed in time. */
  applied(): void {
    const { settings, state } = this.#parts;
    if (state.active.bytes >= settings.flushBytes) this.#start();
    else if (this.#running === undefined) this.#schedule(settings.flushAgeMs);
  }

  /**
   * What a group of so many bytes waits for where much is unflushed. Rejects where the disk is full.
   */
  backPressure(groupBytes: number): Promise<void> | undefined {
    const { settings, state } = this.#parts;
    const bytes = state.active.bytes + (state.frozen?.bytes ?? 0);
    if (bytes >= settings.unflushedBytesMax) return this.flush();
    const pause = pauseMs(bytes, settings.unflushedBytesMax, groupBytes);
    if (pause < 1) return undefined;
    this.#start();
    return Promise.race([sleep(settings.clock, pause), this.#running]);
  }

  /** Flushes, then removes what log and state file no longer need, as a cycle does. */
  compact(): Promise<void> {
    return this.#alone(async () => {
      await this.#flush();
      await this.#tidy();
    });
  }

  /** Flushes, and returns the state file as it then is, however it goes on. Must be closed. */
  pin(): Promise<PinnedState> {
    return this.#alone(async () => {
      await this.#flush();
      const { file } = this.#parts.state;
      return new PinnedState(file, this.#parts.settings);
    });
  }

  /** Brings everything that is applied into the state file. */
  flush(): Promise<void> {
    return this.#alone(() => this.#flush());
  }

  /** The membership as of what is applied, in its text form. */
  configuration(): string {
    return this.#parts.configuration();
  }

  /** Runs a task while no flush, rewrite or compaction does. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    return this.#mutex.run(task);
  }

  /** Flushes for the last time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.();
    await this.#running;
    await this.flush();
  }

  /**
   * Where a write failed and may have been done all the same, memory and file are apart, and whoever
   * went on from there would damage the state: that ends the storage, whoever had asked for the write.
   */
  #alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      try {
        return await task();
      } catch (error) {
        if (error instanceof StorageFatalError) this.#parts.driver.fail(error);
        throw error;
      }
    });
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = this.#parts.settings.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#start();
    });
  }

  #start(): void {
    if (this.#running !== undefined || this.#isClosed) return;
    this.#running = this.#cycle().finally(() => {
      this.#running = undefined;
    });
  }

  async #cycle(): Promise<void> {
    const { driver, settings, state } = this.#parts;
    try {
      await this.compact();
      if (state.active.size > 0) this.#schedule(settings.flushAgeMs);
    } catch (error) {
      if (error instanceof StorageFullError) {
        settings.log.error("no space to flush the state", { path: settings.path });
        this.#schedule(RETRY_MS);
      } else driver.fail(error instanceof Error ? error : new StorageError(String(error)));
    }
  }

  async #flush(): Promise<void> {
    const { state, log, driver, configuration } = this.#parts;
    if (state.frozen !== undefined) await this.#writeFrozen();
    const index = driver.appliedIndex;
    if (state.active.size === 0 && state.file.meta.applied.index === index) return;
    state.freeze();
    this.#frozenEnd = { index, configuration: configuration() };
    await this.#writeFrozen();
    await log.measure();
  }

  async #writeFrozen(): Promise<void> {
    const { settings, state, log } = this.#parts;
    if (state.frozen === undefined) return;
    const { index, configuration } = this.#frozenEnd;
    const applied = await log.link(index);
    try {
      const turns = new FairTurns(settings.clock, settings.turn);
      await flushChanges(state.file, state.frozen.sorted(), { applied, configuration }, turns);
    } catch (error) {
      this.failedFlushes += 1;
      throw error;
    }
    state.dropFrozen();
    this.flushes += 1;
  }

  async #tidy(): Promise<void> {
    await this.#compactLog();
    await this.#rewriteIfWasteful();
  }

  async #compactLog(): Promise<void> {
    const { settings, state, log, compacted } = this.#parts;
    const { clock, logAgeMaxMs, segmentBytes, trailingEntries } = settings;
    const live = state.file.meta.bytes;
    // A small state keeps a small log: the directory stays under twice of what is alive.
    const bytesMax = Math.min(settings.logBytesMax, Math.max(512 * 1024, live / 4));
    const isAged = async () => clock.now() - await log.oldestCreatedAt() > logAgeMaxMs;
    // Alone, there is nobody who could fall behind; and no follower is worth a full disk.
    const isLarge = log.bytes > settings.logBytesMax * 2;
    const trailing = this.#parts.hasPeers() && !isLarge ? trailingEntries : 0;
    // What grew while the one before it was flushed is not kept until a flush comes that finds it alone.
    const isFull = log.activeBytes > Math.min(bytesMax, segmentBytes);
    if (log.segments === 1 ? isFull || await isAged() : isFull && trailing === 0) await log.roll();
    const keepFrom = state.file.meta.applied.index + 1 - trailing;
    const dropped = await log.dropOldest(
      keepFrom,
      async () => log.bytes > bytesMax || await isAged(),
    );
    if (dropped > 0) await compacted(log.firstIndex - 1);
  }

  async #rewriteIfWasteful(): Promise<void> {
    const { settings, state } = this.#parts;
    const live = state.file.meta.bytes + state.file.meta.entries * 8;
    const disk = await state.file.diskBytes();
    if (disk < live * 1.5 || disk - live * 1.3 < GARBAGE_BYTES_MIN) return;
    const current = Math.max(...await generations(settings.path, settings.disk));
    const path = `${settings.path}/${stateFileName(current + 1)}`;
    await settings.disk.removeKv(path);
    const fresh = await this.#rewritten(path);
    if (fresh === undefined) return;
    await writeCurrent(settings.path, current + 1, settings.disk);
    await state.swapFile(fresh).retire();
    this.rewrites += 1;
    settings.log.info("state file rewritten", { before: disk, after: await fresh.diskBytes() });
  }

  /** A copy of the state file, or undefined where there is no space for one. */
  async #rewritten(path: string): Promise<StateFile | undefined> {
    const { settings, state } = this.#parts;
    try {
      return await rewriteState(state.file, path, settings);
    } catch (error) {
      await settings.disk.removeKv(path);
      if (!(error instanceof StorageFullError)) throw error;
      settings.log.warn("no space to rewrite the state file", { path: state.file.path });
      return undefined;
    }
  }
}
