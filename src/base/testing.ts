/** Ports for tests that start servers. Not for use outside of tests. */

/** Given out lately: whoever got one may not listen on it yet. */
const given: number[] = [];
const rememberedMax = 100;

/**
 * A free port out of `count` from `first` on; with `inARow` the next ones are free as well. Each test
 * kit has a range of its own, below those that the system gives out by itself.
 */
export function freePortIn(first: number, count: number, inARow = 1): number {
  for (let tries = 0; tries < 1000; tries++) {
    const port = first + inARow * Math.floor(Math.random() * Math.floor(count / inARow));
    if (given.includes(port)) continue;
    try {
      for (let i = 0; i < inARow; i++) {
        Deno.listen({ hostname: "127.0.0.1", port: port + i }).close();
      }
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) continue;
      throw error;
    }
    given.push(port);
    if (given.length > Math.min(rememberedMax, count / inARow / 2)) given.shift();
    return port;
  }
  throw new Error("no free port");
}
