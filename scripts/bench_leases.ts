/**
 * `deno task bench-leases --leases 1000000`: what leases cost that only lie there, and what it costs
 * to end them, on a built node over real files. Prints one line a figure.
 *
 * Leases here are those of service tokens. `--ending N` of them are given one common end, and reads
 * are counted before and meanwhile; `--prefix N` are revoked in one call, the node being killed in
 * the middle.
 */
import { parseArgs } from "node:util";
import { TestNode } from "../tests/e2e/node.ts";
import { fillWithTokens } from "./bench_fill.ts";
import { repeat, resident, seconds, sleep, tell } from "./bench_kit.ts";

const { values } = parseArgs({
  options: {
    leases: { type: "string", default: "100000" },
    ending: { type: "string", default: "100000" },
    prefix: { type: "string", default: "100000" },
    connections: { type: "string", default: "32" },
  },
});
const atRest = Number(values.leases);
const ending = Number(values.ending);
const byPrefix = Number(values.prefix);
const connections = Number(values.connections);

async function leaseCount(node: TestNode): Promise<string> {
  const found = await node.api("GET", "sys/quotas/lease-count/default");
  return String(found.get("data.counter"));
}

async function createTokens(node: TestNode, role: string, count: number, ttl: () => string) {
  await node.api("POST", `auth/token/roles/${role}`, { orphan: true });
  const since = performance.now();
  await repeat(count, connections, async () => {
    const made = await node.api("POST", `auth/token/create/${role}`, { ttl: ttl() });
    if (made.status !== 200) throw new Error(JSON.stringify(made.body));
  });
  const rate = Math.round(count / ((performance.now() - since) / 1000));
  tell(`create ${count} tokens`, `${seconds(since)} s, ${rate}/s`);
}

/** Reads a second, by all connections, while `during` is true. */
async function readRate(node: TestNode, during: () => boolean): Promise<number> {
  const since = performance.now();
  let reads = 0;
  await Promise.all(Array.from({ length: 4 }, async () => {
    while (during()) {
      const { status } = await node.api("GET", "kv/one");
      if (status !== 200) throw new Error(`a read was answered ${status}`);
      reads++;
    }
  }));
  return Math.round(reads / ((performance.now() - since) / 1000));
}

async function restart(node: TestNode, what: string): Promise<void> {
  await node.stop("SIGTERM");
  await node.start();
  const since = performance.now();
  await node.unseal();
  while ((await node.api("GET", "kv/one")).status !== 200) await sleep(5);
  tell(`${what}: unseal to the first read`, `${seconds(since)} s`);
  const start = performance.now();
  const rate = await readRate(node, () => performance.now() - start < 5000);
  tell(`${what}: reads in the first 5 s, 4 connections`, `${rate}/s`);
  // What the start and counting the leases have left behind is collected by then.
  await sleep(40_000);
  tell(`${what}: resident after a restart`, `${await resident(node)} MiB`);
}

/** Whether a role has leases. */
async function hasLeases(node: TestNode, role: string): Promise<boolean> {
  const found = await node.api("LIST", `sys/leases/lookup/auth/token/create/${role}?limit=1`);
  return found.status === 200;
}

async function expire(node: TestNode): Promise<void> {
  const quiet = performance.now();
  const before = await readRate(node, () => performance.now() - quiet < 5000);
  tell("reads before, 4 connections", `${before}/s`);
  const end = Date.now() + 20_000 + ending / 2;
  const ttl = () => `${Math.max(1, Math.round((end - Date.now()) / 1000))}s`;
  await createTokens(node, "ending", ending, ttl);
  await sleep(Math.max(0, end - Date.now()));
  const since = performance.now();
  let gone = false;
  const watch = (async () => {
    while (await hasLeases(node, "ending")) await sleep(500);
    gone = true;
  })();
  const meanwhile = await readRate(node, () => !gone);
  await watch;
  const rate = Math.round(ending / ((performance.now() - since) / 1000));
  tell(`${ending} leases that end in one second are gone after`, `${seconds(since)} s, ${rate}/s`);
  tell("reads meanwhile", `${meanwhile}/s, ${(meanwhile / before).toFixed(2)} of the rate before`);
}

async function revokePrefix(node: TestNode): Promise<void> {
  await createTokens(node, "prefix", byPrefix, () => "24h");
  const since = performance.now();
  const call = node.api("PUT", "sys/leases/revoke-prefix/auth/token/create/prefix");
  // Killed in the middle, it goes on.
  const broken = call.then(() => "answered", () => "broken off");
  await sleep(2000);
  await node.stop("SIGKILL");
  const outcome = await broken;
  await node.start();
  await node.unseal();
  tell("revoke-prefix, killed after 2 s", outcome);
  while (await hasLeases(node, "prefix")) await sleep(100);
  tell(`revoke-prefix over ${byPrefix}, with the restart`, `${seconds(since)} s`);
}

await using node = await TestNode.create("disable_mlock = true");
await node.setUp();
await node.api("POST", "sys/mounts/kv", { type: "kv", options: { version: "1" } });
await node.api("POST", "kv/one", { value: "x".repeat(256) });
await node.api("POST", "sys/quotas/lease-count/default", { max_leases: 10_000_000 });
await restart(node, "empty node");
await createTokens(node, "rest", Math.min(atRest, 10_000), () => "24h");
tell("resident after that", `${await resident(node)} MiB`);
await node.stop("SIGTERM");
const filling = performance.now();
await fillWithTokens(node.data, node.keys?.unsealKey ?? "", "rest", atRest);
tell(`${atRest} more, put there at rest`, `${seconds(filling)} s`);
await restart(node, `${atRest} at rest`);
tell("lease counter", await leaseCount(node));
if (ending > 0) await expire(node);
if (byPrefix > 0) await revokePrefix(node);
