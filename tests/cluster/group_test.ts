/** Three storages over real TLS: they replicate, elect, catch up by log and by state. */
import { assertEquals, assertRejects } from "@std/assert";
import { NotLeaderError, OutcomeUnknownError } from "../../src/storage/storage.ts";
import { clusterTls, port, run, type Running, until } from "./group_kit.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) =>
  value === undefined ? undefined : new TextDecoder().decode(value);

async function threeNodes(path: string): Promise<Running[]> {
  const tls = await clusterTls();
  const nodes: Running[] = [];
  for (const id of ["a", "b", "c"]) nodes.push(await run(path, id, port(), tls));
  const [a, ...others] = nodes;
  if (a === undefined) throw new Error("no node");
  await a.storage.group.bootstrap(a.address);
  for (const { storage, address } of others) {
    await a.storage.group.add({ id: storage.nodeId, address });
  }
  await until(() => a.storage.configuration().members.filter(({ voter }) => voter).length === 3);
  return nodes;
}

async function inScratch(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "holdfast-cluster-" });
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const leaderOf = (nodes: readonly Running[]) =>
  nodes.find(({ storage }) => storage.group.isActive)?.storage;

Deno.test("what the leader acknowledges is on all nodes, and only the leader takes writes", () =>
  inScratch(async (path) => {
    const nodes = await threeNodes(path);
    const [a, b] = nodes;
    await a?.storage.write([{ key: "x", value: bytes("1") }]);
    for (const { storage } of nodes) await until(async () => text(await storage.get("x")) === "1");
    await assertRejects(
      () => b?.storage.write([{ key: "x", value: bytes("2") }]) ?? Promise.resolve(),
      NotLeaderError,
    );
    await b?.storage.group.confirm();
    await Promise.all(
      Array.from(
        { length: 2000 },
        (_, i) => a?.storage.write([{ key: `k/${i}`, value: bytes("v".repeat(200)) }]),
      ),
    );
    for (const { stop } of nodes) await stop();
  }));

Deno.test("a new leader follows when one hands over, and when one is gone", () =>
  inScratch(async (path) => {
    const nodes = await threeNodes(path);
    const [a] = nodes;
    await a?.storage.write([{ key: "x", value: bytes("1") }]);
    assertEquals(await a?.storage.group.handOver(), true);
    await until(() => leaderOf(nodes) !== undefined);
    const second = leaderOf(nodes);
    await second?.write([{ key: "y", value: bytes("2") }]);
    const gone = nodes.find(({ storage }) => storage === second);
    await gone?.stop();
    const rest = nodes.filter((node) => node !== gone);
    await until(() => leaderOf(rest) !== undefined);
    const third = leaderOf(rest);
    await third?.write([{ key: "z", value: bytes("3") }]);
    assertEquals(text(await third?.get("y")), "2");
    for (const { stop } of rest) await stop();
  }));

Deno.test("who was away catches up, by the log or by the whole state", () =>
  inScratch(async (path) => {
    const tls = await clusterTls();
    const ports = [port(), port()];
    const small = { logBytesMax: 1, segmentBytes: 20_000, flushBytes: 1000 };
    const a = await run(path, "a", ports[0] ?? 0, tls, small);
    await a.storage.group.bootstrap(a.address);
    let b = await run(path, "b", ports[1] ?? 0, tls, small);
    await a.storage.group.add({ id: "b", address: b.address, staysLearner: true });
    await a.storage.write([{ key: "x", value: bytes("1") }]);
    await until(async () => text(await b.storage.get("x")) === "1");
    await b.stop();
    for (let i = 0; i < 60; i++) {
      await a.storage.write([{ key: `k/${i}`, value: bytes("v".repeat(30000)) }]);
    }
    await a.storage.write([{ key: "x", value: null }]);
    await a.storage.compact();
    // What others may write on this node is not theirs.
    b = await run(path, "b", ports[1] ?? 0, tls, { ...small, maxEntrySize: 1000 });
    await until(() => b.storage.appliedIndex === a.storage.appliedIndex);
    assertEquals(await b.storage.get("x"), undefined);
    assertEquals((await b.storage.stateHash()).hash, (await a.storage.stateHash()).hash);
    await a.storage.write([{ key: "y", value: bytes("2") }]);
    await until(async () => text(await b.storage.get("y")) === "2");
    await b.stop();
    b = await run(path, "b", ports[1] ?? 0, tls, small);
    await until(() => b.storage.appliedIndex === a.storage.appliedIndex);
    for (const { stop } of [a, b]) await stop();
  }));

Deno.test("a leader that hears and is not heard steps down, and proves no read meanwhile", () =>
  inScratch(async (path) => {
    const nodes = await threeNodes(path);
    const [a] = nodes;
    if (a === undefined) throw new Error("no node");
    const { group } = a.storage;
    await a.storage.write([{ key: "x", value: bytes("1") }]);
    await group.confirm();
    a.cutOff = true;
    const write = a.storage.write([{ key: "x", value: bytes("2") }]);
    const rest = nodes.filter((node) => node !== a);
    const lost = assertRejects(() => write, OutcomeUnknownError);
    await until(() => leaderOf(rest) !== undefined);
    // The lease is over before anybody else can lead.
    await assertRejects(() => group.confirmLeading() ?? Promise.resolve(), NotLeaderError);
    await until(() => !group.isActive);
    await lost;
    await leaderOf(rest)?.write([{ key: "y", value: bytes("3") }]);
    a.cutOff = false;
    await until(async () => text(await a.storage.get("y")) === "3");
    for (const { stop } of nodes) await stop();
  }));
