/** A leader whose disk is full: another leads at once, and nothing acknowledged is lost. */
import { assert, assertEquals } from "@std/assert";
import { eventually, scratch } from "../../src/server/testing.ts";
import { skipUnless } from "../e2e/skip.ts";
import { startLoad } from "./load.ts";
import { call, makeCluster, settled, start, voters } from "./process_kit.ts";

async function run(command: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(command, { args, stderr: "null" }).output();
  return success;
}

Deno.test("a leader whose disk is full hands over, and comes back when there is space", async (t) => {
  await using folder = await scratch();
  const small = `${folder.path}/a`;
  await Deno.mkdir(small);
  const mounted = await run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small);
  if (!skipUnless(t, mounted, "the right to mount a small file system")) return;
  await using _ = {
    [Symbol.asyncDispose]: async () => assert(await run("umount", "--lazy", small)),
  };
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token, key } = cluster;
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  await eventually(async () => await voters(a, token) === 3);
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  assertEquals((await settled(nodes)).id, "a");
  const load = startLoad(nodes, token);
  // No block stays free: what SQLite must add to its file finds no space.
  await Deno.writeFile(`${small}/ballast`, new Uint8Array(25_000_000)).catch((error: unknown) => {
    assert(String(error).includes("os error 28"), String(error));
  });
  const { process } = a;
  assert(process !== undefined);
  const code = await process.ended;
  const next = await settled([b, c]);
  assertEquals(code, 1);
  assert(process.output().includes("no space left for"), process.output());
  await new Promise((resolve) => setTimeout(resolve, 500));
  const acknowledged = await load.stop();
  assertEquals(load.errors, []);
  console.log(`the longest time without a write: ${Math.round(load.longestGapMs())} ms`);
  assert(load.longestGapMs() < 5000);

  await Deno.remove(`${small}/ballast`);
  await start(a);
  await call(a, "sys/unseal", { body: { key } });
  await call(next, "secret/after", { token, body: { value: "1" } });
  for (const node of nodes) {
    for (const [name, value] of acknowledged) {
      const found = Number((await call(node, `secret/${name}`, { token })).at("data", "value"));
      assert(found >= value, `${node.id}: ${name} is ${found}, acknowledged was ${value}`);
    }
  }
});
