/** A network that loses, doubles, delays and reorders, and can be cut one way. */
import type { Message } from "../consensus/messages.ts";
import type { Lasting } from "./nemesis.ts";
import type { Process } from "./virtual_time.ts";
import type { Surroundings } from "./world.ts";

/** Out of 1000 messages each. */
export interface NetworkFaults {
  lost: number;
  doubled: number;
  overtaken: number;
  /** Of those that carry entries: large packets vanish where small ones pass. */
  appendsLost: number;
  /** Milliseconds that a message takes at most where it is not overtaken. */
  delayMs: number;
}

/** A message that is overtaken comes so many milliseconds later at most. */
const LATE_MS = 400;

/** Milliseconds that a state is on its way, at most. */
const STATE_MS = 300;

interface StateReceiver {
  readonly isUp: boolean;
  readonly process: Process;
}

interface StateDelivery<N> {
  readonly receive: (node: N) => Promise<boolean>;
  /** Told why the node would not take it. Throws what must not happen. */
  readonly refused: (error: unknown, node: N) => void;
  readonly goneMs: number;
}

/** From one node to another. */
interface Link {
  /** As in `cuts`. */
  readonly name: string;
  /** When the last message arrives; others follow it. */
  lastAt: number;
}

export class SimulatedNetwork {
  /** "a>b" where nothing gets from a to b. */
  readonly cuts = new Set<string>();
  readonly faults: NetworkFaults;
  readonly #world: Surroundings;
  readonly #deliver: (message: Message) => void;
  readonly #links = new Map<string, Map<string, Link>>();

  constructor(
    world: Surroundings,
    lasting: ReadonlySet<Lasting>,
    deliver: (message: Message) => void,
  ) {
    const { draw } = world;
    this.#world = world;
    this.faults = {
      lost: lasting.has("loss") ? 10 + draw(150) : 0,
      doubled: lasting.has("doubling") ? 10 + draw(200) : 0,
      overtaken: lasting.has("overtaking") ? 10 + draw(300) : 0,
      appendsLost: 0,
      delayMs: lasting.has("delay") ? 20 + draw(200) : 5,
    };
    this.#deliver = deliver;
  }

  /** Everything gets through from now on, and soon. */
  mend(): void {
    this.cuts.clear();
    Object.assign(this.faults, { lost: 0, doubled: 0, overtaken: 0, appendsLost: 0, delayMs: 5 });
  }

  /**
   * Brings a state to a node by a connection of its own, which notices after `goneMs` that its other
   * end is gone; whether it was taken.
   */
  carryState<N extends StateReceiver>(
    from: string,
    to: string,
    nodes: ReadonlyMap<string, N>,
    { receive, refused, goneMs }: StateDelivery<N>,
  ): Promise<boolean> {
    const { time, draw } = this.#world;
    return new Promise((resolve) => {
      time.after(1 + draw(STATE_MS), () => {
        const node = nodes.get(to);
        if (node === undefined || !node.isUp || !this.passes(from, to)) return resolve(false);
        const gone = time.after(goneMs, () => resolve(false));
        node.process.run(() => {
          receive(node).then((taken) => {
            gone();
            resolve(taken);
          }, (error) => {
            refused(error, node);
            resolve(false);
          });
        });
      });
    });
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.size > 0 && this.cuts.has(this.#link(from, to).name);
  }

  #link(from: string, to: string): Link {
    const known = this.#links.get(from)?.get(to);
    if (known !== undefined) return known;
    const link: Link = { name: `${from}>${to}`, lastAt: 0 };
    const links = this.#links.get(from) ?? new Map<string, Link>();
    this.#links.set(from, links.set(to, link));
    return link;
  }

  /** Whether chance lets this one through. */
  passes(from: string, to: string): boolean {
    const { draw, coverage } = this.#world;
    if (this.isCut(from, to)) {
      coverage.mark("message cut off");
      return false;
    }
    if (draw(1000) >= this.faults.lost) return true;
    coverage.mark("message lost");
    return false;
  }

  send(message: Message): void {
    const { draw, coverage } = this.#world;
    if (!this.passes(message.from, message.to)) return;
    const isLarge = message.type === "append" && message.entries.length > 0;
    if (isLarge && draw(1000) < this.faults.appendsLost) return coverage.mark("append lost");
    this.#schedule(message);
    if (draw(1000) >= this.faults.doubled) return;
    coverage.mark("message doubled");
    this.#schedule(message);
  }

  #schedule(message: Message): void {
    const { time, draw, coverage } = this.#world;
    const link = this.#link(message.from, message.to);
    let at = time.now + 1 + draw(this.faults.delayMs);
    if (draw(1000) < this.faults.overtaken) {
      at += draw(LATE_MS);
      coverage.mark("message overtaken");
    } else {
      at = Math.max(at, link.lastAt);
      link.lastAt = at;
    }
    time.after(at - time.now, () => {
      if (this.isCut(message.from, message.to)) coverage.mark("message cut off");
      else this.#deliver(message);
    });
  }
}
