/**
 * A bit of the log has turned on a node's disk: a leader that meets it, where a peer needs the entry,
 * names it and lets another lead; a node that needs the entry itself to start stays out.
 */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { encodeKey } from "../../src/raft/sqlite_keys.ts";
import { eventually, scratch, spawn } from "../../src/server/testing.ts";
import { startLoad } from "./load.ts";
import {
  activeOf,
  call,
  type ClusterNode,
  kill,
  makeCluster,
  settled,
  start,
  voters,
} from "./process_kit.ts";

/** Turns a bit of an entry on a node that does not run; returns the name of its file. */
async function turnBit(node: ClusterNode, index: number): Promise<string> {
  for await (const { name } of Deno.readDir(`${node.folder}/raft`)) {
    if (!/^log-\d+\.kv$/.test(name)) continue;
    using file = new DatabaseSync(`${node.folder}/raft/${name}`);
    const key = encodeKey(["e", index]);
    const row = file.prepare("select v from kv where k = ?").get(key);
    if (!(row?.v instanceof Uint8Array)) continue;
    const value = row.v;
    value[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
    file.prepare("update kv set v = ? where k = ?").run(value, key);
    return name;
  }
  throw new Error(`${node.id} has no log entry ${index}`);
}

/** Up to where the log is committed. */
async function committed(node: ClusterNode, token: string): Promise<number> {
  const told = await call(node, "sys/storage/raft/configuration", { token });
  return Number(told.at("data", "config", "index"));
}

async function warnings(node: ClusterNode): Promise<string> {
  const response = await fetch(`${node.address}/v1/sys/health?standbyok=true`);
  return await response.text();
}

Deno.test("a damaged log entry that a follower needs is named, and another node leads on", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token, key } = cluster;
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  const restart = async (node: ClusterNode) => {
    await start(node);
    await call(node, "sys/unseal", { body: { key } });
  };
  await eventually(async () => await voters(a, token) === 3);
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  const before = await committed(a, token);
  await kill(c, "SIGTERM");
  const old = Array.from({ length: 60 }, (_, i) => `old${i}`);
  for (const name of old) await call(a, `secret/${name}`, { token, body: { value: name } });
  // What is flushed in a clean end is not read again at the start, so nobody meets the damage there.
  await Promise.all([kill(a, "SIGTERM"), kill(b, "SIGTERM")]);
  const file = await turnBit(a, before + 30);
  await Promise.all([a, b].map(restart));
  await settled([a, b]);
  for (let i = 0; i < 5 && await activeOf([a]) === undefined; i++) {
    await call(await settled([a, b]), "sys/step-down", { token, method: "PUT" });
    await eventually(async () => await activeOf([a]) !== undefined, undefined, 3000)
      .catch(() => {});
  }
  assertEquals((await settled(nodes)).id, "a");
  assert(!(await warnings(a)).includes("damaged"));

  const load = startLoad(nodes, token);
  await restart(c);
  await a.process?.saw("a log entry that a peer needs is damaged");
  await a.process?.saw("leadership was handed over because of damage in the log");
  const named = a.process?.output().split("\n").find((line) => line.includes("that a peer needs"));
  assert(named?.includes(file) && named.includes(`${before + 30}`), named);
  assertEquals((await settled(nodes)).id, "b");
  await eventually(
    async () => (await warnings(a)).includes("are damaged; see the log"),
    undefined,
    15_000,
  );
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const acknowledged = await load.stop();
  assertEquals(load.errors, []);
  assert(load.acknowledged() > 0);
  console.log(`the longest time without a write: ${load.longestGapMs()} ms`);

  const allThere = async (some: readonly ClusterNode[]) => {
    for (const node of some) {
      for (const name of old) {
        assertEquals((await call(node, `secret/${name}`, { token })).at("data", "value"), name);
      }
      for (const [name, value] of acknowledged) {
        const found = Number((await call(node, `secret/${name}`, { token })).at("data", "value"));
        assert(found >= value, `${node.id}: ${name} is ${found}, acknowledged was ${value}`);
      }
    }
  };
  await allThere(nodes);
  // Who has the damage counts still: the two of them have everything, and write.
  await kill(b);
  await call(await settled([a, c]), "secret/after", { token, body: { value: "1" } });
  await allThere([a, c]);

  await restart(b);
  const last = await committed(await settled(nodes), token);
  await kill(a);
  const needed = await turnBit(a, last);
  const ran = spawn(["server", `-config=${a.config}`]);
  assertEquals(await ran.ended, 1);
  assert(ran.output().includes(needed), ran.output());
  await call(await settled([b, c]), "secret/after", { token, body: { value: "2" } });
  await allThere([b, c]);
});
