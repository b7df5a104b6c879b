/** Nodes with their files, the network between them, and what goes wrong with their disks. */
import type { StoredEntry } from "../state.ts";
import type { StateHead } from "../transport.ts";
import type { Lasting, Victims } from "./nemesis.ts";
import type { Turns } from "./quiet.ts";
import { Rotting } from "./rotting.ts";
import type { DiskPlant } from "./simulated_files.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { StoredNode, type StoredProgram, type StoreSizes } from "./stored_node.ts";
import { StoredPromises } from "./stored_promises.ts";
import { Wiping } from "./wiping.ts";
import type { Surroundings } from "./world.ts";

export interface StoredShape {
  readonly voters: number;
  /** Nodes that belong to no group at first. */
  readonly spares?: number;
  /** Whether memberships change while files rot. */
  readonly rots?: boolean;
  /** Disks of nodes that have left are wiped: told of each. Not where files rot; none where absent. */
  readonly wiped?: (id: string) => void;
  readonly faults: ReadonlySet<Lasting>;
  readonly plant: DiskPlant | undefined;
  readonly turns: Turns;
  /** Small ones where absent, so that little that is written reaches much. */
  readonly sizes?: StoreSizes;
  /** What runs on each node besides. */
  readonly program?: StoredProgram;
}

/** Faults of disks and of what is stored. */
export const diskStrikes = [
  "crash point",
  "full disk",
  "failing disk",
  "rotten row",
  "torn file",
] as const;

const DRIFT = 90;
/** Operations of a disk until a process ends in one, at most. */
const CRASH_OPERATIONS = 60;

export class StoredMachines implements Victims<StoredNode> {
  readonly nodes = new Map<string, StoredNode>();
  readonly network: SimulatedNetwork;
  readonly promises = new StoredPromises();
  readonly #voters: number;
  #syncMs = 5;
  #readMs = 0;
  readonly #rotting: Rotting;

  constructor(
    readonly world: Surroundings,
    { voters, spares = 0, rots = false, wiped, faults, plant, turns, sizes, program }: StoredShape,
  ) {
    const { draw } = world;
    this.#voters = voters;
    this.#rotting = new Rotting(world, this.nodes, { reconfigures: rots });
    const memberships = rots
      ? this.#rotting
      : wiped === undefined
      ? undefined
      : new Wiping(world, this.nodes, wiped);
    if (rots) this.diskStrikes.membership = () => this.#rotting.reconfigure();
    this.network = new SimulatedNetwork(world, faults, (message) => {
      this.nodes.get(message.to)?.receive(message);
    });
    if (faults.has("slow disk")) {
      this.#syncMs = 150;
      this.#readMs = 3;
    }
    const waste = draw(2) === 0 ? 1 : 60, trailingEntries = draw(40);
    for (const id of [..."abcdefghi"].slice(0, voters + spares)) {
      const drift = faults.has("drift") ? draw(2 * DRIFT + 1) - DRIFT : 0;
      const node = new StoredNode(id, {
        world,
        promises: this.promises,
        plant,
        rate: 1 + drift / 1000,
        syncMs: () => 1 + draw(this.#syncMs),
        readMs: () => this.#readMs === 0 ? 0 : draw(this.#readMs),
        waste,
        trailingEntries,
        turns,
        ...(memberships === undefined ? {} : { memberships }),
        ...(sizes === undefined ? {} : { sizes }),
        ...(program === undefined ? {} : { program }),
        send: (message) => this.network.send(message),
        sendState: (to, head, entries) => this.#sendState(id, to, head, entries),
      });
      this.nodes.set(id, node);
    }
  }

  /** The first node makes the group, and the others join it. */
  form(): void {
    const [first, ...others] = [...this.nodes.values()].slice(0, this.#voters);
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

  readonly diskStrikes: Record<string, (node: StoredNode, ms: number) => void> = {
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
    "rotten row": (_, ms) => this.#rotting.rot(ms),
    "torn file": (_, ms) => this.#rotting.tear(ms),
  };

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
