/**
 * Lets virtual time pass for programs that wait for turns of the event loop by themselves, which is
 * slower than `quiet.ts`.
 */
import { setImmediate } from "node:timers";
import type { Turns } from "./quiet.ts";
import type { VirtualTime } from "./virtual_time.ts";

export interface Passing {
  readonly time: VirtualTime;
  readonly turns: Turns;
}

/** Until that is so, or nothing is left to happen. */
export async function passTime({ time, turns }: Passing, until: () => boolean): Promise<void> {
  while (!until()) {
    const waiting = turns.take();
    if (!time.next()) return turns.putBack(waiting);
    await quiet();
    for (const goOn of waiting) goOn();
    if (waiting.length > 0) await quiet();
  }
}

/** Everything that follows without time passing has happened. */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
