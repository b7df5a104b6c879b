/** The README's first command, as a newcomer meets it. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { api, freePort, scratch, spawnScript } from "./testing.ts";

Deno.test("scripts/start makes a node, keeps no keys, and finds its data again", async () => {
  await using folder = await scratch();
  const port = freePort();
  const address = `http://127.0.0.1:${port}`;
  const env = { HOLDFAST_DATA: `${folder.path}/new`, HOLDFAST_PORT: String(port) };
  let [key, token] = ["", ""];
  {
    await using start = spawnScript("start", env);
    await start.saw("Ctrl-C stops the node.");
    key = /Unseal key: +(\S+)/.exec(start.output())?.[1] ?? "";
    token = /Root token: +(\S+)/.exec(start.output())?.[1] ?? "";
    assertMatch(key, /^[\w+/]{43}=$/);
    assertStringIncludes(start.output(), `Address:     ${address}`);
    await api(address, "sys/mounts/kv", { token, body: { type: "kv" } });
    assertEquals((await api(address, "kv/a", { token, body: { n: 1 } })).status, 204);
    start.signal("SIGTERM");
    assertEquals(await start.ended, 0);
  }
  for (const file of ["holdfast.hcl", "data/node-id"]) {
    const text = await Deno.readTextFile(`${folder.path}/new/${file}`);
    assertEquals(text.includes(key) || text.includes(token), false);
  }
  await using start = spawnScript("start", env);
  await start.saw("Ctrl-C stops the node.");
  assertStringIncludes(start.output(), "holds data and is sealed");
  await api(address, "sys/unseal", { body: { key } });
  assertEquals((await api(address, "kv/a", { token })).at("data"), { n: 1 });
  start.signal("SIGTERM");
  assertEquals(await start.ended, 0);
});
