/** Sends measurements to those who do not come for them: statsd, statsite, DogStatsD and OTLP. */
import { toHex, utf8 } from "../base/bytes.ts";
import { describeError } from "../base/failure.ts";
import { version } from "../base/version.ts";
import type { ServerConfig } from "../config/server_types.ts";
import type { Platform } from "../core/backend.ts";
import { otlpMetrics, otlpTraces, parentOf, type RequestSpan } from "../telemetry/otlp.ts";
import { packets, type StatsdDialect, statsdLines, type Totals } from "../telemetry/statsd.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { hostAndPort } from "./audit_devices.ts";

/** Between two looks. */
const pushMs = 10_000;
/** A packet goes through any network whole. */
const packetBytesMax = 1400;
/** Answered requests that wait to be sent; more are dropped. */
const spansMax = 2048;
const sendMs = 5000;

type Values = ServerConfig["telemetry"]["values"];
type Send = () => Promise<void>;

export interface Pusher {
  /** Keeps a request that has been answered, where requests are traced. */
  readonly trace: ((request: Request, status: number, tookMs: number) => void) | undefined;
  /** Sends all that there is now. Never rejects. */
  push(): Promise<void>;
  stop(): void;
}

/** Starts to send as the stanza says; undefined where it names nobody. */
export function startPushing(
  { telemetry: { values } }: ServerConfig,
  telemetry: Telemetry,
  platform: Platform,
): Pusher | undefined {
  const spans: RequestSpan[] = [];
  const sends = sendersOf(values, telemetry, platform, spans);
  if (sends.size === 0) return undefined;
  const log = platform.log.named("telemetry");
  const failing = new Set<string>();
  const push = async () => {
    for (const [name, send] of sends) {
      try {
        await send();
        if (failing.delete(name)) log.info("measurements are sent again", { to: name });
      } catch (error) {
        // Said once until it is better: it would be said every few seconds.
        if (!failing.has(name)) {
          log.warn("measurements can't be sent", { to: name, error: describeError(error) });
        }
        failing.add(name);
      }
    }
  };
  let cancel = () => {};
  const next = () => {
    cancel = platform.clock.after(pushMs, () => {
      push().then(next);
    });
  };
  next();
  const isTraced = values.otlp_endpoint !== "" && values.otlp_trace_percent > 0;
  return {
    trace: isTraced ? tracer(platform, spans, values.otlp_trace_percent / 100) : undefined,
    push,
    stop: () => cancel(),
  };
}

function sendersOf(
  values: Values,
  telemetry: Telemetry,
  { clock }: Platform,
  spans: RequestSpan[],
): Map<string, Send> {
  const sends = new Map<string, Send>();
  const { registry, settings } = telemetry;
  const lines = (dialect: StatsdDialect, tags: readonly string[] = []) => {
    const before: Totals = new Map();
    return async () => statsdLines(await registry.look(), settings(), before, dialect, tags);
  };
  if (values.statsd_address !== "") {
    sends.set("statsd", datagrams(values.statsd_address, lines("statsd")));
  }
  if (values.dogstatsd_addr !== "") {
    const look = lines("dogstatsd", values.dogstatsd_tags);
    sends.set("DogStatsD", datagrams(values.dogstatsd_addr, look));
  }
  if (values.statsite_address !== "") {
    sends.set("statsite", stream(values.statsite_address, lines("statsd")));
  }
  const base = values.otlp_endpoint.replace(/\/+$/, "");
  if (base !== "") {
    const resource = { host: Deno.hostname(), version, since: clock.now() };
    sends.set("OTLP", async () => {
      const collected = await registry.look();
      await post(`${base}/v1/metrics`, otlpMetrics(collected, settings(), resource, clock.now()));
      const some = spans.splice(0);
      if (some.length > 0) await post(`${base}/v1/traces`, otlpTraces(some, resource));
    });
  }
  return sends;
}

function datagrams(address: string, look: () => Promise<string[]>): Send {
  return async () => {
    const to = hostAndPort(address);
    const family = to.hostname.includes(":") ? "::" : "0.0.0.0";
    const socket = Deno.listenDatagram({ transport: "udp", hostname: family, port: 0 });
    try {
      for (const packet of packets(await look(), packetBytesMax)) {
        await socket.send(utf8(packet), { transport: "udp", ...to });
      }
    } finally {
      socket.close();
    }
  };
}

function stream(address: string, look: () => Promise<string[]>): Send {
  return async () => {
    using conn = await Deno.connect(hostAndPort(address));
    const bytes = utf8((await look()).map((line) => `${line}\n`).join(""));
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
  };
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(sendMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`status ${response.status}`);
}

/** A caller's own decision to trace counts; else one request in so many is chosen by chance. */
function tracer({ clock, random }: Platform, spans: RequestSpan[], ratio: number) {
  return (request: Request, status: number, tookMs: number): void => {
    const parent = parentOf(request.headers.get("traceparent"));
    const [chance = 0] = random.bytes(1);
    const isWanted = parent?.isSampled ?? chance / 256 < ratio;
    if (!isWanted || spans.length >= spansMax) return;
    const end = clock.now();
    spans.push({
      traceId: parent?.traceId ?? toHex(random.bytes(16)),
      spanId: toHex(random.bytes(8)),
      parentSpanId: parent?.spanId ?? "",
      method: request.method,
      path: new URL(request.url).pathname,
      status,
      start: end - tookMs,
      end,
    });
  };
}
