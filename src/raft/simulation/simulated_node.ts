/**
 * A node as `group.ts` makes it, with the real consensus, driver and read gate, on a simulated
 * disk: it starts, takes messages, ticks, reads and writes, and crashes.
 */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import {
  type Configuration,
  decodeConfiguration,
  isVoter,
  voters,
} from "../consensus/configuration.ts";
import type { PlacedConfiguration } from "../consensus/core.ts";
import type { Message } from "../consensus/messages.ts";
import { Raft, type RoleName } from "../consensus/raft.ts";
import { type DrivenLog, Driver } from "../driver.ts";
import { ELECTION_TICKS, HEARTBEAT_TICKS, leaseMsOf } from "../timing.ts";
import { EntryType, type LogEntry, type Position, START } from "../log_entry.ts";
import { Mutex } from "../mutex.ts";
import { ReadGate } from "../read_gate.ts";
import type { Coverage } from "./coverage.ts";
import { type DiskTiming, type Registers, SimulatedDisk } from "./simulated_disk.ts";
import { Process } from "./virtual_time.ts";
import type { World } from "./world.ts";

export const TICK_MS = 80;
/** Rounds of a driver in which no time passes. */
export const TURNS_MAX = 2000;
const DONE = Promise.resolve();
/** After a state could not be sent. */
const SEND_AGAIN_MS = 100;

export interface NodeSurroundings {
  readonly world: World;
  readonly timing: Omit<DiskTiming, "liesMs">;
  /** How fast its clock is; 1 is right. */
  readonly rate: number;
  readonly appendEntriesMax: number;
  readonly send: (message: Message) => void;
  /** Brings a state to a peer; resolves with whether it took it in or has it. */
  readonly sendState: (to: string, term: number, state: Registers) => Promise<boolean>;
}

export class SimulatedNode {
  readonly disk: SimulatedDisk;
  raft: Raft;
  driver: Driver;
  gate: ReadGate;
  process: Process;
  /** States are taken in one after the other, as `Maintenance` has it. */
  #installs = new Mutex();
  #registers: Registers;
  #votesFrom = 0;
  #deafUntil = 0;
  #turns = 0;
  #turnsAt = 0;
  #role: RoleName = "follower";
  /** Whether the last read here went by the lease. */
  #hadLease = false;
  readonly #around: NodeSurroundings;

  constructor(readonly id: string, configuration: Configuration, around: NodeSurroundings) {
    this.#around = around;
    const { plant } = around.world;
    this.disk = new SimulatedDisk(configuration, {
      ...around.timing,
      liesMs: plant?.diskLiesMs ?? 0,
    });
    this.process = new Process(around.world.time, around.rate);
    this.#registers = this.disk.content.state;
    this.raft = this.#makeRaft();
    this.driver = this.#makeDriver();
    this.gate = this.#makeGate();
    this.#begin();
  }

  get isUp(): boolean {
    return this.process.isAlive;
  }

  get role(): RoleName {
    return this.raft.role;
  }

  get term(): number {
    return this.raft.term;
  }

  get configuration(): Configuration {
    return this.raft.configuration;
  }

  get registers(): Registers {
    return this.#registers;
  }

  crash(): void {
    if (!this.isUp) return;
    const { coverage, draw, tell } = this.#around.world;
    this.process.isAlive = false;
    const lost = this.disk.crash(draw);
    coverage.mark("crash");
    if (lost > 0) coverage.mark("unsynced tail lost");
    tell(`${this.id} crashes, ${lost} unsynced writes are lost`);
  }

  restart(): void {
    if (this.isUp) return;
    const { world, rate } = this.#around;
    world.coverage.mark("restart");
    this.process = new Process(world.time, rate);
    this.#installs = new Mutex();
    this.#registers = this.disk.content.state;
    this.raft = this.#makeRaft();
    this.driver = this.#makeDriver();
    this.gate = this.#makeGate();
    world.tell(`${this.id} starts in term ${this.raft.term} with entry ${this.raft.last.index}`);
    this.#begin();
  }

  /** Deaf: whoever wrote meanwhile has given up its connection. */
  pause(ms: number, isDeaf: boolean): void {
    const { world } = this.#around;
    this.#deafUntil = isDeaf ? world.time.now + ms : 0;
    this.process.pausedUntil = world.time.now + ms;
    world.coverage.mark("pause");
    world.tell(`${this.id} stands still for ${ms} ms${isDeaf ? ", deaf" : ""}`);
  }

