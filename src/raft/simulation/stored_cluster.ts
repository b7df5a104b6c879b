/** Nodes with their files, the network between them, and clients with registers and tokens. */
import { NotLeaderError, OutcomeUnknownError } from "../errors.ts";
import type { StoredEntry } from "../state.ts";
import type { StateHead } from "../transport.ts";
import { utf8 } from "../../base/bytes.ts";
import type { Lasting, OwnStrikes, Victims } from "./nemesis.ts";
import { type Operation, RegisterHistory } from "./register_history.ts";
import type { Turns } from "./quiet.ts";
import type { DiskPlant } from "./simulated_files.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { StoredNode } from "./stored_node.ts";
import { StoredPromises } from "./stored_promises.ts";
import { type Token, TokenHistory, tokenKeys } from "./token_history.ts";
import type { Surroundings } from "./world.ts";

export interface StoredShape {
  readonly voters: number;
  readonly faults: ReadonlySet<Lasting>;
  readonly plant: DiskPlant | undefined;
  readonly turns: Turns;
}

/** Faults of disks and of what is stored. */
export const storageStrikes = [
  "crash point",
  "full disk",
  "failing disk",
  "rotten row",
  "torn file",
  "replacement",
] as const;

const REGISTERS = ["x", "y"];
const THINK_MS = 80;
const DRIFT = 90;
/** Operations of a disk until a process ends in one, at most. */
const CRASH_OPERATIONS = 60;

interface Kept {
  readonly key: string;
  readonly start: number;
}

export class StoredCluster implements Victims<StoredNode> {
  readonly nodes = new Map<string, StoredNode>();
  readonly network: SimulatedNetwork;
  readonly history = new RegisterHistory();
  readonly tokens = new TokenHistory();
  readonly promises = new StoredPromises();
  /** Entries whose write was acknowledged. */
  readonly acknowledged: Kept[] = [];
  #isBusy = true;
  #syncMs = 5;
  #readMs = 0;
  #written = 0;
  /** The one node whose files rot: a majority always has its own. */
  #rotten: StoredNode | undefined;

