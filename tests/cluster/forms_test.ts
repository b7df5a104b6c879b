/**
 * A request means the same at every node, however it is written: what a standby passes on, or reads
 * itself, is answered as the active node would have answered it.
 */
import { assert, assertEquals } from "@std/assert";
import { eventually, rawConnection, scratch } from "../../src/server/testing.ts";
import { call, type ClusterNode, makeCluster, voters } from "./process_kit.ts";

const forms: readonly [method: string, target: string, body?: string][] = [
  ["GET", "/v1"],
  ["GET", "/v1/"],
  ["GET", "/v1/kv/a"],
  ["get", "/v1/kv/a"],
  ["List", "/v1/kv/"],
  ["TRACE", "/v1/kv/a"],
  ["TRACK", "/v1/kv/a"],
  ["BREW", "/v1/kv/a"],
  ["HEAD", "/v1/kv/a"],
  ["OPTIONS", "/v1/kv/a"],
  ["SCAN", "/v1/kv/"],
  ["GET", "/v1/kv/./a"],
  ["GET", "/v1/kv/b/../a"],
  ["GET", "/v1/kv/%2e%2e/kv/a"],
  ["GET", "/v1/kv/b/%2E%2E/a"],
  ["GET", "/v1//kv/a"],
  ["GET", "/v1/kv/a%2fb"],
  ["GET", "/v1/kv/a\\b"],
  ["GET", "/v1/kv/a|b^c`d"],
  ["GET", "/v1/kv/%zz"],
  ["GET", "/v1/kv/a?x=|&y=%41#z"],
  ["POST", "/v1/kv/./a", '{"x":1}'],
  ["POST", "/v1/kv/b/../a", '{"x":1}'],
  ["PUT", "/v1/kv/b/%2e%2e/a", '{"x":1}'],
  ["POST", "/v1/kv/..", '{"x":1}'],
  ["POST", "/v1/kv/a\\b", '{"x":1}'],
  ["POST", "/v1/kv/sp%20ace", '{"x":1}'],
  ["GET", "/v1/kv/sp%20ace"],
  ["POST", "/v1/kv/a;b@c", '{"x":1}'],
  ["LIST", "/v1/kv/"],
  ["GET", "/v1/kv/a", '{"ignored":1}'],
  ["DELETE", "/v1/kv/a;b@c", '{"x":1}'],
  ["DELETE", "/v1/kv/a/../a"],
  ["POST", "/v1/auth/token/../token/create", "{}"],
];

/** Status, where to, and, but for what differs from node to node, what it says. */
async function answer(
  { port, address }: ClusterNode,
  token: string,
  [method, target, body = ""]: (typeof forms)[number],
): Promise<string> {
  const connection = await rawConnection(port);
  await connection.send(
    `${method} ${target} HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${token}\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  const { text } = await connection.untilClosed();
  connection.close();
  const [head = "", content = ""] = text.split("\r\n\r\n");
  const location = /^location: (.*)$/im.exec(head)?.[1]?.replace(address, "") ?? "";
  const data = /"(?:data|errors)":(?:\{[^}]*\}|\[[^\]]*\])/.exec(content)?.[0] ?? "";
  return `${head.split(" ")[1]} ${location} ${data}`;
}

Deno.test("however a request is written, a standby answers as the active node does", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes: [active, standby], token } = cluster;
  assert(active !== undefined && standby !== undefined);
  await eventually(async () => await voters(active, token) === 3);
  for (const path of ["kv", "waits"]) {
    await call(active, `sys/mounts/${path}`, { token, body: { type: "kv" }, method: "POST" });
  }
  await call(active, "kv/a", { token, body: { x: 0 } });
  for (const form of forms) {
    const expected = await answer(active, token, form);
    const name = `${form[0]} ${form[1]}`;
    assert(!/^5|^$/.test(expected), `${name}: ${expected}`);
    assertEquals(await answer(standby, token, form), expected, name);
    if (form[0] === "DELETE") await call(active, "kv/a", { token, body: { x: 1 } });
  }

  // And whatever one client sends, what others wait for meanwhile comes.
  const others = Array.from({ length: 20 }, async (_, i) => {
    for (let n = 0; n < 10; n++) await call(standby, `waits/${i}`, { token, body: { n } });
  });
  for (let n = 0; n < 20; n++) {
    for (const form of forms.slice(3, 8)) await answer(standby, token, form);
  }
  await Promise.all(others);
});
