/**
 * More than a node can do: it tells some to come again, in the words of HTTP, and serves the others
 * meanwhile and everybody afterwards.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { TestNode } from "../e2e/node.ts";
import { floodFromOutside } from "./flood.ts";
import { startLoad } from "./load.ts";

/** More than the places that one mount has for writes. */
const writers = 3000;
const slow = 300;
/** Under a machine that others use too. */
const delayMaxMs = 8000;
const memoryMaxMib = 800;

/** The most that the process has held at one time. */
async function peakMib(node: TestNode): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${node.pid}/status`);
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** Opens connections that send something and then nothing, and never read. */
async function open(port: number, count: number, text: string): Promise<Deno.TcpConn[]> {
  const bytes = new TextEncoder().encode(text);
  return await Promise.all(Array.from({ length: count }, async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(bytes);
    return connection;
  }));
}

/** Sends a large part of a larger body; the status of what is answered, "" where it is cut. */
async function halfLargeBody(port: number, token: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `POST /v1/flood/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${token}\r\n` +
    `Content-Length: 8000000\r\n\r\n{"a":"`;
  const buffer = new Uint8Array(4096);
  const answered = connection.read(buffer).catch(() => null);
  try {
    await connection.write(new TextEncoder().encode(head));
    const part = new Uint8Array(65_536).fill(97);
    for (let sent = 0; sent < 3_000_000; sent += part.length) await connection.write(part);
    if (await answered === null) return "";
    return new TextDecoder().decode(buffer).slice(9, 12);
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
      return "";
    }
    throw error;
  }
}

Deno.test("a flood and slow clients: others are served, refusals say when to come again", async () => {
  await using node = await TestNode.create();
  const text = await Deno.readTextFile(node.config);
  const limits = 'http_read_timeout = "4s"';
  await Deno.writeTextFile(node.config, text.replace("tls_disable = true", `$&\n  ${limits}`));
  const { rootToken } = await node.setUp();
  for (const path of ["load", "flood"]) {
    assertEquals((await node.api("POST", `sys/mounts/${path}`, { type: "kv" })).status, 204);
  }
  const large = { parts: Array.from({ length: 9 }, () => "x".repeat(100_000)) };
  assertEquals((await node.api("POST", "flood/large", large)).status, 204);
  const ask = (line: string, more = "") =>
    `${line} HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${rootToken}\r\n${more}`;

  const load = startLoad(node);
  const body = '{"v":1}';
  const held = (await Promise.all([
    open(node.port, slow, ask("POST /v1/flood/half-head")),
    open(node.port, slow, ask("POST /v1/flood/half-body", 'Content-Length: 100\r\n\r\n{"a":')),
    open(node.port, slow, ask("GET /v1/flood/large", "\r\n").repeat(4)),
  ])).flat();
  const [halves, result] = await Promise.all([
    Promise.all(Array.from({ length: 60 }, () => halfLargeBody(node.port, rootToken))),
    floodFromOutside({
      port: node.port,
      connections: writers,
      durationMs: 4000,
      request: ask("POST /v1/flood/#", `Content-Length: ${body.length}\r\n\r\n`) + body,
    }),
  ]);
  const others = await load.stop();
  const peak = await peakMib(node);
  for (const connection of held) connection.close();

  const { "204": taken = 0, "503": refused = 0, ...strange } = result.statuses;
  assertEquals([strange, result.withoutTime], [{}, 0]);
  // A machine that is fast enough takes all of them; of the large bodies none can take all.
  assert(taken > 0);
  const ends = new Set(halves);
  assert(ends.has("503"), "some of the large bodies are too many");
  for (const end of ends) assert(["503", "408", ""].includes(end), end);
  assertEquals(others.failures.filter((one) => !/ 503 .*too much to do/.test(one)), []);
  assertLess(others.p99Ms, delayMaxMs);
  assertLess(peak, memoryMaxMib);

  for (const n of result.taken) {
    const answer = await node.api("GET", `flood/${n}`);
    assertEquals([answer.status, answer.get("data.v")], [200, 1], `${n} was acknowledged`);
  }
  const afterwards = startLoad(node);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { failures, count, p99Ms } = await afterwards.stop();
  assertEquals(failures, []);
  assertLess(p99Ms, 1000);
  assert(count > 10, `${count} requests`);
  const metrics = await fetch(`${node.url}/v1/sys/metrics?format=prometheus`, {
    headers: { "X-Vault-Token": rootToken },
  }).then((response) => response.text());
  const counted = Number(/http_overload_refused(?:{[^}]*})? ([0-9.e+]+)/.exec(metrics)?.[1]);
  assert(counted >= refused, `${counted} of ${refused} refusals are counted`);
});
