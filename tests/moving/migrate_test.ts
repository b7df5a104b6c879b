/** `operator migrate` through the executable: there and back, and what it and the server refuse. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readSnapshot } from "../../src/snapshot/read.ts";
import { FileStore } from "../../src/storage/file.ts";
import { at, TestNode } from "../e2e/node.ts";
import { Peer, peerProgram } from "../e2e/peer.ts";
import { environment } from "../e2e/program.ts";
import { skipUnless } from "../e2e/skip.ts";
import { importSnapshot } from "./world.ts";

async function config(node: TestNode, name: string, text: string): Promise<string> {
  const path = `${node.folder}/${name}.hcl`;
  await Deno.writeTextFile(path, text);
  return path;
}

const stanza = (side: string, type: string, path: string) =>
  `storage_${side} "${type}" {\n  path = "${path}"\n}\n`;

async function migrate(node: TestNode, name: string, text: string, ...flags: string[]) {
  return await node.cli([
    "operator",
    "migrate",
    `-config=${await config(node, name, text)}`,
    ...flags,
  ]);
}

Deno.test("a node moves from raft to files and back, and serves what it served", async (t) => {
  await using node = await TestNode.create();
  await node.setUp();
  await node.api("POST", "sys/mounts/secret", { type: "kv", options: { version: "2" } });
  for (let i = 0; i < 30; i++) {
    await node.api("POST", `secret/data/deep/${i}`, { data: { i, text: "x".repeat(i * 500) } });
  }
  const files = `${node.folder}/files`;
  const there = stanza("source", "raft", node.data) + stanza("destination", "file", files);
  const back = stanza("source", "file", files) +
    stanza("destination", "raft", `${node.folder}/new`);
  const address = `cluster_addr = "https://127.0.0.1:${node.port + 1}"\n`;

  await t.step("not while it runs", async () => {
    const { code, text } = await migrate(node, "there", there);
    assertEquals(code, 1);
    assertStringIncludes(text, "in use by another process");
  });
  await node.stop();

  await t.step("a run that fails leaves the source closed, until -reset", async () => {
    const blocked = `${node.folder}/blocked`;
    await Deno.mkdir(blocked);
    await Deno.writeTextFile(`${blocked}/logical`, "in the way");
    const text = stanza("source", "raft", node.data) + stanza("destination", "file", blocked);
    const failed = await migrate(node, "blocked", text);
    assertEquals(failed.code, 1);
    assertStringIncludes(failed.text, `${blocked}/logical`);
    assertEquals(await node.start(), 1);
    assertStringIncludes(node.output, "is the source of a migration");
    const diagnosed = await node.cli(["operator", "diagnose", `-config=${node.config}`]);
    assertStringIncludes(diagnosed.text, "is the source of a migration");
    const freed = await migrate(node, "blocked", text, "-reset");
    assertEquals(freed.code, 0, freed.text);
    await node.start();
    await node.unseal();
    await node.stop();
  });

  await t.step("there", async () => {
    const { code, text } = await migrate(node, "there", there, "-max-parallel=4");
    assertEquals(code, 0, text);
    assert(/Success! \d+ entries are in file at /.test(text), text);
    const again = await migrate(node, "there", there);
    assertEquals(again.code, 1);
    assertStringIncludes(again.text, "is not empty");
    await Deno.stat(`${files}/core/_keyring`);
  });

  await t.step("no server on files", async () => {
    const text = await Deno.readTextFile(node.config);
    await Deno.writeTextFile(
      node.config,
      text.replace(/storage "raft" \{[^}]*\}/, `storage "file" {\n path = "${files}"\n}`),
    );
    assertEquals(await node.start(), 1);
    assertStringIncludes(node.output, 'storage "file" is only for operator migrate');
    await Deno.writeTextFile(node.config, text.replace(node.data, `${node.folder}/new`));
  });

  await t.step("and back", async () => {
    const missing = await migrate(node, "back", back);
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.text, "needs cluster_addr");
    const { code, text } = await migrate(node, "back", address + back);
    assertEquals(code, 0, text);
    await node.start();
    await node.unseal();
    for (const i of [0, 17, 29]) {
      const read = await node.api("GET", `secret/data/deep/${i}`);
      assertEquals(read.get("data.data.i"), i);
    }
    assertEquals((await node.api("POST", "secret/data/new", { data: { a: 1 } })).status, 200);
    const peers = await node.api("GET", "sys/storage/raft/configuration");
    assertEquals(peers.get("data.config.servers.0.address"), `127.0.0.1:${node.port + 1}`);
  });
});

Deno.test("a run that is killed is ended by the next one, and nobody starts meanwhile", async () => {
  await using node = await TestNode.create();
  await node.setUp();
  await node.api("POST", "sys/mounts/old", { type: "kv" });
  const count = 900;
  for (let from = 0; from < count; from += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => node.api("POST", `old/${from + i}`, { n: from + i })),
    );
  }
  await node.stop();
  const files = `${node.folder}/files`;
  const path = await config(
    node,
    "there",
    stanza("source", "raft", node.data) + stanza("destination", "file", files),
  );
  const child = new Deno.Command(node.bin, {
    args: ["operator", "migrate", `-config=${path}`, "-max-parallel=1"],
    clearEnv: true,
    env: environment({ HOME: node.folder }),
    stdout: "null",
    stderr: "null",
  }).spawn();
  const ended = child.status;
  const isBegun = () => Deno.stat(`${files}/logical`).then(() => true, () => false);
  for (let i = 0; i < 5000 && !await isBegun(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  child.kill("SIGKILL");
  await ended;
  assertEquals(await node.start(), 1);
  assertStringIncludes(node.output, "is the source of a migration");
  const { code, text } = await node.cli(["operator", "migrate", `-config=${path}`]);
  assertEquals(code, 0, text);
  assertStringIncludes(text, "going on after");
  const address = `cluster_addr = "https://127.0.0.1:${node.port + 1}"\n`;
  const back = stanza("source", "file", files) +
    stanza("destination", "raft", `${node.folder}/new`);
  assertEquals((await migrate(node, "back", address + back)).code, 0);
  const hcl = await Deno.readTextFile(node.config);
  await Deno.writeTextFile(node.config, hcl.replace(node.data, `${node.folder}/new`));
  await node.start();
  await node.unseal();
  const keys = (await node.api("GET", "old?list=true")).get("data.keys");
  assertEquals(Array.isArray(keys) && keys.length, count);
});

Deno.test("a file that makes no sense is refused before anything is opened", async () => {
  await using node = await TestNode.create();
  const source = stanza("source", "file", `${node.folder}/nowhere`);
  const destination = stanza("destination", "file", `${node.folder}/b`);
  for (
    const [text, sentence] of [
      [source, "there is no storage_destination stanza"],
      [`${source}${destination}listener "tcp" {}`, 'unknown key "listener"'],
      [`${source}${source}${destination}`, "only one storage_source is possible"],
      [`${source}storage_destination "papyrus" {}`, 'unknown storage_destination type "papyrus"'],
      [`${source}storage_destination "inmem" {}`, "there is nothing at"],
      [`storage_source "inmem" {}\n${destination}`, "holds nothing outside of its process"],
      [`storage_source "consul" {}\n${destination}`, "is not in this build"],
      [source + destination, "there is nothing at"],
      ["storage_source {", "odd.hcl:1:17: expected a name"],
    ] as const
  ) {
    const { code, text: said } = await migrate(node, "odd", text);
    assertEquals(code, 1, said);
    assertStringIncludes(said, sentence);
  }
  assertEquals((await node.cli(["operator", "migrate"])).code, 1);
});

Deno.test("a file storage of Vault's form is imported, and not migrated", async (t) => {
  const bin = await peerProgram();
  if (!skipUnless(t, bin !== undefined, "python3 and PyPI") || bin === undefined) return;
  await using peer = await Peer.start(bin);
  await using node = await TestNode.create();
  await node.setUp();
  await peer.write("sys/mounts/old", { type: "kv" });
  await peer.write("old/a/b", { x: "y" });
  // The peer has no file storage any more: its entries, laid out as files by their documentation.
  const file = await peer.snapshot("all.snap");
  const snapshot = await readSnapshot(node.folder, (await Deno.open(file)).readable);
  const store = await FileStore.open(`${node.folder}/vault`);
  for await (const { key, value } of snapshot.entries()) {
    await store.put(key, value);
  }
  await store.close();
  await snapshot.dispose();
  const text = stanza("source", "file", store.path) +
    stanza("destination", "file", `${node.folder}/b`);
  const moved = await migrate(node, "vault", text);
  assertEquals(moved.code, 1);
  assertStringIncludes(moved.text, "operator import");
  const { report, text: said } = await importSnapshot(node, store.path, peer.unsealKeys);
  assertEquals(at(report, "unreadable"), 0, said);
  assertEquals((await node.api("GET", "old/a/b")).get("data.x"), "y");
  const nothing = await importSnapshot(node, node.folder, peer.unsealKeys);
  assertStringIncludes(nothing.text, "is no file storage");
});
