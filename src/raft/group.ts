/**
 * The node as a member of its group: time, messages, membership, leadership. A group of one needs
 * none of it; it leads from the moment it is opened.
 */
import { ELECTION_TICKS, leaseMsOf } from "./timing.ts";
import { describeError } from "../base/failure.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Cancel } from "../base/clock.ts";
import {
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
  type Member,
} from "./consensus/configuration.ts";
import type { Message, NodeId } from "./consensus/messages.ts";
import type { Raft } from "./consensus/raft.ts";
import type { Driver, DriverPeers } from "./driver.ts";
import { NotLeaderError, StorageError } from "./errors.ts";
import { Learners } from "./learners.ts";
import type { LogDisk } from "./log_disk.ts";
import type { Maintenance } from "./maintenance.ts";
import { ReadGate } from "./read_gate.ts";
import type { State, StoredEntry } from "./state.ts";
import type { Replacement } from "./replacement.ts";
import { installState } from "./state_install.ts";
import { Staging } from "./staging.ts";
import type { Settings } from "./store_options.ts";
import type { StateHead, Transport } from "./transport.ts";

export interface GroupParts {
  readonly nodeId: NodeId;
  readonly settings: Settings;
  readonly raft: Raft;
  readonly driver: Driver;
  readonly log: LogDisk;
  readonly state: State;
  readonly maintenance: Maintenance;
  readonly replacement: Replacement;
  /** Takes over the membership that came with a state. */
  readonly setConfiguration: (text: string) => void;
}

/** Ticks that are caught up with after a pause. */
const TICKS_AT_ONCE = 3;

export class Group {
  readonly #parts: GroupParts;
  readonly #gate: ReadGate;
  readonly #listeners = new Set<() => void>();
  #transport: Transport | undefined;
  #cancelTick: Cancel = () => {};
  #tickMs = 0;
  /** Whoever may have promised its vote's absence before a restart has kept the promise by then. */
  #votesFrom = 0;
  #peersText = "";
  /** The membership as it was looked at last; none is ever altered. */
  #peers: Configuration | undefined;
  #mustAffirm = false;
  #lastTick = 0;
  /** When each peer last said something, milliseconds of the monotonic clock. */
  readonly #heardAt = new Map<NodeId, number>();
  readonly learners = new Learners();
  /** How other content gets into the place of everything. */
  readonly staging: Staging;

  constructor(parts: GroupParts) {
    this.#parts = parts;
    this.staging = new Staging({
      ...parts,
      transport: () => this.#transport,
      isActive: () => this.isActive,
      appliedIndex: () => this.appliedIndex,
      until: (condition) => this.#until(condition),
    });
    this.#gate = new ReadGate(parts.raft, parts.driver, parts.settings.clock);
  }

  get nodeId(): NodeId {
    return this.#parts.nodeId;
  }

  get term(): number {
    return this.#parts.raft.term;
  }

  get leader(): NodeId | undefined {
    return this.#parts.raft.leader;
  }

  get configuration(): Configuration {
    return this.#parts.raft.configuration;
  }

  get appliedIndex(): number {
    return this.#parts.driver.appliedIndex;
  }

  get commitIndex(): number {
    return this.#parts.raft.commitIndex;
  }

  /** Whether there is a group that this node belongs to, or belonged to when it last heard. */
  get isMember(): boolean {
    return this.configuration.members.length > 0;
  }

  /** Whether this node leads and has everything applied that was ever committed. */
  get isActive(): boolean {
    const from = this.#parts.raft.leadingFrom;
    return from !== undefined && this.appliedIndex >= from;
  }

  get isRunning(): boolean {
    return this.#transport !== undefined;
  }

  /** For the driver. */
  readonly peers: DriverPeers = {
    send: (messages) => {
      for (const message of messages) {
        if (message.type === "snapshot") void this.#sendState(message.to, message.term);
        else this.#transport?.send(message);
      }
    },
    reads: (reads) => this.#gate.answered(reads),
    changed: () => this.#changed(),
    failed: () => this.#leave(),
  };

