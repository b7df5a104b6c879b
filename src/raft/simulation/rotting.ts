/**
 * The one node whose files rot, and what every membership must be like meanwhile: two voters at
 * least that are not this node. Then there is always a majority without it, also where it is a
 * voter, and from that somebody can be elected who has everything, without the vote of a node that
 * has forgotten its log. With one other voter nobody might be electable, and the program promises
 * nothing else (see the README of `raft`). That nothing committed is lost as memberships change
 * needs no such care: `consensus/quorum_test.ts`.
 *
 * So it rots only once such a membership is committed, and from then on nobody asks for one of
 * another kind: one change at a time, since each of two might be allowed and both together not.
 */
import type { Configuration } from "../consensus/configuration.ts";
import type { StoredNode } from "./stored_node.ts";
import type { Process } from "./virtual_time.ts";
import type { Memberships } from "./wiping.ts";
import type { Surroundings } from "./world.ts";

/** Voters with files of their own. */
const OTHERS_MIN = 2;
/** Changes of the membership that are tried while files are damaged. */
const CHANGES = 3;

export class Rotting implements Memberships {
  readonly #world: Surroundings;
  readonly #nodes: ReadonlyMap<string, StoredNode>;
  /** Whether memberships change besides. */
  readonly #reconfigures: boolean;
  #rotten: StoredNode | undefined;
  /** Whether a membership with enough others was ever committed. */
  #isFormed = false;
  /** How often a state was begun anew before the damage there is. */
  #begunBefore = 0;
  /** In which a change was asked for that is not answered. */
  #asking: Process | undefined;

  constructor(
    world: Surroundings,
    nodes: ReadonlyMap<string, StoredNode>,
    options: { readonly reconfigures: boolean },
  ) {
    this.#world = world;
    this.#nodes = nodes;
    this.#reconfigures = options.reconfigures;
  }

  allows(next: Configuration): boolean {
    return this.#asking?.isAlive !== true && this.#hasOthers(next);
  }

  asks(process: Process): void {
    this.#asking = process;
  }

  answered(process: Process): void {
    if (this.#asking === process) this.#asking = undefined;
  }

  changed(of: string, { members }: Configuration): void {
    const { coverage, tell } = this.#world;
    const rotten = this.#rotten;
    if (rotten === undefined || !rotten.files.isDamaged) return;
    if (coverage.count("state begun anew") > this.#begunBefore) {
      coverage.mark("membership changed after a state was begun anew");
    }
    const isIn = members.some(({ id }) => id === rotten.id);
    if (of !== rotten.id) {
      if (isIn) coverage.mark("membership changed beside rotten files");
      return;
    }
    tell(`${of} has ${isIn ? "joined" : "left"} with rotten files`);
    coverage.mark(isIn ? "rotten node joins" : "rotten node leaves");
  }

  /** Something has changed at a node: what is demanded of the program holds for its membership. */
  seen(node: StoredNode): void {
    if (!node.isActive || !this.#isFormed || this.#hasOthers(node.configuration)) return;
    const members = node.configuration.members.map(({ id, voter }) => voter ? id : `(${id})`);
    this.#world.fail(new Error(`the simulator's own: ${members} with ${this.#one.id} rotten`));
  }

  /** Takes a node out of the group or lets it join again: every other time the one that rots. */
  reconfigure(): void {
    const { draw } = this.#world;
    const nodes = [...this.#nodes.values()];
    const leader = nodes.find(({ isActive }) => isActive);
    const one = draw(2) === 0 ? this.#one : nodes[draw(nodes.length)];
    if (leader === undefined || one === undefined) return;
    // Who leads can't be taken out: another takes over first.
    if (leader === one) return leader.handOver();
    const { members } = leader.configuration;
    const others = members.filter(({ id }) => id !== one.id);
    const isIn = others.length < members.length;
    const joining = { id: one.id, address: "", voter: false };
    leader.reconfigure({ members: isIn ? others : [...others, joining] });
  }

  /** A bit turns somewhere, for so many milliseconds. */
  rot(ms: number): void {
    const { draw, coverage, tell, time } = this.#world;
    const node = this.#victim();
    if (node === undefined || node.files.isDamaged) return;
    // Who then begins anew has forgotten its log, which is what matters most to a membership.
    const isHead = this.#reconfigures && draw(2) === 0;
    const what = isHead
      ? node.files.rotRow(draw, ["m"])
      : node.files.rot(draw, (path) => !path.includes("damaged-"));
    if (what === undefined) return;
    coverage.mark("row rotten");
    tell(`a bit turns in ${what}`);
    this.#damaged(node, ms);
    if (isHead || draw(2) === 0) {
      node.crash(false);
      time.after(200, () => node.restart());
    }
    time.after(ms, () => this.#mend(node));
  }

  /** The end of a file is lost, for so many milliseconds. */
  tear(ms: number): void {
    const { draw, coverage, tell, time } = this.#world;
    const node = this.#victim();
    if (node === undefined || node.files.isDamaged || !node.process.isAlive) return;
    node.crash(false);
    const what = node.files.tear(draw, (path) => /log-|\/state-/.test(path));
    time.after(200, () => node.restart());
    if (what === undefined) return;
    coverage.mark("file torn");
    tell(`torn off: ${what}`);
    this.#damaged(node, ms);
    time.after(ms, () => this.#mend(node));
  }

  #damaged({ id }: StoredNode, ms: number): void {
    const { draw, time, coverage } = this.#world;
    this.#begunBefore = coverage.count("state begun anew");
    for (let left = this.#reconfigures ? CHANGES : 0; left > 0; left--) {
      time.after(draw(ms), () => this.reconfigure());
    }
    const active = [...this.#nodes.values()].find(({ isActive }) => isActive);
    const member = active?.configuration.members.find((each) => each.id === id);
    if (member?.voter === false) coverage.mark("learner rots");
    if (active !== undefined && member === undefined) coverage.mark("outsider rots");
  }

  #mend(node: StoredNode): void {
    if (!node.files.isDamaged) return;
    this.#world.tell(`the files of ${node.id} are mended`);
    // A process may hold what it read of the damage.
    node.crash(false);
    node.files.mend();
    node.restart();
  }

  /** The node that rots; undefined while none may. */
  #victim(): StoredNode | undefined {
    const one = this.#one;
    this.#isFormed ||= [...this.#nodes.values()].some((node) => {
      return node.isUp && !node.isReconfiguring && this.#hasOthers(node.configuration);
    });
    return this.#isFormed ? one : undefined;
  }

  /** Always the same; drawn when it is first asked for. */
  get #one(): StoredNode {
    const nodes = [...this.#nodes.values()];
    this.#rotten ??= nodes[this.#world.draw(nodes.length)];
    if (this.#rotten === undefined) throw new Error("nobody is there");
    return this.#rotten;
  }

  #hasOthers({ members }: Configuration): boolean {
    const { id: rotten } = this.#one;
    return members.filter(({ id, voter }) => voter && id !== rotten).length >= OTHERS_MIN;
  }
}
