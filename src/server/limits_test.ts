/** Slow, silent and broken clients are cut in time, and nobody else notices. */
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import {
  api,
  bringUp,
  eventually,
  freePort,
  rawConnection,
  scratch,
  startServer,
} from "./testing.ts";

const head = "GET /v1/sys/health HTTP/1.1\r\nHost: a\r\n";

function config(path: string, port: number, listener = ""): string {
  return `storage "inmem" {}
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
  http_read_header_timeout = "600ms"
  http_read_timeout = "700ms"
  http_idle_timeout = "1500ms"
  ${listener}
}
listener "unix" {
  address = "${path}/socket"
  socket_mode = "0600"
  http_read_header_timeout = "600ms"
}
`;
}

async function withServer(run: (port: number, path: string) => Promise<void>, listener?: string) {
  await using folder = await scratch();
  const port = freePort();
  await Deno.writeTextFile(`${folder.path}/a.hcl`, config(folder.path, port, listener));
  await using server = await startServer(`${folder.path}/a.hcl`);
  await run(port, folder.path);
  server.signal("SIGTERM");
  assertEquals(await server.ended, 0);
}

Deno.test("clients that are late are cut at their limit, others are not", async () => {
  await withServer(async (port) => {
    const silent = await rawConnection(port);
    const halfHead = await rawConnection(port);
    await halfHead.send(head);
    const halfBody = await rawConnection(port);
    await halfBody.send(
      'PUT /v1/sys/unseal HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n{"key"',
    );
    const idle = await rawConnection(port);
    await idle.send(`${head}\r\n`);
    const secondHalf = await rawConnection(port);
    await secondHalf.send(`${head}\r\n`);
    const dripping = await rawConnection(port);
    let drips = 0;
    const drip = setInterval(() => dripping.send("G").then(() => drips++, () => {}), 100);

    const late = Promise.all([silent, halfHead, dripping].map((one) => one.untilClosed()));
    const body = halfBody.untilClosed();
    const idling = idle.untilClosed();
    setTimeout(() => secondHalf.send(head), 300);
    const second = secondHalf.untilClosed();
    const until = performance.now() + 1200;
    while (performance.now() < until) {
      assertEquals((await api(`http://127.0.0.1:${port}`, "sys/seal-status")).status, 200);
    }
    for (const { text, afterMs } of await late) {
      assertEquals(text, "");
      assert(afterMs > 400 && afterMs < 1100, `cut after ${afterMs} ms`);
    }
    clearInterval(drip);
    assertLess(drips, 12);
    const refused = await body;
    assertStringIncludes(refused.text, "408");
    assertLess(refused.afterMs, 1300);
    const { text, afterMs } = await idling;
    assertStringIncludes(text, "501");
    assert(afterMs > 1200 && afterMs < 2500, `idle for ${afterMs} ms`);
    const cut = await second;
    assert(cut.afterMs > 800 && cut.afterMs < 1450, `second head cut after ${cut.afterMs} ms`);
    for (const one of [silent, halfHead, halfBody, idle, secondHalf, dripping]) one.close();
  });
});

Deno.test("a client that does not read its answers is cut", async () => {
  await withServer(async (port) => {
    const address = `http://127.0.0.1:${port}`;
    const { token } = await bringUp(address);
    await api(address, "sys/mounts/kv", { token, body: { type: "kv" } });
    await api(address, "kv/big", { token, body: { text: "x".repeat(500_000) } });
    const connection = await rawConnection(port);
    const request = `GET /v1/kv/big HTTP/1.1\r\nHost: a\r\nX-Vault-Token: ${token}\r\n\r\n`;
    await connection.send(request.repeat(60));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const { text } = await connection.untilClosed();
    assertLess(text.length, 60 * 500_000);
    connection.close();
  }, 'http_write_timeout = "800ms"');
});

Deno.test("a unix socket has its mode and its limits", async () => {
  await withServer(async (_port, path) => {
    const info = await Deno.stat(`${path}/socket`);
    assertEquals((info.mode ?? 0) & 0o777, 0o600);
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path: `${path}/socket` } });
    const response = await fetch("http://localhost/v1/sys/seal-status", { client });
    assertEquals(response.status, 200);
    assertEquals((await response.json()).sealed, true);
    client.close();
    const slow = await Deno.connect({ transport: "unix", path: `${path}/socket` });
    await slow.write(new TextEncoder().encode("GET / HT"));
    const start = performance.now();
    const buffer = new Uint8Array(1000);
    while (await slow.read(buffer) !== null);
    assertLess(performance.now() - start, 1500);
    slow.close();
  });
});

Deno.test("a body over the limit and a token over the limit are refused", async () => {
  await withServer(async (port) => {
    const address = `http://127.0.0.1:${port}`;
    const large = await api(address, "sys/unseal", { body: { key: "x".repeat(5000) } });
    assertEquals(large.status, 413);
    const headers = { "x-vault-token": "t".repeat(300) };
    assertEquals((await api(address, "sys/mounts", { headers })).status, 431);
  }, "max_request_size = 4096\n  max_token_header_size = 200");
});

Deno.test("a flood of connections beyond all descriptors ends, and the server goes on", async () => {
  await using folder = await scratch();
  const port = freePort();
  await Deno.writeTextFile(`${folder.path}/a.hcl`, config(folder.path, port));
  await using server = await startServer(`${folder.path}/a.hcl`, {}, "ulimit -n 150");
  const held: Deno.Conn[] = [];
  for (let i = 0; i < 200; i++) {
    try {
      held.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    } catch (error) {
      // Refused for the moment in which the server listens again.
      if (!(error instanceof Error)) throw error;
    }
  }
  await eventually(async () => {
    const answer = await api(`http://127.0.0.1:${port}`, "sys/seal-status").catch(() => undefined);
    return answer?.status === 200;
  });
  for (const one of held) one.close();
  server.signal("SIGTERM");
  assertEquals(await server.ended, 0);
});
