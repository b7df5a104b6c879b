/** All content is replaced in a group of three: everywhere, or nowhere. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { NotLeaderError } from "../../src/storage/storage.ts";
import { clusterTls, port, run, type Running, until } from "./group_kit.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const entries = (count: number, value: string) =>
  Array.from({ length: count }, (_, i) => ({ key: `new/${i}`, value: bytes(value.repeat(i % 9)) }));

interface Three {
  readonly nodes: Running[];
  restart(at: number): Promise<void>;
}

async function three(path: string): Promise<Three> {
  const tls = await clusterTls();
  const ports = [port(), port(), port()];
  const start = (i: number) => run(path, "abc".charAt(i), ports[i] ?? 0, tls);
  const nodes = [await start(0), await start(1), await start(2)];
  const [a, ...others] = nodes;
  assert(a !== undefined);
  await a.storage.group.bootstrap(a.address);
  for (const { storage, address } of others) {
    await a.storage.group.add({ id: storage.nodeId, address });
  }
  await until(() => a.storage.configuration().members.filter(({ voter }) => voter).length === 3);
  return {
    nodes,
    async restart(at) {
      nodes[at] = await start(at);
    },
  };
}

async function inScratch(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "holdfast-replace-" });
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function assertSame(nodes: readonly Running[]): Promise<void> {
  const highest = () => Math.max(...nodes.map(({ storage }) => storage.appliedIndex));
  await until(() => nodes.every(({ storage }) => storage.appliedIndex === highest()));
  const hashes = await Promise.all(nodes.map(({ storage }) => storage.stateHash()));
  for (const each of hashes) assertEquals(each, hashes[0]);
}

function at(nodes: readonly Running[], i: number): Running {
  const node = nodes[i];
  assert(node !== undefined);
  return node;
}

const leaderOf = (nodes: readonly Running[]) =>
  nodes.find(({ storage }) => storage.group.isActive)?.storage;

/** A file that was replaced goes once the other one is in use: nobody who writes waits for that. */
async function noLeftovers(path: string, nodes: readonly Running[]): Promise<void> {
  const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);
  for (const { storage } of nodes) {
    const folder = `${path}/${storage.nodeId}`;
    const states = () => namesIn(folder).filter((name) => /^state-\d+\.kv$/.test(name));
    await until(() => states().length === 1);
    const log = namesIn(`${folder}/raft`);
    assert(!log.some((name) => name.startsWith("staged-")), log.join());
  }
}

Deno.test("a replacement is on all nodes, the membership stays, and writes go on over it", () =>
  inScratch(async (path) => {
    const { nodes } = await three(path);
    const a = at(nodes, 0), b = at(nodes, 1);
    await a.storage.write([{ key: "old", value: bytes("1") }]);
    await assertRejects(() => b.storage.restore(entries(3, "x")), NotLeaderError);
    const writes = Array.from(
      { length: 50 },
      (_, i) => a.storage.write([{ key: `old/${i}`, value: bytes("1") }]),
    );
    await a.storage.restore(entries(2000, "x"));
    await Promise.all(writes);
    await a.storage.write([{ key: "after", value: bytes("2") }]);
    for (const { storage } of nodes) {
      await until(async () => await storage.get("after") !== undefined);
      assertEquals(await storage.get("old"), undefined);
      assertEquals(await storage.get("new/5"), bytes("xxxxx"));
      assertEquals(storage.configuration().members.length, 3);
    }
    await assertSame(nodes);
    await noLeftovers(path, nodes);
    for (const { stop } of nodes) await stop();
  }));

Deno.test("a node that was away meanwhile, or is restarted right after, has it too", () =>
  inScratch(async (path) => {
    const { nodes, restart } = await three(path);
    const a = at(nodes, 0);
    await a.storage.write([{ key: "old", value: bytes("1") }]);
    await at(nodes, 2).stop();
    await a.storage.restore(entries(500, "y"));
    await a.storage.write([{ key: "after", value: bytes("2") }]);
    await at(nodes, 1).stop();
    await restart(1);
    await restart(2);
    await until(() => nodes.every(({ storage }) => storage.configuration().members.length === 3));
    for (const { storage } of nodes) {
      await until(async () => await storage.get("after") !== undefined);
      assertEquals(await storage.get("old"), undefined);
    }
    await assertSame(nodes);
    // Whoever leads next leads from the same content.
    await leaderOf(nodes)?.group.handOver();
    await until(() => leaderOf(nodes) !== undefined);
    await leaderOf(nodes)?.write([{ key: "later", value: bytes("3") }]);
    await assertSame(nodes);
    await noLeftovers(path, nodes);
    for (const { stop } of nodes) await stop();
  }));

Deno.test("without a majority nothing is changed", () =>
  inScratch(async (path) => {
    const { nodes, restart } = await three(path);
    const a = at(nodes, 0);
    await a.storage.write([{ key: "old", value: bytes("1") }]);
    await at(nodes, 1).stop();
    await at(nodes, 2).stop();
    await assertRejects(() => a.storage.restore(entries(100, "z")));
    assertEquals(await a.storage.get("old"), bytes("1"));
    await restart(1);
    await restart(2);
    await until(() => leaderOf(nodes) !== undefined);
    const leader = leaderOf(nodes);
    await leader?.write([{ key: "old", value: bytes("2") }]);
    await assertSame(nodes);
    await leader?.restore(entries(100, "z"));
    await assertSame(nodes);
    await noLeftovers(path, nodes);
    for (const { stop } of nodes) await stop();
  }));

Deno.test("a node that is stopped between the entry and its application goes on at its start", () =>
  inScratch(async (path) => {
    const { nodes, restart } = await three(path);
    const a = at(nodes, 0);
    const replaced = a.storage.restore(entries(3000, "w"));
    const outcome = replaced.then(() => "done", () => "unknown");
    for (let i = 0; i < 8; i++) {
      const index = 1 + i % 2;
      await at(nodes, index).stop();
      await restart(index);
    }
    if (await outcome !== "done") await until(() => leaderOf(nodes) !== undefined);
    await until(() => leaderOf(nodes) !== undefined);
    await leaderOf(nodes)?.write([{ key: "end", value: bytes("1") }]);
    await assertSame(nodes);
    for (const { stop } of nodes) await stop();
  }));
