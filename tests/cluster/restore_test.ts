/**
 * A snapshot is restored while its cluster goes on serving: real processes, stopped, sealed, killed
 * and led by another at each point of it. What is served afterwards is the one content or the other.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import {
  activeOf,
  call,
  type Cluster,
  type ClusterNode,
  kill,
  makeCluster,
  saveSnapshot,
  settled,
  start,
  voters,
} from "./process_kit.ts";

/** Secrets of 100 KB: enough for each step to take a while. */
const SECRETS = 60;
const filler = "x".repeat(100_000);

interface Upload {
  /** Resolves with the status and text of the answer. */
  readonly answer: Promise<{ status: number; text: string }>;
  /** Lets the second half go. */
  finish(): void;
}

/** Sends half of a file and holds the rest back. */
function beginUpload(node: ClusterNode, token: string, file: Uint8Array<ArrayBuffer>): Upload {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const half = file.length >> 1;
  const parts = async function* () {
    yield file.subarray(0, half);
    await finished;
    yield file.subarray(half);
  };
  return { answer: send(node, token, ReadableStream.from(parts())), finish };
}

async function send(node: ClusterNode, token: string, body: BodyInit) {
  const headers = { "x-vault-token": token };
  const url = `${node.address}/v1/sys/storage/raft/snapshot`;
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}

/** The value that all secrets have. Throws where they differ, or one is not there. */
async function content(node: ClusterNode, token: string): Promise<string> {
  const found = new Set<string>();
  for (let i = 0; i < SECRETS; i++) {
    const answer = await call(node, `secret/${i}`, { token });
    found.add(String(answer.at("data", "value")));
  }
  assertEquals(found.size, 1, `both contents are there: ${[...found]}`);
  return [...found].join();
}

async function writeAll(node: ClusterNode, token: string, value: string): Promise<void> {
  for (let i = 0; i < SECRETS; i++) {
    await call(node, `secret/${i}`, { token, body: { value, filler }, method: "POST" });
  }
}