  receive(message: Message): void {
    const { process, raft, driver } = this;
    if (this.#around.world.time.now < this.#deafUntil) return;
    const { plant, coverage } = this.#around.world;
    const heard = plant?.receive?.(message) ?? message;
    process.run(() => {
      // As in `group.ts`: a promise not to vote that was given before a restart is kept.
      const isPromised = process.monotonic() < this.#votesFrom;
      if (heard.type === "vote" && !heard.transfer && isPromised) return;
      if (this.gate.answers(heard, (messages) => messages.forEach((each) => this.#send(each)))) {
        return coverage.mark("follower's read by the leader's lease");
      }
      driver.post(() => {
        raft.step(heard);
        for (const more of plant?.react?.(heard, raft) ?? []) this.#around.send(more);
      });
    });
  }

  /** Takes in a whole state, as `state_install.ts` does. */
  async receiveState(from: string, term: number, state: Registers): Promise<boolean> {
    const { raft, driver, process } = this;
    const { coverage, tell } = this.#around.world;
    const { at } = state;
    const wanted = await driver.ask(() => {
      raft.step({ type: "snapshot", from, to: this.id, term, at });
      return raft.term === term && raft.wantsSnapshot(at);
    });
    if (!wanted) {
      coverage.mark("snapshot not wanted");
      return false;
    }
    const installed = await this.#installs.run(() =>
      driver.whileStill(async () => {
        if (!raft.wantsSnapshot(at)) return false;
        await this.disk.install(state);
        if (process !== this.process) return false;
        this.#registers = state;
        raft.snapshotInstalled(at, state.configuration);
        driver.skipTo(at.index);
        coverage.mark("snapshot installed");
        tell(`${this.id} takes in the state at ${at.index}`);
        return true;
      })
    );
    driver.post(() => {});
    return installed;
  }

  /** Keeps the state and drops the log before it, but for some entries. */
  flush(trailing: number): void {
    const { coverage, tell } = this.#around.world;
    if (this.#registers.at.index <= this.disk.content.state.at.index) return;
    const base = this.disk.flush(this.#registers, trailing);
    coverage.mark("log compacted");
    tell(`${this.id} compacts its log up to ${base.index}`);
    this.driver.post(() => this.raft.compacted(base));
  }

  /** Resolves with the value once it is proved to be current. */
  async read(key: string): Promise<string> {
    const { coverage } = this.#around.world;
    const proof = this.gate.confirm();
    const isLeader = this.raft.role === "leader";
    if (proof === undefined) {
      this.#hadLease = true;
      coverage.mark("read by lease");
    } else {
      if (isLeader && this.#hadLease) coverage.mark("lease expired");
      this.#hadLease = false;
      await proof;
      coverage.mark(isLeader ? "read proved by leader" : "read proved by follower");
    }
    return this.#registers.values.get(key) ?? "";
  }

  write(key: string, value: string): Promise<void> {
    return this.driver.submit(utf8(`${key}=${value}`));
  }

  /** Hands leadership on, as `Group.handOver` does. */
  handOver(to: string): void {
    const { driver, gate, raft } = this;
    if (!this.isUp || raft.role !== "leader") return;
    this.#around.world.tell(`${this.id} is to hand over to ${to}`);
    driver.post(() => {
      gate.endLease();
      raft.transferTo(to);
    });
  }

  reconfigure(next: Configuration): void {
    this.driver.post(() => {
      if (this.raft.reconfigure(next) === undefined) return;
      const text = next.members.map(({ id, voter }) => voter ? id : `${id}?`);
      this.#around.world.tell(`the membership becomes ${text.join(" ")}`);
    });
  }

  #begin(): void {
    this.#role = "follower";
    this.#hadLease = false;
    this.disk.open(this.process);
    this.#votesFrom = this.process.monotonic() + TICK_MS * ELECTION_TICKS;
    const { process, driver, raft } = this;
    const tick = () => {
      driver.post(() => raft.tick());
      process.after(TICK_MS, tick);
    };
    process.after(TICK_MS, tick);
    driver.post(() => {});
  }

  #makeRaft(): Raft {
    const { hard, base, entries, state, last } = this.disk.content;
    const runs: Position[] = [];
    for (const { index, term } of entries) {
      if (runs.at(-1)?.term !== term) runs.push({ index, term });
    }
    const configurations: PlacedConfiguration[] = [
      { index: state.at.index, configuration: state.configuration },
    ];
    const tail = entries.filter(({ index }) => index > state.at.index);
    for (const { type, index, payload } of tail) {
      if (type !== EntryType.configuration) continue;
      configurations.push({ index, configuration: decodeConfiguration(payload) });
    }
    const { plant, draw } = this.#around.world;
    return new Raft({
      settings: {
        id: this.id,
        electionTicks: ELECTION_TICKS,
        heartbeatTicks: HEARTBEAT_TICKS,
        appendEntriesMax: this.#around.appendEntriesMax,
        inflightMax: 4,
        random: draw,
      },
      hardState: hard,
      log: { base, runs, lastIndex: last.index, tail },
      configurations: plant?.boot?.(configurations) ?? configurations,
      commit: state.at.index,
      windowBytes: 100,
    });
  }

  /** Of a process that died nothing goes on, whatever it was about to do. */
  #makeDriver(): Driver {
    const { process, raft, disk } = this;
    const { world } = this.#around;
    return new Driver({
      nodeId: this.id,
      raft,
      log: this.#watchedLog(process),
      nodeFile: {
        save: (id, hard) => process.isAlive ? disk.nodeFile.save(id, hard) : never(),
      },
      apply: (entries) => {
        if (process.isAlive) this.#apply(entries);
      },
      applied: disk.content.state.at.index,
      turn: () => this.#turn(process),
      backPressure: () => undefined,
      onFatal: (error) => world.fail(error),
      peers: {
        send: (messages) => {
          if (!process.isAlive) return;
          for (const message of messages) this.#send(message);
        },
        reads: (reads) => {
          if (process.isAlive) this.gate.answered(reads);
        },
        changed: () => {
          if (process.isAlive) this.#changed();
        },
        // `onFatal` ends the run: a disk that fails is none of its faults.
        failed: () => {},
      },
    });
  }

  /** At one moment only so often, so that a loop without an end is noticed. */
  #turn(process: Process): Promise<void> {
    const { time, fail } = this.#around.world;
    if (this.#turnsAt !== time.now) this.#turns = 0;
    this.#turnsAt = time.now;
    this.#turns += 1;
    if (process.isAlive && this.#turns <= TURNS_MAX) return DONE;
    if (process.isAlive) fail(new Error(`the driver of ${this.id} goes round and round`));
    return never();
  }

  #watchedLog(process: Process): DrivenLog {
    const { world } = this.#around;
    const { log } = this.disk;
    return {
      get last() {
        return log.last;
      },
      append: (entries) => {
        if (!process.isAlive) return never();
        entries.forEach((entry, i) => world.promises.written(entry, entries[i - 1] ?? log.last));
        return log.append(entries);
      },
      truncate: (index) => {
        if (!process.isAlive) return never();
        world.coverage.mark("conflicting tail truncated");
        world.tell(`${this.id} drops its entries from ${index} on`);
        return log.truncate(index);
      },
      read: (from, to) => {
        world.coverage.mark("old entries fetched");
        return log.read(from, to);
      },
    };
  }

  #makeGate(): ReadGate {
    const gate = new ReadGate(this.raft, this.driver, this.process);
    gate.leaseMs = leaseMsOf(TICK_MS) * (this.#around.world.plant?.leaseFactor ?? 1);
    return gate;
  }

  #send(message: Message): void {
    const { plant, draw, coverage } = this.#around.world;
    if (message.type === "snapshot") return void this.#sendState(message.to);
    if (message.type === "voteReply" && message.pre && !message.granted) {
      coverage.mark("pre-vote refused");
    }
    if (message.type === "vote" && message.transfer) coverage.mark("leadership transferred");
    const sent = plant?.send?.(message, this.raft, draw) ?? [message];
    for (const each of sent) {
      // What a planted fault makes a node hear from itself passes no network.
      if (each.to === this.id) this.receive(each);
      else this.#around.send(each);
    }
  }

  async #sendState(to: string): Promise<void> {
    const { raft, driver, process } = this;
    const state = this.#registers;
    this.flush(0);
    const sent = await this.#around.sendState(to, raft.term, state);
    if (!sent) this.#around.world.coverage.mark("snapshot lost");
    const tell = () => driver.post(() => raft.snapshotSent(to, sent ? state.at : undefined));
    if (sent) process.run(tell);
    else process.after(SEND_AGAIN_MS, tell);
  }

