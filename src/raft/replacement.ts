/**
 * Replaces everything that is stored by other content, in a group of any size, in one log entry.
 * First the content is staged on each node: a state file of its own that nothing refers to. Then
 * one entry names it. A node takes that entry into its log only if it has the content, so that
 * whoever may lead after it is committed can apply it; who lacks the content gets it, or the state
 * once it is applied. The membership is no part of it: the group stays what it is.
 */
import { fromUtf8, sameBytes, utf8 } from "../base/bytes.ts";
import { generations, stateFileName, writeCurrent } from "./current_file.ts";
import type { Raft } from "./consensus/raft.ts";
import type { Driver } from "./driver.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError, NotLeaderError, StorageError, StorageFatalError } from "./errors.ts";
import type { LogDisk } from "./log_disk.ts";
import { EntryType, type LogEntry } from "./log_entry.ts";
import type { Maintenance } from "./maintenance.ts";
import { PinnedState } from "./pinned_state.ts";
import type { State, StoredEntry } from "./state.ts";
import { StateBuild } from "./state_build.ts";
import { StateFile } from "./state_file.ts";
import type { Settings } from "./store_options.ts";
import type { StateHead } from "./transport.ts";

export interface ReplacementParts {
  readonly settings: Settings;
  readonly raft: Raft;
  readonly state: State;
  readonly log: LogDisk;
  readonly driver: Driver;
  readonly maintenance: Maintenance;
}

interface Pending {
  readonly id: string;
  readonly index: number;
}

interface StageOptions {
  /** The hash over all entries that were sent: what is built is proved to have it. */
  readonly expected?: Uint8Array | undefined;
  /** Throws where it is not wanted any more. */
  readonly goOn?: (() => void) | undefined;
}

/** Beside the log: which state file is staged under a name. */
const NOTE = /^staged-([0-9a-f-]{36})$/;
/** One that a process died over. */
const UNWRITTEN = /^staged-[0-9a-f-]{36}\.new$/;

/** Content that waits for the entry that names it, by name. */
export class StagedFiles {
  readonly #files = new Map<string, StateFile>();
  /** Names that the log has. */
  readonly #inLog = new Set<string>();

  constructor(readonly path: string, readonly disk: Disk) {}

  get(id: string): StateFile | undefined {
    return this.#files.get(id);
  }

