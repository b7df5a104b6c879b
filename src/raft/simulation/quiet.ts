/** Work that follows without time passing: all of it has happened before time goes on. */
import { setImmediate } from "node:timers";

/** Turns of the event loop, as far as the simulator has its own. */
export class Turns {
  #waiting: (() => void)[] = [];

  /** Resolves once something else has happened meanwhile: when the next step is done. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Nothing has happened yet, after all. */
  putBack(waiting: readonly (() => void)[]): void {
    this.#waiting.unshift(...waiting);
  }

  /** Who waits now. */
  take(): readonly (() => void)[] {
    return this.#waiting.splice(0);
  }
}

/**
 * Takes steps until one says that it was the last. After each, everything that it set off, however
 * many promises follow each other, has come to its end, but for what waits for a turn.
 */
export async function stepQuietly(step: () => boolean, turns = new Turns()): Promise<void> {
  if (!step()) return;
  const drain = microtasks();
  await inOneTurn(() => {
    for (;;) {
      const waiting = turns.take();
      if (!step()) return turns.putBack(waiting);
      drain();
      for (const goOn of waiting) {
        goOn();
        drain();
      }
    }
  });
}

/** What waits for promises can't be run by what itself waited for one. */
function inOneTurn(work: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/**
 * Runs what waits for promises, at once. Deno keeps it to itself; a turn of the event loop does the
 * same and takes twenty times as long, which is more than all else that a step does.
 */
function microtasks(): () => void {
  const inner = memberOf(memberOf(Deno, memberOf(Deno, "internal")), "core");
  const run = memberOf(inner, "runMicrotasks");
  if (typeof run !== "function") throw new Error("this Deno can't run what waits for promises");
  return () => void Reflect.apply(run, inner, []);
}

function memberOf(owner: unknown, key: unknown): unknown {
  if (typeof owner !== "object" || owner === null) return undefined;
  return typeof key === "string" || typeof key === "symbol" ? Reflect.get(owner, key) : undefined;
}
