/** A node whose state file is damaged repairs itself; one whose log is damaged stays out. */
import { assert, assertEquals } from "@std/assert";
import { eventually, scratch, spawn } from "../../src/server/testing.ts";
import { call, type ClusterNode, kill, makeNode, settled, start } from "./process_kit.ts";

async function spoil(folder: string, name: RegExp): Promise<string> {
  for await (const entry of Deno.readDir(folder)) {
    if (!name.test(entry.name)) continue;
    await Deno.writeFile(`${folder}/${entry.name}`, new Uint8Array(50_000).fill(7));
    return entry.name;
  }
  throw new Error(`nothing like ${name} in ${folder}`);
}

Deno.test("a damaged state comes back from the others, a damaged log is named", async () => {
  await using folder = await scratch();
  const a = await makeNode(folder.path, "a");
  const joining = { retryJoin: [a.address] };
  const b = await makeNode(folder.path, "b", joining);
  const c = await makeNode(folder.path, "c", joining);
  const nodes = [a, b, c];
  await using _ = {
    [Symbol.asyncDispose]: async () => {
      for (const node of nodes) await kill(node);
    },
  };
  await Promise.all(nodes.map(start));
  const made = await call(a, "sys/init", { body: { secret_shares: 1, secret_threshold: 1 } });
  const key = String(made.at("keys_base64", 0)), token = String(made.at("root_token"));
  const unseal = (node: ClusterNode) => call(node, "sys/unseal", { body: { key } });
  await unseal(a);
  const isVoter = async (id: string) => {
    const told = await call(await settled(nodes), "sys/storage/raft/configuration", { token });
    const servers = told.at("data", "config", "servers");
    return Array.isArray(servers) && servers.some((s) => s.node_id === id && s.voter === true);
  };
  for (const node of [b, c]) {
    await eventually(() => unseal(node).then(() => true, () => false));
    await eventually(() => isVoter(node.id));
  }
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(a, "secret/x", { token, body: { value: "1" } });
  await kill(c, "SIGTERM");
  const name = await spoil(c.folder, /^state-\d+\.kv$/);
  await call(a, "secret/x", { token, body: { value: "2" } });
  await start(c);
  assert(c.process?.output().includes("the state is damaged"), c.process?.output());
  await eventually(() => unseal(c).then(() => true, () => false));
  // It votes again: without it there is no quorum.
  await eventually(async () => (await call(c, "secret/x", { token })).at("data", "value") === "2");
  await kill(b);
  await call(await settled([a, c]), "secret/x", { token, body: { value: "3" } });
  assertEquals((await call(c, "secret/x", { token })).at("data", "value"), "3");
  assert((await Deno.stat(`${c.folder}/damaged-${name}`)).isFile);

  await start(b);
  await unseal(b);
  await eventually(async () => (await call(b, "secret/x", { token })).at("data", "value") === "3");
  await kill(a);
  await call(await settled([b, c]), "secret/x", { token, body: { value: "4" } });
  await kill(b, "SIGTERM");
  const log = await spoil(`${b.folder}/raft`, /^log-\d+\.kv$/);
  const ran = spawn(["server", `-config=${b.config}`]);
  assertEquals(await ran.ended, 1);
  assert(ran.output().includes(log), ran.output());
});