  /** Makes a group of one of a node that belongs to none, and leads it. */
  async bootstrap(address: string): Promise<void> {
    const { nodeId, raft, driver, maintenance, setConfiguration, state } = this.#parts;
    const configuration: Configuration = {
      members: [{ id: nodeId, address, voter: true }],
    };
    const text = fromUtf8(encodeConfiguration(configuration));
    await maintenance.exclusively(() =>
      driver.whileStill(async () => {
        if (this.isMember) throw new StorageError("the node belongs to a group already");
        if (raft.mustRejoin) throw new StorageError("the node must join its group again");
        await state.file.commit([], [], { ...state.file.meta, configuration: text });
        setConfiguration(text);
        raft.bootstrap(configuration);
        raft.campaign();
      })
    );
    await this.#until(() => this.isActive);
  }

  /** Takes part: time passes and messages flow. `tickMs` is the tenth of an election timeout. */
  start(transport: Transport, tickMs: number): void {
    if (this.#transport !== undefined) throw new Error("the group runs already");
    const { clock } = this.#parts.settings;
    this.#transport = transport;
    this.#tickMs = tickMs;
    this.#gate.leaseMs = leaseMsOf(tickMs);
    this.#votesFrom = clock.monotonic() + tickMs * ELECTION_TICKS;
    this.#lastTick = clock.monotonic();
    this.#peersText = "";
    this.#peers = undefined;
    this.#changed();
    this.#scheduleTick();
  }

  /** Takes part no more; a leader has handed over before, or leaves its group without one. */
  async stop(): Promise<void> {
    if (this.#transport === undefined) return;
    this.#cancelTick();
    this.#transport = undefined;
    const { raft, driver } = this.#parts;
    if (this.configuration.members.length > 1) await driver.ask(() => raft.resign());
  }

  /** A message of a peer. */
  receive(message: Message): void {
    const { driver, raft, settings } = this.#parts;
    if (this.#transport === undefined) return;
    const now = settings.clock.monotonic();
    this.#heardAt.set(message.from, now);
    // A promise not to vote that was given before a restart is kept (see the lease of reads).
    if (message.type === "vote" && !message.transfer && now < this.#votesFrom) return;
    if (this.#gate.answers(message, this.peers.send)) return;
    driver.post(() => raft.step(message));
  }

  /** A whole state of a leader. Resolves with whether it was taken in, or nothing of it lacked. */
  async receiveState(head: StateHead, entries: AsyncIterable<StoredEntry>): Promise<boolean> {
    const { raft, driver, nodeId } = this.#parts;
    const { from, term, at, staged } = head;
    if (staged !== undefined) {
      // What a leader of before still sends would take the place of what this one's has sent.
      if (term < raft.term) return false;
      await this.#parts.replacement.stage(staged, entries, { expected: head.hash });
      return true;
    }
    const wanted = await driver.ask(() => {
      raft.step({ type: "snapshot", from, to: nodeId, term, at });
      return raft.term === term && raft.wantsSnapshot(at);
    });
    if (!wanted) return false;
    const installed = await installState(this.#parts, head, entries);
    driver.post(() => {});
    if (installed) await this.#parts.replacement.installed();
    return installed;
  }

  /** Undefined where what is applied here may be read; else resolves once it may. */
  confirm(): Promise<void> | undefined {
    return this.#gate.confirm();
  }

  /** As `confirm`, where what was proved to be current at most so long ago is good enough. */
  confirmWithin(maxAgeMs: number): Promise<void> | undefined {
    return this.#gate.confirmWithin(maxAgeMs);
  }

  /** As `confirm`, and rejects with `NotLeaderError` where this node does not lead. */
  confirmLeading(): Promise<void> | undefined {
    return this.#gate.confirmLeading();
  }

  /** Called whenever leader, membership or what is applied may have changed. */
  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whoever leads next puts the membership into the log, as it was taken from elsewhere. */
  affirm(): void {
    this.#mustAffirm = true;
  }

  /** Adds a node, or takes up its new address. Throws `NotLeaderError`. */
  async add(member: Omit<Member, "voter">): Promise<void> {
    await this.#change((members) => {
      const known = members.find(({ id }) => id === member.id);
      if (known === undefined) return [...members, { ...member, voter: false }];
      if (known.address === member.address) return members;
      const moved = { ...known, address: member.address };
      return members.map((each) => each === known ? moved : each);
    });
  }

  /** Removes a node. Returns whether it was there. */
  async remove(id: NodeId): Promise<boolean> {
    if (!this.#has(id)) return false;
    await this.#change((members) => members.filter((member) => member.id !== id));
    return true;
  }

  /** Makes a voter a learner. Throws `NotLeaderError`; a leader does not demote itself. */
  async demote(id: NodeId): Promise<void> {
    await this.#change((members) =>
      members.some((member) => member.id === id && member.voter && id !== this.nodeId)
        ? members.map((each) => each.id === id ? { ...each, voter: false } : each)
        : members
    );
  }

  /**
   * Hands leadership to the voter that has most of the log, of those that `suits`; resolves with
   * whether it went.
   */
  async handOver(suits: (id: NodeId) => boolean = () => true): Promise<boolean> {
    const { raft, driver } = this.#parts;
    const term = raft.term;
    const begun = await driver.ask(() => {
      const best = this.#successor(suits);
      this.#gate.endLease();
      return best !== undefined && raft.transferTo(best);
    });
    if (!begun) return false;
    const { clock } = this.#parts.settings;
    const deadline = clock.monotonic() + this.#tickMs * ELECTION_TICKS;
    const isGone = () => raft.role !== "leader" || raft.term !== term;
    await this.#until(() => isGone() || clock.monotonic() > deadline);
    return isGone();
  }

  /** As `handOver`, to a voter that has all that is committed; of `lacking` nobody knows that. */
  async handOverWhole(lacking: NodeId): Promise<boolean> {
    const suits = (id: NodeId) => id !== lacking && (this.matchOf(id) ?? 0) >= this.commitIndex;
    return this.#successor(suits) !== undefined && await this.handOver(suits);
  }

  /** The voter that has most of the log, of those that `suits`. */
  #successor(suits: (id: NodeId) => boolean = () => true): NodeId | undefined {
    const { raft } = this.#parts;
    const [best] = this.configuration.members
      .filter((member) => member.voter && member.id !== this.nodeId && suits(member.id))
      .map(({ id }) => ({ id, match: raft.matchOf(id) ?? 0 }))
      .sort((a, b) => b.match - a.match);
    return best?.id;
  }

  /**
   * The disk has failed: a leader stops to be one at once and asks a voter to stand, whether it
   * has the whole log or not. Whoever wins an election has all that was committed.
   */
  #leave(): void {
    const { raft } = this.#parts;
    const to = raft.role === "leader" ? this.#successor() : undefined;
    this.#gate.endLease();
    if (to !== undefined) {
      this.#transport?.send({ type: "timeoutNow", from: this.nodeId, to, term: raft.term });
    }
    if (this.configuration.members.length > 1) raft.resign();
    this.#changed();
  }

  /** Up to where each peer has the log; only a leader knows. */
  matchOf(id: NodeId): number | undefined {
    return this.#parts.raft.matchOf(id);
  }

  /** When the peer was last heard of, milliseconds of the monotonic clock. */
  heardAt(id: NodeId): number | undefined {
    return this.#heardAt.get(id);
  }

  #has(id: NodeId): boolean {
    return this.configuration.members.some((member) => member.id === id);
  }

  /** Changes the membership, after one that is under way. Resolves when it is committed. */
  async #change(alter: (members: readonly Member[]) => readonly Member[]): Promise<void> {
    const { raft, driver, settings } = this.#parts;
    const deadline = settings.clock.monotonic() + 10_000;
    for (;;) {
      if (raft.role !== "leader") throw new NotLeaderError("this node does not lead its group");
      const index = await driver.ask(() => {
        const members = alter(this.configuration.members);
        if (members === this.configuration.members) return "same";
        return raft.reconfigure({ members });
      });
      if (index === "same") return;
      if (index !== undefined) return await this.#untilCommitted(index);
      if (settings.clock.monotonic() > deadline) {
        throw new StorageError("another change of the membership is under way");
      }
      await this.#pause(20);
    }
  }

