/** `operator raft recover`: a cluster goes on with what is left, and loses nothing that is seen. */
import { assert, assertEquals } from "@std/assert";
import { eventually, scratch, spawn } from "../../src/server/testing.ts";
import { call, kill, makeCluster, settled, start, voters } from "./process_kit.ts";

async function recover(...args: string[]): Promise<{ code: number; told: string }> {
  const ran = spawn(["operator", "raft", "recover", ...args]);
  const code = await ran.ended;
  return { code, told: ran.output() };
}

Deno.test("the longest of the logs left leads on, a shorter one is not taken by accident", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "d", "e"]);
  const { nodes, token, key } = cluster;
  const [a, d, e] = nodes;
  assert(a !== undefined && d !== undefined && e !== undefined);
  await eventually(async () => await voters(a, token) === 3);
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(a, "secret/x", { token, body: { value: "old" } });
  assertEquals((await recover(a.folder)).code, 2, "a node that runs is left alone");
  await kill(e);
  await call(await settled([a, d]), "secret/x", { token, body: { value: "new" } });
  for (const node of [a, d]) await kill(node, "SIGTERM");
  // a is lost; d had what was acknowledged, e has not.
  const looked = await recover(e.folder, d.folder);
  assertEquals(looked.code, 0, looked.told);
  for (const part of ["The log of d goes on", "Not looked at: a.", "Nothing was changed"]) {
    assert(looked.told.includes(part), looked.told);
  }
  const refused = await recover("-write", "-keep=e", e.folder, d.folder);
  assertEquals(refused.code, 2);
  assert(refused.told.includes("the log of d is longer"), refused.told);
  const written = await recover("-write", e.folder, d.folder);
  assertEquals(written.code, 0, written.told);
  // The one with the shorter log is up first, and waits.
  for (const node of [e, d]) {
    await start(node);
    await call(node, "sys/unseal", { body: { key } });
  }
  assertEquals((await settled([d, e])).id, "d");
  assertEquals((await call(d, "secret/x", { token })).at("data", "value"), "new");
  await eventually(async () => await voters(d, token) === 2);
  await call(d, "secret/y", { token, body: { value: "more" } });
  assertEquals((await call(e, "secret/y", { token })).at("data", "value"), "more");
  for (const node of [d, e]) await kill(node, "SIGTERM");
  for (const node of [e, d]) {
    await start(node);
    await call(node, "sys/unseal", { body: { key } });
  }
  await settled([d, e]);
  assertEquals((await call(e, "secret/x", { token })).at("data", "value"), "new");
});