  /** For consensus: whether an entry may be put into this node's log. */
  accepts(entry: LogEntry): boolean {
    if (entry.type !== EntryType.replace) return true;
    const id = fromUtf8(entry.payload);
    if (!this.#files.has(id)) return false;
    this.#inLog.add(id);
    return true;
  }

  keep(id: string): void {
    this.#inLog.add(id);
  }

  add(id: string, file: StateFile): void {
    this.#files.set(id, file);
  }

  /** The content is in use now, or not needed any more. */
  async forget(id: string): Promise<void> {
    this.#files.delete(id);
    this.#inLog.delete(id);
    await this.disk.remove(`${this.path}/raft/staged-${id}`);
  }

  /** Removes what was staged and never named by the log. */
  async dropUnused(): Promise<void> {
    for (const id of [...this.#files.keys()]) await this.drop(id);
  }

  /** Removes what is staged under a name, if the log does not name it. */
  async drop(id: string): Promise<void> {
    const file = this.#files.get(id);
    if (file === undefined || this.#inLog.has(id)) return;
    await this.forget(id);
    await file.retire();
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
  }
}

/** The generations of state files that are staged: they are not leftovers. */
export async function stagedGenerations(
  path: string,
  disk: Disk,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const name of await disk.names(`${path}/raft`)) {
    const id = NOTE.exec(name)?.[1];
    const content = id === undefined ? undefined : await disk.read(`${path}/raft/${name}`);
    const generation = Number(new TextDecoder().decode(content));
    if (id !== undefined && Number.isInteger(generation)) found.set(id, generation);
  }
  return found;
}

/** At the start: opens what the log names and has not applied, removes the rest. */
export async function openStaged(
  path: string,
  tail: readonly LogEntry[],
  inUse: StateFile,
): Promise<StagedFiles> {
  const staged = new StagedFiles(path, inUse.disk);
  const named = new Set(
    tail.filter(({ type }) => type === EntryType.replace).map(({ payload }) => fromUtf8(payload)),
  );
  for (const name of await inUse.disk.names(`${path}/raft`)) {
    if (UNWRITTEN.test(name)) await inUse.disk.remove(`${path}/raft/${name}`);
  }
  for (const [id, generation] of await stagedGenerations(path, inUse.disk)) {
    const options = { ...inUse.options, path: `${path}/${stateFileName(generation)}` };
    if (named.has(id)) {
      staged.add(id, await StateFile.open(options));
      staged.keep(id);
      continue;
    }
    if (options.path !== inUse.path) await inUse.disk.removeKv(options.path);
    await staged.forget(id);
  }
  return staged;
}

export class Replacement {
  readonly #parts: ReplacementParts;
  readonly #staged: StagedFiles;
  #pending: Pending | undefined;
  /** The last that this node has taken: content that is sent for it again is of no use any more. */
  #done: string | undefined;
  /** Counts states that a leader has sent whole. */
  #installed = 0;
  /** What is being built, by name; each resolves when that has ended, whichever way. */
  readonly #building = new Map<string, Promise<void>>();

  constructor(parts: ReplacementParts, staged: StagedFiles) {
    this.#parts = parts;
    this.#staged = staged;
  }

  /** An entry of this kind in the log that is not applied yet. */
  get pending(): Pending | undefined {
    const { driver } = this.#parts;
    if (this.#pending !== undefined && driver.appliedIndex >= this.#pending.index) {
      this.#pending = undefined;
    }
    return this.#pending;
  }

  /**
   * Builds a state file of its own. Of two that are to have one name the second waits, and does
   * nothing where the first has it.
   */
  async stage(
    id: string,
    entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>,
    options: StageOptions = {},
  ): Promise<void> {
    for (let other = this.#building.get(id); other !== undefined; other = this.#building.get(id)) {
      await other;
    }
    if (this.has(id) || this.#done === id) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#building.set(id, promise);
    try {
      await this.#staged.dropUnused();
      await this.#build(id, entries, options);
    } finally {
      this.#building.delete(id);
      resolve();
    }
  }

  async #build(
    id: string,
    entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>,
    { expected, goOn }: StageOptions,
  ): Promise<void> {
    const { settings, state, maintenance, driver } = this.#parts;
    const installed = this.#installed;
    const mustBeOpen = () => {
      if (driver.isClosed) throw new StorageError("the storage is closed");
    };
    const { path, build } = await maintenance.exclusively(async () => {
      mustBeOpen();
      const generation = Math.max(...await generations(settings.path, settings.disk)) + 1;
      const path = `${settings.path}/${stateFileName(generation)}`;
      await settings.disk.removeKv(path);
      await settings.disk.replace(`${settings.path}/raft`, `staged-${id}`, utf8(`${generation}`));
      const options = { ...state.file.options, path };
      return { path, build: await StateBuild.begin(options, state.file.meta.configuration) };
    });
    let file: StateFile | undefined;
    try {
      file = await build.fill(entries, settings, () => {
        mustBeOpen();
        goOn?.();
      });
      mustBeOpen();
      if (expected !== undefined && !sameBytes(file.meta.hash, expected)) {
        throw new CorruptionError("the content that came is not what was sent");
      }
      const isLate = this.#done === id || this.#installed !== installed;
      if (!isLate) return this.#staged.add(id, file);
      await this.#discard(id, path, file);
    } catch (error) {
      await this.#discard(id, path, file);
      throw error;
    }
  }

  /** Whether content is staged under a name. */
  has(id: string): boolean {
    return this.#staged.get(id) !== undefined;
  }

  /**
   * A state has come in that a leader sent whole, most likely with what was staged in it: that goes,
   * and so does what is being built. Who needs it all the same is sent it again.
   */
  async installed(): Promise<void> {
    this.#installed += 1;
    await this.#staged.dropUnused();
  }

  /** Content that the log does not name is not needed any more. Harmless where there is none. */
  drop(id: string): Promise<void> {
    return this.#staged.drop(id);
  }

  async #discard(id: string, path: string, file: StateFile | undefined): Promise<void> {
    file?.close();
    await this.#parts.settings.disk.removeKv(path);
    await this.#staged.forget(id);
  }

  /** What is staged under a name, to be sent to another node. */
  read(id: string): { head: Pick<StateHead, "hash" | "at">; pinned: PinnedState } {
    const file = this.#staged.get(id);
    if (file === undefined) throw new CorruptionError("the staged content is gone");
    const pinned = new PinnedState(file, this.#parts.settings);
    return { head: { hash: pinned.meta.hash, at: pinned.meta.applied }, pinned };
  }

  /**
   * Puts the entry into the log, in this term alone. Returns its index. Throws `NotLeaderError`, and
   * `StorageError` where another replacement has begun since the content was staged.
   */
  async propose(id: string, term: number): Promise<number> {
    const { raft, driver } = this.#parts;
    const index = await driver.ask(() => {
      // An entry that nobody could apply would end every node that takes it.
      if (this.#staged.get(id) === undefined) {
        throw new StorageError("another replacement took its place; nothing was changed");
      }
      if (raft.term !== term) return undefined;
      const proposed = raft.propose([{ type: EntryType.replace, payload: utf8(id) }]);
      if (proposed === undefined) return undefined;
      this.#staged.keep(id);
      driver.replacing(proposed);
      return proposed;
    });
    if (index === undefined) throw new NotLeaderError("this node does not lead its group");
    this.#pending = { id, index };
    return index;
  }

  /** Takes a committed entry: for the driver, which goes on when it is done. */
  replace(entry: LogEntry): void {
    const { driver } = this.#parts;
    this.#pending = { id: fromUtf8(entry.payload), index: entry.index };
    this.#swap(entry).then(
      () => driver.post(() => {}),
      (error) => {
        // The next start finds entry and content, and goes on.
        if (driver.isClosed) return;
        driver.fail(error instanceof Error ? error : new StorageFatalError(String(error)));
      },
    );
  }

  async #swap({ index, payload }: LogEntry): Promise<void> {
    const { settings, raft, state, log, driver, maintenance } = this.#parts;
    const id = fromUtf8(payload);
    const file = this.#staged.get(id);
    if (file === undefined) throw new CorruptionError(`log entry ${index} names what is not here`);
    const generation = (await stagedGenerations(settings.path, settings.disk)).get(id);
    if (generation === undefined) throw new CorruptionError(`staged-${id} is missing`);
    const old = await maintenance.exclusively(() =>
      driver.whileStill(async () => {
        // A leader's state has come in that is newer.
        if (driver.appliedIndex >= index) return undefined;
        await file.commit([], [], {
          ...file.meta,
          applied: await log.link(index),
          configuration: maintenance.configuration(),
          replacedAt: index,
        });
        await writeCurrent(settings.path, generation, settings.disk);
        const before = state.replaceAll(file);
        raft.replaced(index);
        driver.skipTo(index);
        return before;
      })
    );
    this.#done = id;
    await this.#staged.forget(id);
    await (old ?? file).retire();
    if (old !== undefined) settings.log.info("all content was replaced", { index });
  }
}