  constructor(readonly world: Surroundings, { voters, faults, plant, turns }: StoredShape) {
    const { draw, time } = world;
    this.network = new SimulatedNetwork(world, faults, (message) => {
      this.nodes.get(message.to)?.receive(message);
    });
    if (faults.has("slow disk")) {
      this.#syncMs = 150;
      this.#readMs = 3;
    }
    const waste = draw(2) === 0 ? 1 : 60, trailingEntries = draw(40);
    for (const id of [..."abcdefghi"].slice(0, voters)) {
      const drift = faults.has("drift") ? draw(2 * DRIFT + 1) - DRIFT : 0;
      const node = new StoredNode(id, {
        world,
        promises: this.promises,
        plant,
        turns,
        rate: 1 + drift / 1000,
        syncMs: () => 1 + draw(this.#syncMs),
        readMs: () => this.#readMs === 0 ? 0 : draw(this.#readMs),
        waste,
        trailingEntries,
        send: (message) => this.network.send(message),
        sendState: (to, head, entries) => this.#sendState(id, to, head, entries),
      });
      this.nodes.set(id, node);
    }
    time.after(THINK_MS, () => this.#operate());
  }

  /** The first node makes the group, and the others join it. */
  form(): void {
    const [first, ...others] = [...this.nodes.values()];
    const storage = first?.storage;
    if (first === undefined || storage === undefined) {
      this.world.time.after(50, () => this.form());
      return;
    }
    storage.group.bootstrap("").then(async () => {
      for (const { id } of others) await storage.group.add({ id, address: "" });
    }).catch((error) => first.refused(error));
  }

  /** Disks are quick from now on. */
  mendDisks(): void {
    this.#syncMs = 5;
    this.#readMs = 0;
  }

  mend(): void {
    const { network, nodes, world } = this;
    world.tell("everything is mended");
    network.mend();
    for (const node of nodes.values()) {
      node.files.crashIn = 0;
      // A process that is starting may hold what it read of the damage.
      if (node.files.isDamaged) node.crash(false);
      node.files.mend();
      node.process.pausedUntil = 0;
      node.restart();
    }
  }

  /** Clients ask for nothing more. */
  rest(): void {
    this.#isBusy = false;
  }

  /** Reads every register and every token through every node. */
  readAll(): void {
    for (const node of this.nodes.values()) {
      for (const key of REGISTERS) this.#read(node, key);
      for (const token of this.tokens.tokens.slice(-20)) this.#lookUp(node, token);
    }
  }

  readonly strikes: OwnStrikes<StoredNode> = {
    "crash point": ({ files }) => {
      files.crashIn = 1 + this.world.draw(CRASH_OPERATIONS);
    },
    "full disk": (node, ms) => {
      this.world.coverage.mark("disk full");
      this.world.tell(`the disk of ${node.id} is full`);
      node.files.isFull = true;
      this.world.time.after(ms, () => {
        node.files.isFull = false;
      });
    },
    "failing disk": (node, ms) => {
      this.world.coverage.mark("disk fails");
      this.world.tell(`the disk of ${node.id} fails`);
      node.files.isFailing = true;
      this.world.time.after(ms / 4, () => {
        node.files.isFailing = false;
      });
    },
    "rotten row": (_, ms) => this.#rot(ms),
    "torn file": (_, ms) => this.#tear(ms),
    replacement: (node) => this.#replace(node),
  };

  #rot(ms: number): void {
    const { world } = this;
    const node = this.#victimOfRot();
    if (node === undefined || node.files.isDamaged) return;
    const what = node.files.rot(world.draw, (path) => !path.includes("damaged-"));
    if (what === undefined) return;
    world.coverage.mark("row rotten");
    world.tell(`a bit turns in ${what}`);
    if (world.draw(2) === 0) {
      node.crash(false);
      world.time.after(200, () => node.restart());
    }
    world.time.after(ms, () => this.#mendFiles(node));
  }

  #tear(ms: number): void {
    const { world } = this;
    const node = this.#victimOfRot();
    if (node === undefined || node.files.isDamaged || !node.process.isAlive) return;
    node.crash(false);
    const what = node.files.tear(world.draw, (path) => /log-|\/state-/.test(path));
    world.time.after(200, () => node.restart());
    if (what === undefined) return;
    world.coverage.mark("file torn");
    world.tell(`torn off: ${what}`);
    world.time.after(ms, () => this.#mendFiles(node));
  }

  #mendFiles(node: StoredNode): void {
    if (!node.files.isDamaged) return;
    this.world.tell(`the files of ${node.id} are mended`);
    // A process may hold what it read of the damage.
    node.crash(false);
    node.files.mend();
    node.restart();
  }

  #victimOfRot(): StoredNode | undefined {
    const nodes = [...this.nodes.values()];
    this.#rotten ??= nodes[this.world.draw(nodes.length)];
    const voters = this.#rotten?.configuration.members.filter(({ voter }) => voter) ?? [];
    return voters.length < 3 ? undefined : this.#rotten;
  }

  #operate(): void {
    const { draw, time } = this.world;
    if (!this.#isBusy) return;
    time.after(1 + draw(THINK_MS), () => this.#operate());
    const nodes = [...this.nodes.values()];
    const leaders = nodes.filter(({ isUp, role }) => isUp && role === "leader");
    const from = leaders.length > 0 && draw(2) === 0 ? leaders : nodes;
    const node = from[draw(from.length)], key = REGISTERS[draw(REGISTERS.length)];
    if (node === undefined || key === undefined || !node.isUp) return;
    const token = this.tokens.tokens[draw(this.tokens.tokens.length)];
    void node.look();
    switch (draw(8)) {
      case 0:
        return this.#create(node);
      case 1:
        return token === undefined ? undefined : this.#revoke(node, token);
      case 2:
        return token === undefined ? undefined : this.#lookUp(node, token);
      case 3:
      case 4:
        return this.#read(node, key);
      default:
        return this.#write(node, key);
    }
  }

  #read(node: StoredNode, key: string): void {
    const { time, coverage } = this.world;
    const { process } = node;
    const operation = this.history.begin({ kind: "read", key, start: time.now, value: "" });
    process.run(() => {
      node.read([key]).then(([value = ""]) => {
        if (!process.isAlive) return;
        operation.value = value;
        operation.end = time.now;
      }, (error) => {
        coverage.mark("read refused");
        node.refused(error);
      });
    });
  }

