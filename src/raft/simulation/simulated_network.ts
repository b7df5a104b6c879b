/** A network that loses, doubles, delays and reorders, and can be cut one way. */
import type { Message } from "../consensus/messages.ts";
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

export class SimulatedNetwork {
  /** "a>b" where nothing gets from a to b. */
  readonly cuts = new Set<string>();
  readonly faults: NetworkFaults;
  readonly #world: Surroundings;
  readonly #deliver: (message: Message) => void;
  /** When the last message between two nodes arrives; others follow it. */
  readonly #lastAt = new Map<string, number>();

  constructor(world: Surroundings, faults: NetworkFaults, deliver: (message: Message) => void) {
    this.#world = world;
    this.faults = faults;
    this.#deliver = deliver;
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from}>${to}`);
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
    const pair = `${message.from}>${message.to}`;
    let at = time.now + 1 + draw(this.faults.delayMs);
    if (draw(1000) < this.faults.overtaken) {
      at += draw(LATE_MS);
      coverage.mark("message overtaken");
    } else {
      at = Math.max(at, this.#lastAt.get(pair) ?? 0);
      this.#lastAt.set(pair, at);
    }
    time.after(at - time.now, () => {
      if (this.isCut(message.from, message.to)) coverage.mark("message cut off");
      else this.#deliver(message);
    });
  }
}
