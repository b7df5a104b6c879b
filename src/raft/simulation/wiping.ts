/**
 * Nodes that were taken out of the group are made anew: every other one loses all its files, and
 * starts as a node that belongs to no group and joins, as who replaces a machine and keeps its name. That is
 * safe only once the membership without it is committed, and before it joins again; so one change of
 * the membership is asked for at a time, and none takes in a node that has not started again.
 */
import type { Configuration } from "../consensus/configuration.ts";
import type { StoredNode } from "./stored_node.ts";
import type { Process } from "./virtual_time.ts";
import type { Surroundings } from "./world.ts";

/** Until the new machine is there: longer than any message of the one before is on its way. */
const REPLACE_MS = 1500;

/** Between attempts to join again. */
const JOIN_AGAIN_MS = 400;

/** What every change of the membership goes by. */
export interface Memberships {
  /** Whether an operator may ask for this membership now. */
  allows(next: Configuration): boolean;
  /** A change is asked for in a process: no other is until it is answered, or the process ends. */
  asks(process: Process): void;
  answered(process: Process): void;
  /** A membership is committed that a node was added to, or taken out of. */
  changed(of: string, next: Configuration): void;
  /** Something has changed at a node. */
  seen(node: StoredNode): void;
}

export class Wiping implements Memberships {
  readonly #world: Surroundings;
  readonly #nodes: ReadonlyMap<string, StoredNode>;
  readonly #wiped: (id: string) => void;
  readonly #away = new Set<string>();
  #asking: Process | undefined;

  constructor(
    world: Surroundings,
    nodes: ReadonlyMap<string, StoredNode>,
    wiped: (id: string) => void,
  ) {
    this.#world = world;
    this.#nodes = nodes;
    this.#wiped = wiped;
  }

  allows({ members }: Configuration): boolean {
    return this.#asking?.isAlive !== true && members.every(({ id }) => !this.#away.has(id));
  }

  asks(process: Process): void {
    this.#asking = process;
  }

  answered(process: Process): void {
    if (this.#asking === process) this.#asking = undefined;
  }

  changed(of: string, { members }: Configuration): void {
    const { draw, time, tell } = this.#world;
    const node = this.#nodes.get(of);
    if (node === undefined || members.some(({ id }) => id === of) || draw(2) === 0) return;
    tell(`${of} is wiped`);
    node.wipe();
    this.#wiped(of);
    this.#away.add(of);
    time.after(REPLACE_MS + draw(REPLACE_MS), () => {
      this.#away.delete(of);
      node.restart();
      this.#join(of);
    });
  }

  /** As a node does that has been told to join by itself, until it is in the group. */
  #join(id: string): void {
    this.#world.time.after(JOIN_AGAIN_MS, () => {
      const leader = [...this.#nodes.values()].find(({ isActive }) => isActive);
      const members = leader?.configuration.members ?? [];
      if (members.some((member) => member.id === id)) return;
      leader?.reconfigure({ members: [...members, { id, address: "", voter: false }] });
      this.#join(id);
    });
  }

  seen(): void {}
}
