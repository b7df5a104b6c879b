/**
 * A node among others: while it is unsealed it takes part in its group, and it is active when it
 * leads the group and has everything applied that was ever committed. Above raft and the barrier,
 * below the core, which asks it and is told when the answer changes.
 */
import type { Barrier } from "../barrier/barrier.ts";
import type { Cancel, Clock, Random } from "../base/clock.ts";
import { changingOver, describeError, Failure } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import { version } from "../base/version.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import type { Member } from "../raft/consensus/configuration.ts";
import { ClusterPort } from "../raft/net/cluster_port.ts";
import { type Endpoint, FORWARDING_PROTOCOL, RAFT_PROTOCOL } from "../raft/net/cluster_tls.ts";
import { type NodeFacts, ownFacts } from "../raft/net/node_facts.ts";
import { RaftTransport } from "../raft/net/raft_transport.ts";
import type { IntegratedStorage } from "../storage/raft.ts";
import { NotLeaderError } from "../storage/storage.ts";
import { AdmissionDesk } from "./admission_desk.ts";
import {
  type Advertisement,
  advertisementKey,
  decodeAdvertisement,
  encodeAdvertisement,
} from "./advertisement.ts";
import { ActiveLink } from "./active_link.ts";
import type { ForwardClient } from "./forward_client.ts";
import { acceptForwarded, type ForwardTarget } from "./forward_server.ts";
import { Autopilot, AUTOPILOT_KEY, type Observed } from "./autopilot.ts";
import { Echoes, type HeardOf } from "./echoes.ts";
import { FEATURES, Features } from "./features.ts";
import { Joiner } from "./joiner.ts";
import { readShared } from "./read_shared.ts";
import { ClusterKeys } from "./cluster_keys.ts";
import {
  decodeKeyring,
  encodeKeyring,
  makeKeyring,
  TLS_KEY,
  type TlsKeyring,
} from "./tls_keyring.ts";
import { type RotationTimes, TlsRotation } from "./tls_rotation.ts";

export interface HaParts {
  readonly storage: IntegratedStorage;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly log: Logger;
  /** URLs. */
  readonly addresses: { readonly api: string; readonly cluster: string };
  /** Where the cluster port listens. */
  readonly listenAt: readonly Endpoint[];
  /** A tenth of the election timeout. */
  readonly tickMs: number;
  readonly hostname: string;
  /** For autopilot; "" where the configuration says nothing. */
  readonly zone: string;
  readonly upgradeVersion: string;
  /** When the cluster's TLS key is changed. */
  readonly rotation: RotationTimes;
}

interface Cluster {
  readonly port: ClusterPort;
  readonly transport: RaftTransport;
}

export class HighAvailability {
  readonly joiner: Joiner;
  readonly desk: AdmissionDesk;
  readonly autopilot: Autopilot;
  /** Forms that not every version knows: which are used, and who knows them. */
  readonly features: Features;
  readonly #facts: NodeFacts;
  readonly #link: ActiveLink;
  readonly #echoes: Echoes;
  readonly #parts: HaParts;
  #ignoreApplied: Cancel = () => {};
  #cluster: Cluster | undefined;
  #opening: Promise<Cluster> | undefined;
  #forwardTarget: Omit<ForwardTarget, "heard"> | undefined;
  #isRemoved = false;
  /** What the cluster port is opened with. */
  readonly #keys: ClusterKeys;
  readonly rotation: TlsRotation;
  /** When this node became active, milliseconds of the monotonic clock. */
  #activeFrom = 0;
  #ignoreChanges: Cancel = () => {};

