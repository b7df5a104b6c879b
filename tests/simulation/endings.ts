/** The end of something: by itself, by somebody's clock, or because somebody asked for it. */
import type { VirtualTime } from "../../src/raft/simulation/virtual_time.ts";
import type { Span } from "./clocks.ts";

/** Within what something ends by itself, milliseconds since the epoch. */
export interface End {
  readonly low: number;
  readonly high: number;
}

export const whenever: End = { low: -Infinity, high: Infinity };

/** That somebody asked for an end, in milliseconds of virtual time. */
export interface Ending {
  readonly from: number;
  /** Undefined as long as no answer has come, or none will. */
  doneAt?: number;
}

/** To be told of the answer. */
export interface Begun {
  readonly done: () => void;
}

/** Somebody asks for an end. */
export function begin(endings: Ending[], time: VirtualTime): Begun {
  const ending: Ending = { from: time.now };
  endings.push(ending);
  return {
    done: () => {
      ending.doneAt = time.now;
    },
  };
}

/** Whether it was acknowledged before `start`. */
export function isDone({ doneAt }: Ending, start: number): boolean {
  return doneAt !== undefined && doneAt < start;
}

/** Whether one of them was. */
export function isAnyDone(endings: readonly Ending[], start: number): boolean {
  return endings.some((ending) => isDone(ending, start));
}

/** That of something that was made within `span`. */
export function endAfter({ low, high }: Span, ttlSeconds: number): End {
  return { low: low + ttlSeconds * 1000, high: high + ttlSeconds * 1000 };
}
