/** What the benchmarks of this folder share. */
import type { TestNode } from "../tests/e2e/node.ts";

/** A line for one figure. */
export function tell(what: string, value: string | number): void {
  console.log(`${what.padEnd(58)} ${value}`);
}

/** Seconds since a moment of `performance.now()`, with two digits. */
export const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(2);

export const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Resident memory, MiB. */
export async function resident(node: TestNode): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${node.pid}/status`);
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** Calls `make` so many times, by so many connections. */
export async function repeat(
  count: number,
  connections: number,
  make: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: connections }, async () => {
    while (next < count) await make(next++);
  }));
}
