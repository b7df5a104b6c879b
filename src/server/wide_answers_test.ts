import { assertEquals } from "@std/assert";
import { freePort, rawConnection, scratch, startServer } from "./testing.ts";

Deno.test("a connection is widened once, when it is used again", async () => {
  await using folder = await scratch();
  const port = freePort();
  await Deno.writeTextFile(
    `${folder.path}/a.hcl`,
    `storage "inmem" {}
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
`,
  );
  await using _server = await startServer(`${folder.path}/a.hcl`);
  const connection = await rawConnection(port);
  const ask = "GET /v1/sys/seal-status HTTP/1.1\r\nHost: a\r\n";
  for (let i = 0; i < 4; i++) await connection.send(`${ask}\r\n`);
  await connection.send(`${ask}Connection: close\r\n\r\n`);
  const { text: all } = await connection.untilClosed();
  const answers = all.split("HTTP/1.1 200 OK\r\n").slice(1);
  assertEquals(answers.map((text) => /^x-padding: 0+\r$/m.test(text)), [
    false,
    true,
    false,
    false,
    false,
  ]);
  const bodies = answers.map((text) => text.slice(text.indexOf("\r\n\r\n")));
  assertEquals(new Set(bodies).size, 1);
});
