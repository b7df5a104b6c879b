/**
 * Time and chance as arguments. Nothing below `server/` reads the machine's clock, sets a timer or
 * draws a random number except through these, so that tests and the simulator own all three.
 */

/** Cancels what was scheduled; harmless when it already ran. */
export type Cancel = () => void;

export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Runs `task` once, `delayMs` from now. Does not keep the process alive. */
  after(delayMs: number, task: () => void): Cancel;
}

export interface Random {
  /** `length` bytes fit for keys. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** A version 4 UUID in its usual text form. */
  uuid(): string;
}

/** The real clock. Chosen in `server/` and `cli/` only. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task) {
    // setTimeout takes 31 bits of milliseconds; what is further away is re-armed.
    const longest = 2 ** 31 - 1;
    let id: ReturnType<typeof setTimeout> | undefined;
    const arm = (left: number) => {
      id = setTimeout(() => left > longest ? arm(left - longest) : task(), Math.min(left, longest));
      unref(id);
    };
    arm(Math.max(0, delayMs));
    return () => clearTimeout(id);
  },
};

/** Lets the process end although the timer is pending, whichever of the two forms a timer has. */
function unref(id: ReturnType<typeof setTimeout>): void {
  if (typeof id === "number") Deno.unrefTimer(id);
  else id.unref();
}

/** The kernel's random numbers. Chosen in `server/` and `cli/` only. */
export const systemRandom: Random = {
  bytes(length) {
    const out = new Uint8Array(length);
    // getRandomValues fills at most 64 KiB a call.
    for (let at = 0; at < length; at += 65536) crypto.getRandomValues(out.subarray(at, at + 65536));
    return out;
  },
  uuid: () => crypto.randomUUID(),
};

/** Sleeps on a clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve));
}

/** Waits until some work has ended, or for so long. Throws what the work throws in that time. */
export async function waitAtMost(
  clock: Clock,
  milliseconds: number,
  work: Promise<unknown>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(milliseconds, resolve);
  try {
    await Promise.race([work, promise]);
  } finally {
    cancel();
  }
}
