/**
 * `deno task bench-snapshot --mib 1024`: what a snapshot costs those who work meanwhile. Fills a node
 * with so many MiB of secrets, then reads and writes small ones, before and while a snapshot is
 * saved and restored, and tells the slowest of each and how memory grows.
 */
import { parseArgs } from "node:util";
import { TestNode } from "../tests/e2e/node.ts";
import { repeat, resident, seconds, sleep, tell } from "./bench_kit.ts";

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "1024" },
    connections: { type: "string", default: "8" },
  },
});
const mib = Number(values.mib);
const connections = Number(values.connections);
/** In base64, of three quarters as many random bytes. */
const secretBytes = 64 * 1024;
const small = 1000;

/**
 * Every fourth request writes, the others read, until it is over; milliseconds each. A restore refuses
 * some for the moment in which it puts the content in place.
 */
async function load(node: TestNode, isOver: () => boolean) {
  const times: number[] = [];
  let n = 0;
  let refused = 0;
  await Promise.all(Array.from({ length: connections }, async () => {
    while (!isOver()) {
      const key = `kv/small/${n % small}`;
      const start = performance.now();
      const { status } = n++ % 4 === 0
        ? await node.api("POST", key, { value: `${n}` })
        : await node.api("GET", key);
      if (status === 503) refused++;
      else if (status >= 400) throw new Error(`${key} was answered ${status}`);
      times.push(performance.now() - start);
    }
  }));
  return { times: times.sort((a, b) => a - b), refused };
}

function tellTimes(what: string, times: readonly number[]): void {
  const at = (share: number) => (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1);
  const figures = `${times.length} requests, median ${at(0.5)}, p99.9 ${at(0.999)}, slowest ${
    at(1)
  }`;
  tell(what, `${figures} ms`);
}

await using node = await TestNode.create();
await node.setUp();
await node.api("POST", "sys/mounts/kv", { type: "kv", options: { version: "1" } });
const filling = performance.now();
await repeat(Math.ceil(mib * 1024 * 1024 / secretBytes), 4, async (n) => {
  const random = crypto.getRandomValues(new Uint8Array(secretBytes * 3 / 4));
  const { status } = await node.api("POST", `kv/large/${n}`, { value: random.toBase64() });
  if (status >= 400) throw new Error(`kv/large/${n} was answered ${status}`);
});
await repeat(small, connections, async (n) => {
  await node.api("POST", `kv/small/${n}`, { value: `${n}` });
});
tell(`${mib} MiB of secrets written in`, `${seconds(filling)} s`);
await sleep(20_000);

const before = performance.now();
tellTimes("before", (await load(node, () => performance.now() - before > 10_000)).times);
const saved = `${node.folder}/saved`;
await underLoad("saved", ["save", saved]);
tell("its size", `${((await Deno.stat(saved)).size / 1024 / 1024).toFixed(0)} MiB`);
await sleep(10_000);
await underLoad("restored", ["restore", saved]);

/** Runs a command of `operator raft snapshot` while others work, and tells what that costs them. */
async function underLoad(what: string, command: readonly string[]): Promise<void> {
  const resting = await resident(node);
  let peak = resting;
  let isOver = false;
  const watch = (async () => {
    while (!isOver) {
      peak = Math.max(peak, await resident(node));
      await sleep(50);
    }
  })();
  const start = performance.now();
  const run = node.cli(["operator", "raft", "snapshot", ...command]).then((output) => {
    isOver = true;
    tell(`snapshot ${what} in`, `${seconds(start)} s`);
    if (output.code !== 0) throw new Error(output.text);
  });
  const { times, refused } = await load(node, () => isOver);
  await Promise.all([run, watch]);
  tellTimes("  meanwhile", times);
  tell("  refused meanwhile, with status 503", refused);
  tell("  resident before, at most meanwhile", `${resting}, ${peak} MiB`);
}
