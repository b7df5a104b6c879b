/** All content is replaced in a group of three: everywhere, or nowhere. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  NotLeaderError,
  ReplacementUnderWayError,
  StorageError,
} from "../../src/storage/storage.ts";
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
    // Whoever led before the two were stopped may think so for a moment more.
    await until(async () => {
      const written = leaderOf(nodes)?.write([{ key: "old", value: bytes("2") }]);
      return await written?.then(() => true, () => false) ?? false;
    });
    await assertSame(nodes);
    await leaderOf(nodes)?.restore(entries(100, "z"));
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

Deno.test("writes go on while content is staged and spread, and none is mixed with it", () =>
  inScratch(async (path) => {
    const { nodes } = await three(path);
    const a = at(nodes, 0);
    const write = (key: string) => a.storage.write([{ key, value: bytes("1") }]);
    const replacement = a.storage.replacement();
    await replacement.stage(entries(2000, "x"));
    await write("old/staged");
    await replacement.spread();
    await write("old/spread");
    assertEquals(await a.storage.get("new/5"), undefined);
    // What is under way as it is put in use comes before it, or to nothing.
    const under = Array.from({ length: 100 }, (_, i) => write(`old/under/${i}`));
    const used = replacement.use();
    under.push(...Array.from({ length: 100 }, (_, i) => write(`old/under/${100 + i}`)));
    const outcomes = await Promise.allSettled(under);
    await used;
    await replacement.close();
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") assert(outcome.reason instanceof NotLeaderError);
    }
    await write("after");
    for (const { storage } of nodes) {
      await until(async () => await storage.get("after") !== undefined);
      assertEquals(await storage.list("old/"), []);
      assertEquals(await storage.get("new/5"), bytes("xxxxx"));
    }
    await assertSame(nodes);
    await noLeftovers(path, nodes);
    for (const { stop } of nodes) await stop();
  }));

Deno.test("a second replacement is refused until the first is closed, which leaves nothing", () =>
  inScratch(async (path) => {
    const { nodes } = await three(path);
    const a = at(nodes, 0);
    const first = a.storage.replacement();
    await first.stage(entries(500, "x"));
    assertThrows(() => a.storage.replacement(), ReplacementUnderWayError);
    await assertRejects(() => a.storage.restore(entries(3, "y")), ReplacementUnderWayError);
    await first.close();
    await noLeftovers(path, [a]);
    await assertRejects(() => first.spread(), StorageError, "is gone");
    const second = a.storage.replacement();
    await second.stage(entries(500, "x"));
    await second.stage(entries(20, "y"));
    await second.spread();
    await second.use();
    await second.close();
    assertEquals((await a.storage.list("new/")).length, 20);
    assertEquals(await a.storage.get("new/2"), bytes("yy"));
    await noLeftovers(path, nodes);
    for (const { stop } of nodes) await stop();
  }));

Deno.test("content of a leadership that was lost since is not put in use", () =>
  inScratch(async (path) => {
    const { nodes } = await three(path);
    const a = at(nodes, 0);
    await a.storage.write([{ key: "old", value: bytes("1") }]);
    const replacement = a.storage.replacement();
    await replacement.stage(entries(500, "x"));
    await replacement.spread();
    assert(await a.storage.group.handOver());
    await until(() => leaderOf(nodes) !== undefined);
    await assertRejects(() => replacement.use(), NotLeaderError);
    // Not either where it has been won again.
    await until(async () => {
      await leaderOf(nodes)?.group.handOver((id) => id === a.storage.nodeId);
      return leaderOf(nodes) === a.storage;
    });
    await assertRejects(() => replacement.use(), NotLeaderError);
    await replacement.close();
    assertEquals(await a.storage.get("old"), bytes("1"));
    await assertSame(nodes);
    // The next one finds what the others still have of it, and leaves nothing.
    await a.storage.restore(entries(20, "y"));
    await assertSame(nodes);
    await noLeftovers(path, nodes);
    for (const { stop } of nodes) await stop();
  }));

Deno.test("content that comes to a node twice at once is staged there once", () =>
  inScratch(async (path) => {
    const { nodes } = await three(path);
    for (const node of nodes) node.doubled = true;
    // More than fits between two nodes: who is late must not wait for somebody to take it all.
    const large = Array.from({ length: 200 }, (_, i) => ({
      key: `new/${i}`,
      value: new Uint8Array(60_000).fill(i),
    }));
    for (let round = 0; round < 3; round++) {
      // All three are in this process, and one that is busy may lose its leadership.
      await until(
        async () => await leaderOf(nodes)?.restore(large).then(() => true, () => false) ?? false,
        30_000,
      );
      await assertSame(nodes);
      await noLeftovers(path, nodes);
    }
    for (const { stop } of nodes) await stop();
  }));
