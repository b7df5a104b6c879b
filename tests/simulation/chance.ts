/** What a client does next, as the seed has it. Each question draws once, whatever the answer. */
import type { Surroundings } from "../../src/raft/simulation/world.ts";
import type { Work } from "./kind.ts";

export class Chance {
  readonly #draw: Surroundings["draw"];

  constructor({ draw }: Pick<Surroundings, "draw">) {
    this.#draw = draw;
  }

  /** Undefined where there are none. */
  pick<T>(all: readonly T[]): T | undefined {
    return all[this.#draw(all.length)];
  }

  /** Works on one of them, where there are any. */
  on<T>(all: readonly T[], work: (one: T) => Work): Work {
    const one = this.pick(all);
    return one === undefined ? undefined : work(one);
  }

  /** One time in `bound`. */
  perhaps(bound: number, work: () => Work): Work {
    return this.#draw(bound) === 0 ? work() : undefined;
  }
}
