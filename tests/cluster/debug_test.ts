/** `debug` brings profiles of every node of a cluster, each taken by the node itself. */
import { assertEquals } from "@std/assert";
import { eventually, scratch } from "../../src/server/testing.ts";
import { makeCluster, settled } from "./process_kit.ts";

const main = new URL("../../main.ts", import.meta.url).pathname;

Deno.test("debug takes profiles of each node", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const leader = await settled(cluster.nodes);
  for (const node of cluster.nodes) {
    if (node !== leader) await node.process?.saw("this standby answers reads");
  }
  const names = cluster.nodes.flatMap(({ address }) => {
    const name = new URL(address).host.replace(":", "_");
    return [`pprof/${name}.cpuprofile`, `pprof/${name}.heapprofile`];
  });
  await eventually(async () => {
    const output = `${folder.path}/${crypto.randomUUID()}.tar.gz`;
    await run(Deno.execPath(), [
      ...["run", "--no-check", "-A", "--unstable-kv", main],
      ...["debug", "-duration=0s", "-target=pprof", `-output=${output}`],
    ], { VAULT_ADDR: leader.address, VAULT_TOKEN: cluster.token });
    const listed = (await run("tar", ["tzf", output])).split("\n");
    const found = listed.map((line) => line.replace(/^[^/]+\//, ""));
    return names.every((name) => found.includes(name));
  });
});

async function run(program: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, env }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