  #apply(entries: readonly LogEntry[]): void {
    const { promises, coverage } = this.#around.world;
    let { digest, configuration } = this.#registers;
    const values = new Map(this.#registers.values);
    let at: Position = START;
    for (const entry of entries) {
      const { index, term, type, payload } = entry;
      const text = fromUtf8(payload);
      at = { index, term };
      digest = digestOf(digest, `${index} ${term} ${text}`);
      if (type === EntryType.configuration) {
        const next = decodeConfiguration(payload);
        markChange(coverage, configuration, next);
        const isOut = !next.members.some(({ id }) => id === this.id);
        if (isOut && this.#role === "leader") coverage.mark("leader removed itself");
        configuration = next;
      }
      const [key = "", value = ""] = text.split("=");
      if (type === EntryType.changes) values.set(key, value);
      promises.applied(entry, digest, this.raft.term);
    }
    this.#registers = { at, values, digest, configuration };
  }

  #changed(): void {
    const { world } = this.#around;
    const { raft, driver, gate } = this;
    gate.applied(driver.appliedIndex);
    gate.leaderIs(raft.leader);
    if (raft.role !== this.#role) {
      if (raft.role === "leader") world.coverage.mark("election won");
      if (this.#role === "leader") world.coverage.mark("leader steps down");
      world.tell(`${this.id} is ${raft.role} in term ${raft.term}, last ${raft.last.index}`);
      this.#role = raft.role;
    }
    world.promises.check(this);
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function markChange(coverage: Coverage, before: Configuration, after: Configuration): void {
  coverage.mark("membership changed");
  const isLearner = before.members.some(({ id, voter }) => !voter && isVoter(after, id));
  if (isLearner) coverage.mark("learner promoted");
  if (voters(before).some((id) => !isVoter(after, id))) coverage.mark("voter removed");
}

/** FNV-1a over the text, begun from what came before. */
function digestOf(before: number, text: string): number {
  let digest = before ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    digest = Math.imul(digest ^ text.charCodeAt(i), 0x01000193);
  }
  return digest >>> 0;
}
