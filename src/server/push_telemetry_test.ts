/** Measurements that are sent: what arrives, and that nobody who does not take it disturbs the node. */
import { assert, assertEquals } from "@std/assert";
import { silentLogger } from "../base/log.ts";
import { loadServerConfig } from "../config/server.ts";
import { ManualClock } from "../core/testing/kit.ts";
import { portableProvider } from "../crypto/portable.ts";
import { systemRandom } from "../base/clock.ts";
import { plainTelemetry } from "../telemetry/telemetry.ts";
import { startPushing } from "./push_telemetry.ts";

const configOf = (stanza: string) =>
  loadServerConfig([{ name: "a.hcl", text: `telemetry {\n${stanza}\n}` }], {}).config;

function start(stanza: string) {
  const clock = new ManualClock();
  const platform = { clock, random: systemRandom, crypto: portableProvider(), log: silentLogger };
  const telemetry = plainTelemetry(clock);
  const { registry } = telemetry;
  registry.counter("token.creation", { mount_point: "auth/token/" }).add(3);
  for (const ms of [2, 4]) registry.summary("core.handle_request").observe(ms);
  registry.collect((report) => report.gauge("core.unsealed", 1, { cluster: "c" }));
  const pusher = startPushing(configOf(stanza), telemetry, platform);
  assert(pusher !== undefined);
  return { pusher, registry };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("statsd and DogStatsD get what was counted since the last time", async () => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  assert(socket.addr.transport === "udp");
  const address = `127.0.0.1:${socket.addr.port}`;
  const plain = start(`statsd_address = "${address}"`);
  await plain.pusher.push();
  assertEquals(text((await socket.receive())[0]).trim().split("\n"), [
    "vault.core.unsealed.c:1|g",
    "vault.token.creation.auth/token/:3|c",
    "vault.core.handle_request:3|ms|@0.5",
  ]);
  plain.registry.counter("token.creation", { mount_point: "auth/token/" }).add();
  await plain.pusher.push();
  assertEquals(text((await socket.receive())[0]).trim().split("\n"), [
    "vault.core.unsealed.c:1|g",
    "vault.token.creation.auth/token/:1|c",
  ]);
  const dog = start(`dogstatsd_addr = "${address}"\ndogstatsd_tags = ["env:test"]`);
  await dog.pusher.push();
  const [gauge] = text((await socket.receive())[0]).split("\n");
  assertEquals(gauge, "vault.core.unsealed:1|g|#env:test,cluster:c");
  for (const { pusher } of [plain, dog]) pusher.stop();
  socket.close();
});

Deno.test("statsite gets the same by TCP", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert(listener.addr.transport === "tcp");
  const { pusher } = start(`statsite_address = "127.0.0.1:${listener.addr.port}"`);
  const [conn] = await Promise.all([listener.accept(), pusher.push()]);
  const got = text(new Uint8Array(await new Response(conn.readable).arrayBuffer()));
  assert(got.startsWith("vault.core.unsealed.c:1|g\n"));
  pusher.stop();
  listener.close();
});

Deno.test("a collector gets measurements and spans by OTLP, without a request's query", async () => {
  const bodies = new Map<string, string>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      bodies.set(new URL(request.url).pathname, await request.text());
      return Response.json({});
    },
  );
  const endpoint = `http://127.0.0.1:${server.addr.port}/`;
  const { pusher } = start(`otlp_endpoint = "${endpoint}"`);
  assertEquals(pusher.trace, undefined);
  const traced = start(`otlp_endpoint = "${endpoint}"\notlp_trace_percent = 100`);
  const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`;
  const url = "http://127.0.0.1:8200/v1/secret/a?version=hunter2";
  traced.pusher.trace?.(new Request(url, { headers: { traceparent } }), 503, 5);
  const unsampled = traceparent.replace(/01$/, "00");
  traced.pusher.trace?.(new Request(url, { headers: { traceparent: unsampled } }), 200, 5);
  await traced.pusher.push();
  const metrics = bodies.get("/v1/metrics") ?? "";
  assert(metrics.includes('"name":"vault.core.unsealed"') && metrics.includes('"count":"2"'));
  const spans = JSON.parse(bodies.get("/v1/traces") ?? "").resourceSpans[0].scopeSpans[0].spans;
  assertEquals(spans.length, 1);
  const [{ traceId, parentSpanId, status }] = spans;
  assertEquals([traceId, parentSpanId, status.code], ["ab".repeat(16), "cd".repeat(8), 2]);
  assert(!bodies.get("/v1/traces")?.includes("hunter2"));
  for (const one of [pusher, traced.pusher]) one.stop();
  await server.shutdown();
});

Deno.test("nobody listens: nothing is thrown, and the next one goes through", async () => {
  const { pusher } = start(
    'statsite_address = "127.0.0.1:1"\notlp_endpoint = "http://127.0.0.1:1"',
  );
  await pusher.push();
  pusher.stop();
});