  async #untilCommitted(index: number): Promise<void> {
    const { raft } = this.#parts;
    const term = raft.term;
    await this.#until(() => this.commitIndex >= index || raft.term !== term);
    if (raft.term !== term) throw new NotLeaderError("leadership was lost during the change");
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#parts.settings.clock.after(ms, resolve));
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { failure } = this.#parts.driver;
      if (failure !== undefined) throw failure;
      await this.#changeOrPause();
    }
  }

  /** Time passes, or something happens. */
  async #changeOrPause(): Promise<void> {
    let ignore: Cancel = () => {};
    const changed = new Promise<void>((resolve) => {
      ignore = this.onChange(resolve);
    });
    await Promise.race([changed, this.#pause(5)]);
    ignore();
  }

  #scheduleTick(): void {
    const { clock } = this.#parts.settings;
    this.#cancelTick = clock.after(this.#tickMs, () => {
      const now = clock.monotonic();
      const passed = Math.floor((now - this.#lastTick) / this.#tickMs);
      const ticks = Math.min(TICKS_AT_ONCE, Math.max(1, passed));
      this.#lastTick = now;
      this.#parts.driver.post(() => this.#tick(ticks));
      this.#scheduleTick();
    });
  }

  #tick(ticks: number): void {
    const { raft } = this.#parts;
    if (this.configuration.members.length < 2 && raft.role === "leader") return;
    for (let i = 0; i < ticks; i++) raft.tick();
    this.#promote();
    this.staging.offer();
  }

  /** Makes a learner a voter once it has caught up. */
  #promote(): void {
    const { raft, settings } = this.#parts;
    if (raft.role !== "leader" || raft.isReconfiguring) return;
    const members = this.learners.promote(raft, settings.clock.monotonic());
    if (members !== undefined) raft.reconfigure({ members });
  }

  #changed(): void {
    if (this.#mustAffirm && this.isActive) {
      this.#mustAffirm = false;
      const { driver, raft } = this.#parts;
      driver.post(() => raft.reconfigure(this.configuration));
    }
    this.#gate.applied(this.appliedIndex);
    this.#gate.leaderIs(this.leader);
    const { configuration } = this;
    if (this.#transport !== undefined && configuration !== this.#peers) {
      this.#peers = configuration;
      const text = fromUtf8(encodeConfiguration(configuration));
      if (text !== this.#peersText) this.#transport.setPeers(configuration);
      this.#peersText = text;
    }
    for (const listener of this.#listeners) listener();
  }

  /**
   * Sends the state as it is after a flush, while writes gather in memory, as the leader of the term
   * in which consensus said so: by the time that it may be sent, another may lead in a later one.
   */
  async #sendState(to: NodeId, term: number): Promise<void> {
    const { maintenance, raft, driver, nodeId, settings } = this.#parts;
    const transport = this.#transport;
    let sent: StateHead["at"] | undefined;
    try {
      if (transport !== undefined) {
        const pinned = await maintenance.pin();
        const { applied: at, configuration, hash } = pinned.meta;
        const head = { from: nodeId, term, at, configuration, hash };
        try {
          settings.log.info("sending the state to a peer", { to, index: at.index });
          if (await transport.sendState(to, head, pinned.entries())) sent = at;
        } finally {
          pinned.close();
        }
      }
    } catch (error) {
      settings.log.warn("sending the state broke off", { to, error: describeError(error) });
    }
    if (sent === undefined) await this.#pause(100);
    driver.post(() => raft.snapshotSent(to, sent));
  }
}

/** The membership of a text, for callers that only have that. */
export function membersOf(text: string): readonly Member[] {
  return decodeConfiguration(utf8(text)).members;
}
