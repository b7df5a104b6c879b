/**
 * Connections that are held open with half a request, and garbage on the TLS port: neither delays
 * others, and all are gone once their time is over.
 */
import { assert, assertEquals } from "@std/assert";
import { freePort, TestNode } from "../e2e/node.ts";
import { run } from "../e2e/program.ts";
import { startLoad } from "./load.ts";
import { Dice } from "./random.ts";
import { send } from "./wire.ts";

const seed = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 2 ** 31);
const held = 300;
const delayMaxMs = 1000;

const halves = [
  "",
  "G",
  "POST /v1/kv/a HTTP/1.1\r\nHost: x\r\n",
  "POST /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
  "POST /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
] as const satisfies readonly [string, ...string[]];

/** True once the other side has closed. */
async function isClosed(connection: Deno.Conn): Promise<boolean> {
  const buffer = new Uint8Array(4096);
  try {
    while (await connection.read(buffer) !== null);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return true;
    if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
      return false;
    }
    throw error;
  }
}

Deno.test("half-sent requests are closed in time and delay nobody", async () => {
  await using node = await TestNode.create();
  const text = await Deno.readTextFile(node.config);
  const limits =
    'http_read_header_timeout = "1s"\n  http_read_timeout = "2s"\n  http_idle_timeout = "2s"';
  await Deno.writeTextFile(node.config, text.replace("tls_disable = true", `$&\n  ${limits}`));
  await node.setUp();
  await node.api("POST", "sys/mounts/load", { type: "kv" });
  const load = startLoad(node);
  const dice = new Dice(seed);
  const connections = await Promise.all(
    Array.from({ length: held }, () => Deno.connect({ hostname: "127.0.0.1", port: node.port })),
  );
  for (const connection of connections) {
    const half = new TextEncoder().encode(dice.pick(halves));
    if (half.length > 0) await connection.write(half);
  }
  const closing = connections.map(isClosed);
  // Another second is the server's for looking around, and some are the machine's.
  const over = new Promise<void>((resolve) => setTimeout(resolve, 8000));
  await Promise.race([Promise.all(closing), over]);
  const left = (await Promise.all(
    closing.map((one) => Promise.race([one, Promise.resolve(false)])),
  )).filter((closed) => !closed).length;
  for (const connection of connections) connection.close();
  await Promise.all(closing);
  const { failures, p99Ms } = await load.stop();
  assertEquals(left, 0, `of ${held} connections, seed ${seed}`);
  assertEquals(failures.slice(0, 3), []);
  assert(p99Ms < delayMaxMs, `other requests took ${p99Ms} ms`);
});

Deno.test("garbage on the TLS port ends in closed connections", async () => {
  await using node = await TestNode.create();
  const port = freePort();
  const [cert, key] = [`${node.folder}/cert.pem`, `${node.folder}/key.pem`];
  const made = await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "2", "-subj", "/CN=fuzz", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-out", cert, "-keyout", key],
  ]);
  assertEquals(made.code, 0, made.text);
  const tls = `listener "tcp" {
  address       = "127.0.0.1:${port}"
  tls_cert_file = "${cert}"
  tls_key_file  = "${key}"
}`;
  await Deno.writeTextFile(node.config, `${await Deno.readTextFile(node.config)}\n${tls}`);
  await node.setUp();
  await node.api("POST", "sys/mounts/load", { type: "kv" });
  const load = startLoad(node);
  const dice = new Dice(seed);
  const hello = Uint8Array.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
  for (let n = 0; n < 500; n++) {
    const garbage = dice.bytes(1 + dice.below(600));
    if (dice.chance(0.5)) garbage.set(hello.subarray(0, garbage.length));
    const plain = new TextEncoder().encode("GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n");
    const bytes = dice.chance(0.1) ? plain : garbage;
    const { statuses } = await send(port, { bytes, isPartial: true });
    assert(statuses.every((status) => status === 400), `${statuses}`);
  }
  const { failures, p99Ms } = await load.stop();
  assertEquals(failures.slice(0, 3), []);
  assert(p99Ms < delayMaxMs, `other requests took ${p99Ms} ms`);
  const good = await run("curl", [
    "-s",
    "--cacert",
    cert,
    `https://127.0.0.1:${port}/v1/sys/health`,
  ]);
  assertEquals(JSON.parse(good.stdout).sealed, false);
  assert(!/panicked|Uncaught/.test(node.output), node.output);
});
