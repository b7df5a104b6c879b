/**
 * A node with everything below the server: `openRaftStorage` as it is, on a disk that is made up, as
 * a member of a group whose transport is the simulated network.
 */
import { fromUtf8, toHex, utf8 } from "../../base/bytes.ts";

import { describeError } from "../../base/failure.ts";
import { silentLogger } from "../../base/log.ts";
import type { Configuration } from "../consensus/configuration.ts";
import type { Message } from "../consensus/messages.ts";
import type { RoleName } from "../consensus/raft.ts";
import { CorruptionError, StorageError, StorageFatalError, StorageFullError } from "../errors.ts";
import type { Change } from "../keys.ts";
import { openRaftStorage } from "../open.ts";
import type { RaftStorage } from "../raft_storage.ts";
import type { StoredEntry } from "../state.ts";
import type { StateHead } from "../transport.ts";
import type { Victim } from "./nemesis.ts";
import { processDisk } from "./process_disk.ts";
import type { Turns } from "./quiet.ts";
import { type DiskPlant, SimulatedFiles } from "./simulated_files.ts";
import type { StoredPromises } from "./stored_promises.ts";
import { TICK_MS, TURNS_MAX } from "./simulated_node.ts";
import { Process } from "./virtual_time.ts";
import type { Memberships } from "./wiping.ts";
import type { Surroundings } from "./world.ts";

/** Between the end of a process and the attempt to start it again. */
const START_AGAIN_MS = 700;

/** What runs on a node over its storage: begun with each process, and gone with it. */
export type StoredProgram = (node: StoredNode, storage: RaftStorage) => void;

/** How much is kept where, in bytes. */
export interface StoreSizes {
  readonly flushBytes: number;
  readonly unflushedBytesMax: number;
  readonly segmentBytes: number;
  readonly logBytesMax: number;
  readonly cacheBytes: number;
}

const SMALL: StoreSizes = {
  flushBytes: 6000,
  unflushedBytesMax: 20_000,
  segmentBytes: 3000,
  logBytesMax: 8000,
  cacheBytes: 4000,
};

export interface StoredSurroundings {
  readonly world: Surroundings;
  readonly promises: StoredPromises;
  readonly plant: DiskPlant | undefined;
  readonly turns: Turns;
  readonly rate: number;
  readonly syncMs: () => number;
  readonly readMs: () => number;
  readonly waste: number;
  readonly trailingEntries: number;
  /** Any change is as good as another where absent. */
  readonly memberships?: Memberships;
  readonly sizes?: StoreSizes;
  readonly program?: StoredProgram;
  readonly send: (message: Message) => void;
  /** Brings a state to a peer; resolves with whether it took it in or has it. */
  readonly sendState: (
    to: string,
    head: StateHead,
    entries: readonly StoredEntry[],
  ) => Promise<boolean>;
}

export class StoredNode implements Victim {
  files = new SimulatedFiles();
  process: Process;
  /** Undefined while the process starts, and where it can't. */
  storage: RaftStorage | undefined;
  #deafUntil = 0;
  #role: RoleName = "follower";
  #flushes = 0;
  #turns = 0;
  #turnsAt = 0;
  #rewrites = 0;
  readonly #around: StoredSurroundings;

  constructor(readonly id: string, around: StoredSurroundings) {
    this.#around = around;
    this.process = new Process(around.world.time, around.rate);
    void this.#start(this.process);
  }

  get isUp(): boolean {
    return this.process.isAlive && this.storage !== undefined;
  }

  get role(): RoleName {
    return this.storage?.group.leader === this.id ? "leader" : "follower";
  }

  get term(): number {
    return this.storage?.term ?? 0;
  }

  /** Whether it leads, and has all that was ever committed. */
  get isActive(): boolean {
    return this.isUp && this.storage?.group.isActive === true;
  }

  get isReconfiguring(): boolean {
    return this.storage?.isReconfiguring ?? false;
  }

  get configuration(): Configuration {
    return this.storage?.configuration() ?? { members: [] };
  }

  crash(isPowerCut = this.#around.world.draw(2) === 0): void {
    if (!this.process.isAlive) return;
    const { coverage, draw, tell, time } = this.#around.world;
    this.process.isAlive = false;
    this.storage = undefined;
    const { lost, unsynced } = this.files.crash(draw, isPowerCut, time.now);
    coverage.mark("crash");
    if (isPowerCut) coverage.mark("power cut");
    if (lost > 0) coverage.mark("commit under way lost");
    if (unsynced > 0) coverage.mark("unsynced notes and removals lost");
    tell(`${this.id} ${isPowerCut ? "loses its power" : "crashes"}, ${lost} and ${unsynced} lost`);
  }

