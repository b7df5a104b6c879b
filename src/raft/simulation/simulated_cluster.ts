/** Nodes, the network between them, and clients that read and write registers and remember it. */
import { NotLeaderError, OutcomeUnknownError, StorageError } from "../errors.ts";
import type { Message } from "../consensus/messages.ts";
import { RegisterHistory } from "./register_history.ts";
import type { Registers } from "./simulated_disk.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { SimulatedNode } from "./simulated_node.ts";
import type { Lasting } from "./nemesis.ts";
import type { World } from "./world.ts";

export interface ClusterShape {
  readonly voters: number;
  /** Nodes that are no members at first. */
  readonly spare: number;
  readonly faults: ReadonlySet<Lasting>;
}

const REGISTERS = ["x", "y"];
/** Milliseconds between two operations of the clients, at most. */
const THINK_MS = 60;
/** Clocks are at most so much too fast or too slow, in a thousandth; well within a lease's margin. */
const DRIFT = 90;

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

export class SimulatedCluster {
  readonly nodes = new Map<string, SimulatedNode>();
  readonly network: SimulatedNetwork;
  readonly history = new RegisterHistory();
  /** What was acknowledged, as the entries' text. */
  readonly acknowledged: string[] = [];
  /** Milliseconds that a disk takes to sync, at most. */
  #syncMs = 5;
  #written = 0;

  constructor(readonly world: World, { voters, spare, faults }: ClusterShape) {
    const { draw, time } = world;
    this.network = new SimulatedNetwork(world, faults, (message) => {
      this.nodes.get(message.to)?.receive(message);
    });
    const ids = [..."abcdefghi"].slice(0, voters + spare);
    const members = ids.slice(0, voters).map((id) => ({ id, address: "", voter: true }));
    const appendEntriesMax = [1, 3, 256][draw(3)] ?? 3;
    if (faults.has("slow disk")) this.#syncMs = 300;
    for (const [i, id] of ids.entries()) {
      const drift = faults.has("drift") ? draw(2 * DRIFT + 1) - DRIFT : 0;
      if (drift !== 0) world.coverage.mark("clock drift");
      const node = new SimulatedNode(id, { members: i < voters ? members : [] }, {
        world,
        timing: { syncMs: () => 1 + draw(this.#syncMs) },
        rate: 1 + drift / 1000,
        appendEntriesMax,
        send: (message: Message) => this.network.send(message),
        sendState: (to, term, state) => this.#sendState(id, to, term, state),
      });
      this.nodes.set(id, node);
    }
    time.after(THINK_MS, () => this.#operate());
  }

  /** From now on disks are quick. */
  mendDisks(): void {
    this.#syncMs = 5;
  }

  /** Everything works from now on, but disks that are slow stay so. */
  mend(): void {
    const { network, nodes, world } = this;
    world.tell("everything is mended");
    network.mend();
    for (const node of nodes.values()) {
      node.process.pausedUntil = 0;
      node.restart();
    }
  }

  /** Reads every register through every node that answers. */
  readAll(): void {
    for (const node of this.nodes.values()) {
      for (const key of REGISTERS) this.#read(node, key);
    }
  }

  #operate(): void {
    const { draw, time } = this.world;
    time.after(1 + draw(THINK_MS), () => this.#operate());
    const nodes = [...this.nodes.values()];
    const leaders = nodes.filter(({ isUp, raft }) => isUp && raft.role === "leader");
    const from = leaders.length > 0 && draw(2) === 0 ? leaders : nodes;
    const node = from[draw(from.length)], key = REGISTERS[draw(REGISTERS.length)];
    if (node === undefined || key === undefined || !node.isUp) return;
    if (draw(2) === 0) this.#read(node, key);
    else this.#write(node, key);
  }

  #read(node: SimulatedNode, key: string): void {
    const { time, coverage, fail } = this.world;
    const operation = this.history.begin({ kind: "read", key, start: time.now, value: "" });
    node.process.run(() => {
      node.read(key).then((value) => {
        operation.value = value;
        operation.end = time.now;
      }, (error) => {
        if (!(error instanceof StorageError)) fail(error);
        coverage.mark("read refused");
      });
    });
  }

  #write(node: SimulatedNode, key: string): void {
    const { time, coverage, fail } = this.world;
    const value = `${++this.#written}`;
    const operation = this.history.begin({ kind: "write", key, start: time.now, value });
    node.process.run(() => {
      node.write(key, value).then(() => {
        operation.end = time.now;
        this.acknowledged.push(`${key}=${value}`);
        coverage.mark("write acknowledged");
      }, (error) => {
        if (error instanceof NotLeaderError) {
          this.history.forget(operation);
          coverage.mark("write refused");
        } else if (error instanceof OutcomeUnknownError) {
          coverage.mark("write of unknown outcome");
        } else if (!(error instanceof StorageError)) fail(error);
      });
    });
  }

  #sendState(from: string, to: string, term: number, state: Registers): Promise<boolean> {
    return this.network.carryState(from, to, this.nodes, {
      receive: (node) => node.receiveState(from, term, state),
      refused: (error) => {
        if (!(error instanceof StorageError)) this.world.fail(asError(error));
      },
      goneMs: 2000,
    });
  }
}