  #write(node: StoredNode, key: string): void {
    const { time, draw } = this.world;
    const value = `${++this.#written}`;
    const kept = { key: `w/${value}`, start: time.now };
    const operation = this.history.begin({ kind: "write", key, start: time.now, value });
    const length = [10, 10, 10, 10, 300, 300, 5000, 70_000][draw(draw(4) === 0 ? 8 : 7)] ?? 10;
    const changes = [{ key, value }, { key: kept.key, value: "v".repeat(length) }];
    this.#change(node, changes, () => {
      operation.end = time.now;
      this.acknowledged.push(kept);
    }, () => this.history.forget(operation));
  }

  #create(node: StoredNode): void {
    const token = this.tokens.begin();
    const changes = tokenKeys(token.id).map((key) => ({ key, value: token.id }));
    this.#change(node, changes, () => {
      token.createdAt = this.world.time.now;
    }, () => {});
  }

  #revoke(node: StoredNode, token: Token): void {
    const { time, coverage } = this.world;
    token.revokeFrom ??= time.now;
    // Only what is there for certain is gone for certain: a creation may still come.
    const isThere = token.createdAt !== undefined;
    const changes = tokenKeys(token.id).map((key) => ({ key, value: null }));
    this.#change(node, changes, () => {
      coverage.mark("token revoked");
      if (isThere) token.revokedAt ??= time.now;
    }, () => {});
  }

  #lookUp(node: StoredNode, token: Token): void {
    const { time, coverage, fail } = this.world;
    const { process } = node;
    const start = time.now;
    process.run(() => {
      node.read(tokenKeys(token.id)).then((found) => {
        if (!process.isAlive) return;
        if (token.revokedAt !== undefined) coverage.mark("revoked token looked up");
        this.tokens.found(token, start, found.map((value) => value !== undefined));
      }).catch((error) => error.name === "BrokenPromise" ? fail(error) : node.refused(error));
    });
  }

  #change(
    node: StoredNode,
    changes: readonly { readonly key: string; readonly value: string | null }[],
    done: () => void,
    notDone: () => void,
  ): void {
    const { coverage } = this.world;
    const { process } = node;
    process.run(() => {
      node.write(changes).then(() => {
        if (!process.isAlive) return;
        coverage.mark("write acknowledged");
        done();
      }, (error) => {
        if (error instanceof NotLeaderError) {
          coverage.mark("write refused");
          notDone();
        } else if (error instanceof OutcomeUnknownError) {
          coverage.mark("write of unknown outcome");
        } else node.refused(error);
      });
    });
  }

  /** The restore of a snapshot: other content, in which the registers have values of their own. */
  #replace(node: StoredNode): void {
    const { time, coverage, tell } = this.world;
    const { storage, process } = node;
    if (storage === undefined || node.role !== "leader") return;
    const value = `r${++this.#written}`;
    const writes: Operation[] = REGISTERS.map((key) =>
      this.history.begin({ kind: "write", key, start: time.now, value })
    );
    const entries = REGISTERS.map((key): StoredEntry => ({ key, value: utf8(value) }));
    tell(`${node.id} replaces everything by ${value}`);
    // Whatever is said of it, it may happen at any time.
    this.tokens.replacedAt = Infinity;
    process.run(() => {
      storage.restore(entries).then(() => {
        if (!process.isAlive) return;
        tell(`everything is ${value}`);
        coverage.mark("content replaced");
        for (const write of writes) write.end = time.now;
      }, (error) => {
        if (error instanceof OutcomeUnknownError) coverage.mark("replacement of unknown outcome");
        node.refused(error);
      });
    });
  }

  #sendState(
    from: string,
    to: string,
    head: StateHead,
    entries: readonly StoredEntry[],
  ): Promise<boolean> {
    return this.network.carryState(from, to, this.nodes, {
      receive: (node) => node.receiveState(head, entries),
      refused: (error, node) => node.refused(error),
      goneMs: 3000,
    });
  }
}