  /** Its process ends, and nothing is left of its files. */
  wipe(): void {
    this.crash(false);
    this.files = new SimulatedFiles();
    this.#around.promises.wiped(this.id);
  }

  restart(): void {
    if (this.process.isAlive) return;
    const { world, rate } = this.#around;
    world.coverage.mark("restart");
    this.process = new Process(world.time, rate);
    void this.#start(this.process);
  }

  pause(ms: number, isDeaf: boolean): void {
    const { world } = this.#around;
    this.#deafUntil = isDeaf ? world.time.now + ms : 0;
    this.process.pausedUntil = world.time.now + ms;
    world.coverage.mark("pause");
    world.tell(`${this.id} stands still for ${ms} ms${isDeaf ? ", deaf" : ""}`);
  }

  receive(message: Message): void {
    if (this.#around.world.time.now < this.#deafUntil) return;
    const { storage, process } = this;
    process.run(() => storage?.group.receive(message));
  }

  async receiveState(head: StateHead, entries: readonly StoredEntry[]): Promise<boolean> {
    const { storage, files } = this;
    const { coverage, tell } = this.#around.world;
    if (storage === undefined) return false;
    const taken = await storage.group.receiveState(head, each(entries));
    if (taken && head.staged === undefined) {
      coverage.mark("state taken in");
      tell(`${this.id} takes in the state at ${head.at.index}`);
    }
    return taken && !files.isDamaged;
  }

  /** Flushes and compacts, and compares what the state is with that of others. */
  flush(): void {
    const { process, storage } = this;
    const { tell } = this.#around.world;
    if (storage === undefined) return;
    tell(`${this.id} compacts`);
    process.run(() => {
      storage.compact().then(() => this.compare()).catch((error) => this.refused(error));
    });
  }

  /** Notes the hash of the state at its index. */
  async compare(): Promise<void> {
    const { storage } = this;
    if (storage === undefined || this.files.isDamaged) return;
    const { index, hash } = await storage.stateHash();
    if (!this.files.isDamaged) this.#around.promises.state(this.id, index, toHex(hash));
  }

  handOver(): void {
    const { storage, role, process } = this;
    const { coverage, tell } = this.#around.world;
    if (storage === undefined || role !== "leader") return;
    tell(`${this.id} is to hand over`);
    process.run(() => {
      storage.group.handOver().then((isGone) => {
        if (isGone) coverage.mark("leadership transferred");
      }, (error) => this.refused(error));
    });
  }

  /** Adds or removes the node by which the membership differs; learners are promoted by the group. */
  reconfigure(next: Configuration): void {
    const { storage, configuration, process } = this;
    const { world: { coverage, tell }, memberships } = this.#around;
    if (storage === undefined || memberships?.allows(next) === false) return;
    const has = ({ members }: Configuration, id: string) => members.some((one) => one.id === id);
    const added = next.members.find(({ id }) => !has(configuration, id));
    const removed = configuration.members.find(({ id }) => !has(next, id));
    const change = (of: string, ask: () => Promise<unknown>) => {
      memberships?.asks(process);
      process.run(() => {
        ask().then(() => {
          coverage.mark("membership changed");
          memberships?.changed(of, next);
        }, (error) => this.refused(error)).finally(() => memberships?.answered(process));
      });
    };
    if (added !== undefined) {
      tell(`${added.id} is to join`);
      change(added.id, () => storage.group.add({ id: added.id, address: "" }));
    } else if (removed !== undefined && removed.id !== this.id) {
      tell(`${removed.id} is to leave`);
      change(removed.id, () => storage.group.remove(removed.id));
    }
  }

  /** The values of some keys as of one moment that is proved to be current. */
  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    const { storage } = this;
    if (storage === undefined) throw new StorageError("the node is not up");
    await storage.group.confirm();
    this.#around.world.coverage.mark("read proved");
    const values = await Promise.all(keys.map((key) => storage.get(key)));
    return values.map((value) => value === undefined ? undefined : fromUtf8(value));
  }

  write(changes: readonly { readonly key: string; readonly value: string | null }[]) {
    if (this.storage === undefined) return Promise.reject(new StorageError("the node is not up"));
    return this.storage.write(changes.map(({ key, value }): Change => {
      return { key, value: value === null ? null : utf8(value) };
    }));
  }

