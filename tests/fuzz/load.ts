/** Ordinary requests that go on while a node is fuzzed, and how long they take. */
import type { TestNode } from "../e2e/node.ts";

export interface LoadResult {
  readonly count: number;
  readonly failures: readonly string[];
  readonly p99Ms: number;
}

/** Reads and writes of one key each, of names that fuzzing does not know, four at a time, until stopped. */
export function startLoad(node: TestNode): { stop(): Promise<LoadResult> } {
  const times: number[] = [];
  const failures: string[] = [];
  let isStopped = false;
  const one = async (name: string, n: number) => {
    const began = performance.now();
    const write = await node.api("PUT", `load/${name}`, { n });
    const read = await node.api("GET", `load/${name}`);
    times.push((performance.now() - began) / 2);
    if (write.status !== 204) {
      failures.push(`write ${write.status} ${JSON.stringify(write.body)}`);
      return;
    }
    if (read.get("data.n") !== n) failures.push(`read ${read.status} ${JSON.stringify(read.body)}`);
  };
  const lanes = ["lane-1", "lane-2", "lane-3", "lane-4"].map(async (name) => {
    for (let n = 0; !isStopped; n++) {
      try {
        await one(name, n);
      } catch (error) {
        failures.push(String(error));
        if (failures.length > 20) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  return {
    async stop() {
      isStopped = true;
      await Promise.all(lanes);
      times.sort((a, b) => a - b);
      return { count: times.length, failures, p99Ms: times[Math.floor(times.length * 0.99)] ?? 0 };
    },
  };
}
