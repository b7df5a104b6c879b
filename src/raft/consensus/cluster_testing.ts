/**
 * A cluster in memory for tests: the state machines, their disks, and a network in which a test
 * decides what is delivered. What consensus promises is checked after every step.
 */
import { strict as assert } from "node:assert";
import { EntryType, type LogEntry, type Position, START } from "../log_entry.ts";
import type { Configuration } from "./configuration.ts";
import { isUpToDate, type PlacedConfiguration } from "./core.ts";
import { decodeConfiguration } from "./configuration.ts";
import type { HardState, Message, ReadState } from "./messages.ts";
import { Raft } from "./raft.ts";

type Draw = (bound: number) => number;

/** What a node has on disk, and, as a shadow, what it has applied. */
class Disk {
  hard: HardState = { term: 0, vote: "" };
  /** How far a log went that was given up. */
  floor: Position | undefined;
  base: Position = START;
  entries: LogEntry[] = [];
  configurations: PlacedConfiguration[];
  readonly initial: PlacedConfiguration;

  constructor(configuration: Configuration) {
    this.initial = { index: 0, configuration };
    this.configurations = [this.initial];
  }

  get last(): Position {
    return this.entries.at(-1) ?? this.base;
  }

  slice(from: number, to: number): LogEntry[] {
    return this.entries.filter(({ index }) => index >= from && index <= to);
  }

  truncate(index: number): void {
    this.entries = this.entries.filter((entry) => entry.index < index);
    this.configurations = this.configurations.filter((c) => c.index < index || c.index === 0);
  }

  append(entry: LogEntry): void {
    assert.equal(entry.index, this.last.index + 1);
    this.entries.push(entry);
    if (entry.type !== EntryType.configuration) return;
    const configuration = decodeConfiguration(entry.payload);
    this.configurations.push({ index: entry.index, configuration });
  }
}

export class Member {
  raft: Raft;
  readonly disk: Disk;
  applied = 0;
  reads: ReadState[] = [];
  isUp = true;

  constructor(readonly id: string, configuration: Configuration, readonly draw: Draw) {
    this.disk = new Disk(configuration);
    this.raft = this.boot();
  }

  /** The state machine as a restart makes it, from what is on disk. */
  boot(): Raft {
    const { base, entries, last, hard, configurations, floor } = this.disk;
    const runs: Position[] = [];
    for (const { index, term } of entries) {
      if (runs.at(-1)?.term !== term) runs.push({ index, term });
    }
    const keep = configurations.findLastIndex(({ index }) => index <= base.index);
    return new Raft({
      settings: {
        id: this.id,
        electionTicks: 10,
        heartbeatTicks: 2,
        appendEntriesMax: 3,
        inflightMax: 4,
        random: this.draw,
        ...(floor === undefined ? {} : { floor }),
      },
      hardState: hard,
      log: { base, runs, lastIndex: last.index, tail: [] },
      configurations: configurations.slice(Math.max(0, keep)),
      commit: base.index,
      windowBytes: 20,
    });
  }
}

export class Cluster {
  readonly members = new Map<string, Member>();
  network: Message[] = [];
  /** What each committed index holds, whoever applied it first. */
  readonly committed: LogEntry[] = [];
  readonly #leaders = new Map<number, string>();
  readonly #draw: Draw;

  constructor(ids: readonly string[], draw: Draw, learners: readonly string[] = []) {
    this.#draw = draw;
    const configuration = {
      members: ids.map((id) => ({ id, address: "", voter: !learners.includes(id) })),
    };
    for (const id of ids) this.members.set(id, new Member(id, configuration, draw));
  }