  /** What a client or a strike was refused with: only what may happen does. */
  refused(error: unknown): void {
    const { world } = this.#around;
    if (error instanceof CorruptionError) {
      if (!this.files.isDamaged) world.fail(error);
      else world.coverage.mark("damage found later");
    } else if (!(error instanceof StorageError)) {
      world.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #start(process: Process): Promise<void> {
    const { world } = this.#around;
    try {
      const storage = await this.#open(process);
      if (!process.isAlive) return;
      this.storage = storage;
      this.files.started();
      this.#flushes = this.#rewrites = 0;
      this.#role = "follower";
      world.tell(`${this.id} starts in term ${storage.term} with commit ${storage.commitIndex}`);
      storage.onDamage((error) => {
        if (process.isAlive) this.refused(error);
      });
      storage.group.onChange(() => {
        if (process.isAlive) this.#changed(storage);
      });
      storage.group.start({
        send: (message) => {
          if (process.isAlive) this.#around.send(message);
        },
        sendState: async (to, head, entries) => {
          const all = await Array.fromAsync(entries);
          world.coverage.mark("state sent");
          return await this.#around.sendState(to, head, all);
        },
        setPeers: () => {},
      }, TICK_MS);
      this.#around.program?.(this, storage);
    } catch (error) {
      if (process.isAlive) this.#ended(error);
    }
  }

  #open(process: Process): Promise<RaftStorage> {
    const { world, syncMs, readMs, plant, waste, trailingEntries, turns } = this.#around;
    const { draw } = world;
    return openRaftStorage({
      path: `/${this.id}`,
      nodeId: this.id,
      clock: process,
      random: {
        bytes: (length) => Uint8Array.from({ length }, () => draw(256)),
        uuid: () => `00000000-0000-4000-8000-${String(draw(1e9)).padStart(12, "0")}`,
      },
      log: {
        ...silentLogger,
        error: (message) => {
          if (message.includes("fetched anew")) world.coverage.mark("state begun anew");
          world.tell(`${this.id}: ${message}`);
        },
        warn: (message, fields) => world.tell(`${this.id}: ${message} ${fields?.error ?? ""}`),
      },
      onFatal: (error) => {
        if (process.isAlive) this.#ended(error);
      },
      disk: processDisk({
        files: this.files,
        process,
        draw,
        syncMs,
        readMs,
        plant,
        removed: (path) => {
          if (path.includes("/log-")) world.coverage.mark("log segment dropped");
        },
        waste,
        crash: () => {
          world.coverage.mark("crash in an operation of the disk");
          this.crash();
          this.#startAgain();
        },
      }),
      turn: () => this.#turn(process),
      readTurn: () => turns.next(),
      bootstrap: false,
      repair: true,
      flushAgeMs: 700,
      logAgeMaxMs: 5000,
      ...(this.#around.sizes ?? SMALL),
      trailingEntries,
    });
  }

  /** Lets others run; at one moment only so often, so that a loop without an end is noticed. */
  #turn(process: Process): Promise<void> {
    const { time, fail } = this.#around.world;
    if (this.#turnsAt !== time.now) this.#turns = 0;
    this.#turnsAt = time.now;
    this.#turns += 1;
    if (process.isAlive && this.#turns <= TURNS_MAX) return Promise.resolve();
    if (process.isAlive) fail(new Error(`the driver of ${this.id} goes round and round`));
    return new Promise(() => {});
  }

  /** The process ends, or did not start. */
  #ended(error: unknown): void {
    const { coverage, tell, fail } = this.#around.world;
    const { files } = this;
    tell(`${this.id} ends: ${describeError(error)}`);
    const isStarting = this.storage === undefined;
    if (error instanceof CorruptionError && files.isDamaged) {
      coverage.mark(isStarting ? "damage found at start" : "damage found later");
    } else if (error instanceof StorageFullError) coverage.mark("node ends on a full disk");
    else if (error instanceof StorageFatalError) coverage.mark("node ends on a failing disk");
    else fail(error instanceof Error ? error : new Error(String(error)));
    this.crash(false);
    this.#startAgain();
  }

  #startAgain(): void {
    this.#around.world.time.after(START_AGAIN_MS, () => this.restart());
  }

  #changed(storage: RaftStorage): void {
    const { world, promises, memberships } = this.#around;
    const { group, term, commitIndex } = storage;
    const { process, id } = this;
    memberships?.seen(this);
    const seen = { term, commitIndex, leader: group.leader };
    // Where its disk has just failed, what it holds in memory counts for nothing.
    Promise.resolve().then(() => {
      if (process.isAlive) promises.seen(process, id, seen);
    }).catch(world.fail);
    const { role } = this;
    if (role === this.#role) return;
    if (role === "leader") world.coverage.mark("election won");
    world.tell(`${this.id} is ${role} in term ${term}, commit ${commitIndex}`);
    this.#role = role;
  }

  /** Marks what maintenance has done since it was last asked. */
  async look(): Promise<void> {
    const { storage } = this;
    const { coverage } = this.#around.world;
    if (storage === undefined) return;
    const { flushes, rewrites } = await storage.stats();
    if (flushes > this.#flushes) coverage.mark("state flushed");
    if (rewrites > this.#rewrites) coverage.mark("state rewritten");
    this.#flushes = flushes;
    this.#rewrites = rewrites;
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}