  constructor(parts: HaParts) {
    this.#parts = parts;
    const { clock, random, crypto, log, addresses, storage, barrier } = parts;
    this.#link = new ActiveLink(clock);
    this.#echoes = new Echoes({ clock, log, tell: (now) => this.#echo(now) });
    this.#facts = ownFacts({ ...parts, features: FEATURES });
    const members = () => this.group.configuration.members.map(({ id }) => id);
    this.features = new Features({
      read: (key) => readShared(barrier, key),
      write: (key, value) => barrier.write([{ key, value }]),
      log,
      nodeId: storage.nodeId,
      members,
      isActive: () => this.isActive,
    }, this.#facts);
    this.desk = new AdmissionDesk({ clock, random, crypto });
    this.#keys = new ClusterKeys({
      barrier,
      log,
      read: (key) => readShared(barrier, key),
      changed: (tls) => this.#cluster?.port.useTls(tls),
    });
    this.rotation = new TlsRotation({
      clock,
      random,
      log,
      times: parts.rotation,
      isActive: () => this.isActive,
      keyring: () => this.isClustered ? this.#keys.keyring : undefined,
      store: (keyring) => this.#keys.store(keyring),
      lastIndex: () => this.group.commitIndex,
      behind: (index) =>
        members().filter((id) => id !== this.nodeId && (this.group.matchOf(id) ?? 0) < index),
      unready: () => this.features.lacking("tls-rotation"),
      mayUse: () => this.features.use("tls-rotation"),
    });
    this.autopilot = new Autopilot({
      clock,
      log: log.named("autopilot"),
      isActive: () => this.isActive,
      observe: () => ({ members: this.#observe(), lastIndex: this.group.commitIndex }),
      remove: (id) => this.group.remove(id),
      demote: (id) => this.group.demote(id),
      handOver: (ids) => this.group.handOver((id) => ids.includes(id)),
      stabilize: (ms) => {
        this.group.learners.stabilizationMs = ms;
      },
      read: async () => await parts.barrier.get(AUTOPILOT_KEY),
    });
    this.joiner = new Joiner({
      clock,
      crypto,
      log,
      nodeId: storage.nodeId,
      clusterAddress: addresses.cluster,
      facts: this.#facts,
    });
  }

  get nodeId(): string {
    return this.#parts.storage.nodeId;
  }

  get group(): IntegratedStorage["group"] {
    return this.#parts.storage.group;
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  /** Milliseconds of the monotonic clock. */
  now(): number {
    return this.#parts.clock.monotonic();
  }

  /** Whether this node leads, and knows everything that was committed before. */
  get isActive(): boolean {
    return this.group.isActive;
  }

  /** Whether there are, or were, other nodes. */
  get isClustered(): boolean {
    return this.#cluster !== undefined;
  }

  /** Whether a leader has said that the group goes on without this node. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** Who answers requests that standbys pass on. */
  set forwardTarget(target: Omit<ForwardTarget, "heard">) {
    this.#forwardTarget = target;
  }

  /** Before a cluster is initialised: makes the group, unless this node is to join another. */
  async bootstrap(): Promise<void> {
    if (this.joiner.sealConfig !== undefined) {
      throw new Failure(400, "the node is joining a cluster and can't be initialized");
    }
    this.joiner.stop();
    if (!this.group.isMember) await this.group.bootstrap(this.#bareAddress());
  }

  /**
   * Takes part, now that the barrier is open. `changed` is called whenever `isActive` may be
   * another. Throws where the cluster port can't be opened.
   */
  async start(changed: () => void): Promise<void> {
    this.#ignoreChanges();
    this.#ignoreChanges = this.group.onChange(() => {
      this.#link.leaderIs(this.group.leader);
      changed();
    });
    await this.features.load();
    this.#ignoreApplied();
    this.#ignoreApplied = this.follow((keys) => {
      this.features.changed(keys);
      this.#keys.follow(keys);
    });
    const stored = await this.#parts.barrier.get(TLS_KEY);
    const { keyring } = this.#keys;
    if (stored !== undefined) await this.open(decodeKeyring(stored));
    // A snapshot of a cluster of one node was restored: the group goes on with what it used.
    else if (keyring !== undefined) await this.open(keyring);
  }

  /** Opens the cluster port and talks to the others; harmless where that is done. */
  async open(keyring: TlsKeyring): Promise<void> {
    this.#keys.use(keyring);
    this.#opening ??= this.#open();
    try {
      this.#cluster = await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
    this.#echoes.start();
  }

  /** Takes part no more; a leader hands over first. */
  async stop(): Promise<void> {
    this.#ignoreChanges();
    this.#ignoreApplied();
    this.autopilot.stop();
    this.rotation.stop();
    this.#echoes.stop();
    this.joiner.stop();
    const cluster = this.#cluster;
    if (cluster === undefined) return;
    this.#cluster = undefined;
    this.#opening = undefined;
    this.#link.drop();
    try {
      if (this.group.configuration.members.length > 1) await this.group.handOver();
      await this.group.stop();
    } catch (error) {
      this.#parts.log.warn("leadership was not handed over", { error: describeError(error) });
    }
    cluster.transport.close();
    await cluster.port.close();
  }

  /**
   * Undefined where this node may answer as the active one; else resolves once it is proved.
   * Rejects with a 503.
   */
  confirm(): Promise<void> | undefined {
    return this.group.confirmLeading()?.catch((error) => {
      if (!(error instanceof NotLeaderError)) throw error;
      throw changingOver("this node is not active any more", error);
    });
  }

  /**
   * Undefined where a standby may answer from what it has applied; else resolves once it may. A
   * proof that is `maxAgeMs` old at most will do. Rejects with `NotLeaderError` where there is none.
   */
  confirmRead(maxAgeMs: number): Promise<void> | undefined {
    if (this.#isRemoved) return Promise.reject(new NotLeaderError("this node was removed"));
    return this.group.confirmWithin(maxAgeMs);
  }

  /** Tells of every change that is applied from now on; undefined stands for all keys there are. */
  follow(listener: (keys: readonly string[] | undefined) => void): Cancel {
    return this.#parts.storage.follow(listener);
  }

  /** This node is active now: tells the others where it is, and looks after the group. */
  async announce(): Promise<void> {
    this.#activeFrom = this.now();
    await this.features.load();
    await this.features.useAtOnce();
    await this.autopilot.start();
    this.group.learners.mayVote = (id) => this.autopilot.mayVote(id);
    if (this.#cluster === undefined) return;
    const { barrier, addresses, clock } = this.#parts;
    const value = encodeAdvertisement({ ...addresses, activeSince: clock.now() });
    await this.#keys.load();
    const { keyring } = this.#keys;
    // A snapshot of a time before may be in place now.
    if (keyring !== undefined && keyring.serial > 0) await this.features.use("tls-rotation");
    await barrier.write([
      { key: advertisementKey(this.nodeId), value },
      // A snapshot may have brought another: what the nodes use now is what they start with next.
      ...(keyring === undefined ? [] : [{ key: TLS_KEY, value: encodeKeyring(keyring) }]),
    ]);
    this.rotation.start();
    await this.#keepOwnAddress();
  }

  /** The group's members. One that was always alone has told the group no address. */
  members(): Member[] {
    return this.group.configuration.members.map((member) =>
      member.id === this.nodeId && member.address === ""
        ? { ...member, address: this.#bareAddress() }
        : member
    );
  }

  /** The members as this node sees them since it is active. */
  #observe(): Observed[] {
    const { group } = this;
    const now = this.now();
    return this.members().map(({ id, address, voter, staysLearner = false }) => {
      const facts = this.features.factsOf(id);
      const isLeader = id === group.leader;
      const heardAt = Math.max(group.heardAt(id) ?? 0, this.#activeFrom);
      return {
        id,
        address,
        voter,
        isLeader,
        silence: isLeader ? 0 : Math.round(now - heardAt) / 1000,
        index: isLeader ? group.commitIndex : group.matchOf(id) ?? 0,
        staysLearner,
        zone: facts?.zone ?? "",
        upgradeVersion: facts?.upgradeVersion ?? "",
      };
    });
  }

  /** Where the active node is; undefined while there is none that is known. */
  async active(): Promise<Advertisement & { readonly id: string } | undefined> {
    const { leader } = this.group;
    if (leader === undefined || this.#parts.barrier.sealed || this.#isRemoved) return undefined;
    const stored = await readShared(this.#parts.barrier, advertisementKey(leader));
    return stored === undefined ? undefined : { id: leader, ...decodeAdvertisement(stored) };
  }

  /** The keyring of the cluster; made with the first node that wants to join. */
  async ensureCluster(): Promise<TlsKeyring> {
    const { barrier, clock, random } = this.#parts;
    const stored = await barrier.get(TLS_KEY);
    if (stored !== undefined) {
      const keyring = decodeKeyring(stored);
      await this.open(keyring);
      return keyring;
    }
    const keyring = await makeKeyring(clock, random);
    await this.open(keyring);
    await barrier.write([{ key: TLS_KEY, value: encodeKeyring(keyring) }]);
    await this.announce();
    return keyring;
  }

  /** Lets a node in that has proved itself. Throws a 503 where this one does not lead. */
  async admit(member: { id: string; address: string; staysLearner: boolean }): Promise<void> {
    const { id, address, staysLearner } = member;
    try {
      await this.group.add({ id, address, ...(staysLearner ? { staysLearner } : {}) });
    } catch (error) {
      throw new Failure(503, "the node could not be added", { cause: error });
    }
    this.#parts.log.info("a node has joined", { id, address });
  }

  /** The connection to the active node. Throws where it can't be reached. */
  async client(address: string): Promise<ForwardClient> {
    const cluster = this.#cluster;
    if (cluster === undefined) throw new Failure(503, "the node is not in a cluster");
    return await this.#link.to(address, this.group.leader, this.#keys.tls);
  }

  /** The standbys that were heard of lately. */
  standbys(): HeardOf[] {
    return this.#echoes.standbys();
  }

  async #open(): Promise<Cluster> {
    const { storage, clock, log, listenAt, tickMs } = this.#parts;
    const { group } = storage;
    const transport = new RaftTransport(
      {
        nodeId: this.nodeId,
        address: this.#bareAddress(),
        tls: () => this.#keys.tls,
        facts: this.#facts,
        clock,
        log: log.named("raft"),
      },
      {
        receive: (message) => group.receive(message),
        receiveState: (head, entries) => group.receiveState(head, entries),
        moved: (id, address) => this.#moved(id, address),
        introduced: (id, facts) => this.features.introduced(id, facts),
        isRemoved: (id) => this.#hasRemoved(id),
        removed: () => this.#leave(),
      },
    );
    const port = new ClusterPort(log.named("cluster-port"), clock);
    port.answer(RAFT_PROTOCOL, (connection) => transport.accept(connection));
    port.answer(FORWARDING_PROTOCOL, (connection) => {
      const target = this.#forwardTarget;
      if (target === undefined) return connection.close();
      acceptForwarded(connection, {
        get isActive() {
          return target.isActive;
        },
        handle: (request, from) => target.handle(request, from),
        heard: (echo) => this.#echoes.heard(echo),
      }, log);
    });
    try {
      await port.listen(listenAt, this.#keys.tls);
    } catch (error) {
      await port.close();
      throw error;
    }
    group.start(transport, tickMs);
    return { port, transport };
  }

  #hasRemoved(id: string): boolean {
    const { members } = this.group.configuration;
    return this.isActive && members.every((member) => member.id !== id);
  }

  /** Takes part no more, until it is made a new node. */
  #leave(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#parts.log.error("this node was removed from its cluster and serves nothing any more");
    this.group.stop().catch((error) =>
      this.#parts.log.warn("leaving the group failed", { error: describeError(error) })
    );
  }

  /** A member says that it is at another address than the membership knows. */
  #moved(id: string, address: string): void {
    if (!this.isActive || address === "") return;
    const known = this.group.configuration.members.find((member) => member.id === id);
    if (known === undefined || known.address === address) return;
    this.group.add({ id, address }).catch((error) =>
      this.#parts.log.warn("a node's new address was not noted", {
        id,
        error: describeError(error),
      })
    );
  }

  async #keepOwnAddress(): Promise<void> {
    const address = this.#bareAddress();
    const own = this.group.configuration.members.find(({ id }) => id === this.nodeId);
    if (own !== undefined && own.address !== address) {
      await this.group.add({ id: this.nodeId, address });
    }
  }

  #bareAddress(): string {
    return this.#parts.addresses.cluster.replace(/^[a-z]+:\/\//, "");
  }

  async #echo(now: number): Promise<void> {
    const { addresses, hostname } = this.#parts;
    const active = await this.active();
    if (active === undefined || active.id === this.nodeId) return;
    const client = await this.client(active.cluster);
    client.echo({ id: this.nodeId, hostname, ...addresses, version, now });
  }
}