/** A cluster that has a snapshot of "then" and serves "now". */
async function prepared(
  folder: string,
  ids: readonly string[],
): Promise<{ cluster: Cluster; file: Uint8Array<ArrayBuffer>; first: ClusterNode }> {
  // Machines that do other work besides are slow to answer their leader.
  const cluster = await makeCluster(folder, ids, { multiplier: 5 });
  const { token, nodes: [first] } = cluster;
  assert(first !== undefined);
  await eventually(async () => await voters(first, token).catch(() => 0) === ids.length);
  await call(first, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await writeAll(first, token, "then");
  const file = await saveSnapshot(first, token);
  await writeAll(first, token, "now");
  return { cluster, file, first };
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);
const stagedNames = ({ folder }: ClusterNode) =>
  names(`${folder}/raft`).filter((name) => name.startsWith("staged-"));
const spoolNames = ({ folder }: ClusterNode) =>
  names(folder).includes("spool") ? names(`${folder}/spool`) : [];
const states = ({ folder }: ClusterNode) =>
  names(folder).filter((name) => /^state-\d+\.kv$/.test(name));

/** Nothing is left of a restore on a node. */
async function noLeftovers(node: ClusterNode): Promise<void> {
  const left = () => [...stagedNames(node), ...spoolNames(node), ...states(node).slice(1)];
  await eventually(
    () => left().length === 0,
    () => `${node.id} has ${left()} beside ${inUse(node)}\n${node.process?.output()}`,
  );
}

Deno.test("a node serves while a snapshot comes in, and takes no second one meanwhile", async () => {
  await using folder = await scratch();
  const { cluster, file, first } = await prepared(folder.path, ["a"]);
  await using _ = cluster;
  const { token } = cluster;
  const upload = beginUpload(first, token, file);
  await eventually(() => spoolNames(first).length === 1);
  await call(first, "secret/between", { token, body: { value: "1" }, method: "POST" });
  assertEquals(await content(first, token), "now");
  const second = await send(first, token, file.slice(0, 100));
  assertEquals(second.status, 409);
  assertStringIncludes(second.text, "another snapshot is being restored");
  // Also one that is sent whole and takes its time to be read.
  assertEquals((await send(first, token, file).catch(() => ({ status: 409 }))).status, 409);
  upload.finish();
  assertEquals(await upload.answer, { status: 204, text: "" });
  assertEquals(await content(first, token), "then");
  // What was acknowledged meanwhile is replaced with the rest.
  assertEquals((await api(first.address, "secret/between", { token })).status, 404);
  await noLeftovers(first);
  assertEquals((await send(first, token, file)).status, 204);
  await noLeftovers(first);
});

Deno.test("requests are answered while the content of a restore is staged", async () => {
  await using folder = await scratch();
  const { cluster, file, first } = await prepared(folder.path, ["a"]);
  await using _ = cluster;
  const { token } = cluster;
  let isOver = false;
  const statuses = new Map<number, number>();
  let answeredWhileStaged = 0;
  const load = (async () => {
    for (let i = 0; !isOver; i++) {
      const isStaged = stagedNames(first).length > 0;
      const { status } = await api(first.address, `secret/${i % SECRETS}`, { token });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (isStaged && status === 200 && stagedNames(first).length > 0) answeredWhileStaged++;
    }
  })();
  for (let i = 0; i < 4; i++) assertEquals((await send(first, token, file)).status, 204);
  isOver = true;
  await load;
  assert(answeredWhileStaged > 0, `none of ${[...statuses]} was answered while it was staged`);
  assert([...statuses.keys()].every((status) => status === 200 || status === 503), `${statuses}`);
});

Deno.test("a node that is sealed in the middle of a restore has what it had", async () => {
  await using folder = await scratch();
  const { cluster, file, first } = await prepared(folder.path, ["a"]);
  await using _ = cluster;
  const { token, key } = cluster;
  const upload = beginUpload(first, token, file);
  await eventually(() => spoolNames(first).length === 1);
  const sealed = call(first, "sys/seal", { token, body: {}, method: "POST" });
  await eventually(async () => (await api(first.address, "sys/seal-status")).at("sealed") === true);
  upload.finish();
  const { status, text } = await upload.answer;
  assertEquals(status, 503, text);
  assertStringIncludes(text, "nothing was changed");
  await sealed;
  await noLeftovers(first);
  await call(first, "sys/unseal", { body: { key } });
  await eventually(async () => (await api(first.address, "secret/0", { token })).status === 200);
  assertEquals(await content(first, token), "now");
  assertEquals((await send(first, token, file)).status, 204);
  assertEquals(await content(first, token), "then");
});

Deno.test("a restore at a node that stops to lead changes nothing", async () => {
  await using folder = await scratch();
  const { cluster, file, first } = await prepared(folder.path, ["a", "b", "c"]);
  await using _ = cluster;
  const { token, nodes } = cluster;
  const upload = beginUpload(first, token, file);
  await eventually(() => spoolNames(first).length === 1);
  await call(first, "sys/step-down", { token, body: {}, method: "POST" });
  await eventually(async () => {
    const active = await activeOf(nodes);
    return active !== undefined && active !== first;
  });
  upload.finish();
  const { status, text } = await upload.answer;
  assertEquals(status, 503, text);
  assertStringIncludes(text, "nothing was changed");
  const active = await settled(nodes);
  await eventually(async () => (await api(active.address, "secret/0", { token })).status === 200);
  assertEquals(await content(active, token), "now");
  for (const node of nodes) await noLeftovers(node);
});

/** Where the active node is killed: once this holds of it and of another. */
const points: readonly (readonly [what: string, (a: ClusterNode, b: ClusterNode) => boolean])[] = [
  ["its file comes in", (a) => spoolNames(a).length > 0],
  ["its content is staged", (a) => stagedNames(a).length > 0],
  ["its content is spread", (_, b) => stagedNames(b).length > 0],
  ["it is put in use here", (a) => isReplaced(a)],
  ["it is put in use elsewhere", (_, b) => isReplaced(b)],
];

const inUse = ({ folder }: ClusterNode) => Deno.readTextFileSync(`${folder}/CURRENT`);
/** As it was before the restore. */
const inUseBefore = new Map<ClusterNode, string>();
const isReplaced = (node: ClusterNode) => inUse(node) !== inUseBefore.get(node);

/** Restores, and kills the node as soon as that point is reached. */
async function restoreAndKill(
  { token }: Cluster,
  [node, other]: readonly [ClusterNode, ClusterNode],
  file: Uint8Array<ArrayBuffer>,
  isThere: (a: ClusterNode, b: ClusterNode) => boolean,
): Promise<number> {
  for (const each of [node, other]) inUseBefore.set(each, inUse(each));
  let status: number | undefined;
  const sent = send(node, token, file).then((answer) => {
    status = answer.status;
  }, () => {
    status = 0;
  });
  while (status === undefined && !isThere(node, other)) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await kill(node);
  await sent;
  return status ?? 0;
}

for (const [what, isThere] of points) {
  Deno.test(`the active node of three is killed when ${what}`, async () => {
    await using folder = await scratch();
    const { cluster, file, first } = await prepared(folder.path, ["a", "b", "c"]);
    await using _ = cluster;
    const { token, key, nodes } = cluster;
    const [, b] = nodes;
    assert(b !== undefined);
    const status = await restoreAndKill(cluster, [first, b], file, isThere);
    await settled(nodes);
    await start(first);
    await call(first, "sys/unseal", { body: { key } });
    await eventually(async () => {
      const active = await activeOf(nodes);
      if (active === undefined) return false;
      return (await api(active.address, "secret/0", { token })).status === 200;
    });
    const active = await settled(nodes);
    const found = await content(active, token);
    assert(found === "now" || found === "then", found);
    if (status === 204) assertEquals(found, "then");
    // A restore works again, and leaves one content everywhere.
    assertEquals((await send(active, token, file)).status, 204);
    assertEquals(await content(active, token), "then");
    for (const node of nodes) {
      await eventually(async () =>
        (await api(node.address, "secret/0", { token })).at("data", "value") === "then"
      );
      await noLeftovers(node);
    }
  });

  Deno.test(`a node that is alone is killed when ${what}`, async () => {
    await using folder = await scratch();
    const { cluster, file, first } = await prepared(folder.path, ["a"]);
    await using _ = cluster;
    const { token, key } = cluster;
    const status = await restoreAndKill(cluster, [first, first], file, isThere);
    await start(first);
    await call(first, "sys/unseal", { body: { key } });
    await eventually(async () => (await api(first.address, "secret/0", { token })).status === 200);
    const found = await content(first, token);
    assert(found === "now" || found === "then", found);
    if (status === 204) assertEquals(found, "then");
    await noLeftovers(first);
    assertEquals((await send(first, token, file)).status, 204);
    assertEquals(await content(first, token), "then");
  });
}