  get(id: string): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  /** A node that is not yet in anybody's configuration. */
  join(id: string): void {
    this.members.set(id, new Member(id, { members: [] }, this.#draw));
  }

  /** Does what a node's `ready` says. With `dieAfter` it crashes after so many of the writes. */
  work(id: string, dieAfter = Infinity): void {
    const member = this.get(id);
    let writes = 0;
    const dies = () => {
      if (writes++ < dieAfter) return false;
      this.crash(id);
      return true;
    };
    for (let round = 0; round < 100 && member.isUp; round++) {
      const ready = member.raft.ready();
      if (ready.hardState !== undefined) {
        if (dies()) return;
        member.disk.hard = ready.hardState;
      }
      this.network.push(...ready.early);
      if (ready.truncateFrom !== undefined) {
        if (dies()) return;
        member.disk.truncate(ready.truncateFrom);
      }
      for (const entry of ready.entries) {
        if (dies()) return;
        member.disk.append(entry);
      }
      if (ready.entries.length > 0) member.raft.persisted(member.disk.last);
      this.network.push(...ready.messages);
      member.reads.push(...ready.reads);
      for (const { peer, from, to } of ready.fetches) {
        member.raft.fetched(peer, member.disk.slice(from, to));
      }
      this.#apply(member);
      const isIdle = ready.early.length + ready.messages.length + ready.entries.length +
              ready.fetches.length === 0 && ready.hardState === undefined;
      if (isIdle) break;
    }
    this.check(member);
  }

  crash(id: string): void {
    this.get(id).isUp = false;
  }

  restart(id: string): void {
    const member = this.get(id);
    member.raft = member.boot();
    member.applied = member.disk.base.index;
    member.isUp = true;
    this.work(id);
  }

  /** Log and state of a node that is down are given up, as a repair does; term and vote stay. */
  forget(id: string): void {
    const { disk } = this.get(id);
    disk.floor = isUpToDate(disk.last, disk.floor ?? START) ? disk.last : disk.floor;
    disk.base = START;
    disk.entries = [];
    disk.configurations = [disk.initial];
  }

  /** Whether a node has not got back what it has forgotten. */
  lacks({ disk }: Member): boolean {
    return disk.floor !== undefined && !isUpToDate(disk.last, disk.floor);
  }

  /** Hands one message over, if its receiver is up. */
  deliver(message: Message, dieAfter = Infinity): void {
    const member = this.members.get(message.to);
    if (member === undefined || !member.isUp) return this.lose(message);
    member.raft.step(message);
    if (message.type === "snapshot") this.#install(message);
    this.work(message.to, dieAfter);
  }

  /** A message that does not arrive. Whoever sends a state hears of it, as over a connection. */
  lose(message: Message): void {
    const sender = this.members.get(message.from);
    if (message.type !== "snapshot" || sender === undefined || !sender.isUp) return;
    sender.raft.snapshotSent(message.to, undefined);
    this.work(sender.id);
  }

  tick(id: string): void {
    const member = this.get(id);
    if (!member.isUp) return;
    member.raft.tick();
    this.work(id);
  }

  /** Drops the log up to what is applied, as a flush and compaction do. */
  compact(id: string): void {
    const { disk, raft, applied } = this.get(id);
    const at = disk.entries.find(({ index }) => index === applied);
    if (at === undefined) return;
    disk.base = { index: at.index, term: at.term };
    disk.entries = disk.entries.filter(({ index }) => index > at.index);
    raft.compacted(disk.base);
  }

  leaders(): string[] {
    const up = [...this.members.values()].filter((member) => member.isUp);
    return up.filter(({ raft }) => raft.role === "leader").map(({ id }) => id);
  }

  /** The promises of Raft's figure 3, as far as one member's state shows them. */
  check({ id, raft, isUp, disk }: Member): void {
    if (!isUp) return;
    if (raft.role === "leader") {
      const other = this.#leaders.get(raft.term);
      assert.ok(other === undefined || other === id, `two leaders in term ${raft.term}`);
      this.#leaders.set(raft.term, id);
      // Leader completeness: what was ever committed is in the log of every later leader.
      const last = this.committed.at(-1);
      if (last !== undefined && raft.term > last.term) assert.ok(raft.last.index >= last.index);
    }
    for (const { index, term } of disk.entries) {
      if (index > raft.commitIndex) break;
      const known = this.committed[index - 1];
      if (known !== undefined) assert.equal(term, known.term, `log matching at ${index}`);
    }
  }

  #apply(member: Member): void {
    const { raft, disk } = member;
    while (member.applied < raft.commitIndex) {
      const index = member.applied + 1;
      const entry = disk.entries.find((each) => each.index === index);
      if (entry === undefined) return;
      const known = this.committed[index - 1];
      if (known === undefined) this.committed[index - 1] = entry;
      else assert.deepEqual(entry, known, `state machine safety at ${index}`);
      member.applied = index;
    }
    raft.applied(member.applied);
  }

  /** The driver's part of a snapshot: the state as of the leader's base goes over. */
  #install(message: Message & { type: "snapshot" }): void {
    const leader = this.get(message.from), member = this.get(message.to);
    const { at } = message;
    // A transfer always has an end that the leader learns of, wanted or not.
    if (member.raft.term > message.term || !member.raft.wantsSnapshot(at)) {
      return this.lose(message);
    }
    const placed = leader.disk.configurations.findLast(({ index }) => index <= at.index);
    if (placed === undefined) throw new Error("no configuration");
    member.disk.base = at;
    member.disk.entries = [];
    member.disk.configurations = [{ ...placed }];
    member.applied = at.index;
    member.raft.snapshotInstalled(at, placed.configuration);
    leader.raft.snapshotSent(message.to, at);
    this.work(leader.id);
  }
}
