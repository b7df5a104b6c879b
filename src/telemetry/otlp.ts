/** Measurements and requests in OTLP's JSON form (OpenTelemetry protocol 1.x, JSON Protobuf). */
import type { JsonObject } from "../logical/json.ts";
import type { Labels } from "./labels.ts";
import type { Collected } from "./registry.ts";
import { shownLabels, shownName, type TelemetrySettings } from "./settings.ts";

/** Who measured. */
export interface OtlpResource {
  readonly host: string;
  readonly version: string;
  /** Since when totals count, milliseconds since the epoch. */
  readonly since: number;
}

/** A request that has been answered; times in milliseconds since the epoch. */
export interface RequestSpan {
  /** Hexadecimal, 32 and 16 digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** "" where nobody else has begun the trace. */
  readonly parentSpanId: string;
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly status: number;
  readonly start: number;
  readonly end: number;
}

const shares = [0.5, 0.9, 0.99] as const;
/** AGGREGATION_TEMPORALITY_CUMULATIVE, SPAN_KIND_SERVER, STATUS_CODE_ERROR. */
const [cumulative, serverKind, errorCode] = [2, 2, 2] as const;

/** The body of a POST to `/v1/metrics`. */
export function otlpMetrics(
  collected: Collected,
  settings: TelemetrySettings,
  resource: OtlpResource,
  now: number,
): JsonObject {
  const metrics: JsonObject[] = [];
  const times = { startTimeUnixNano: nanos(resource.since), timeUnixNano: nanos(now) };
  const add = (name: string, labels: Labels, of: (point: JsonObject) => JsonObject) => {
    // The host is in the resource, so not in the names.
    const shown = shownName({ ...settings, hostInNames: "" }, name, false);
    if (shown === undefined) return;
    const attributes = pairs(shownLabels(settings, labels));
    metrics.push({ name: shown, ...of({ ...times, attributes }) });
  };
  const sum = (value: number) => (point: JsonObject) => ({
    sum: {
      aggregationTemporality: cumulative,
      isMonotonic: true,
      dataPoints: [{ ...point, asDouble: value }],
    },
  });
  const summary = (count: number, total: number, quantiles: readonly number[] = []) =>
  (
    point: JsonObject,
  ) => ({
    unit: "ms",
    summary: {
      dataPoints: [{
        ...point,
        count: String(count),
        sum: total,
        quantileValues: quantiles.flatMap((value, i) =>
          Number.isFinite(value) ? [{ quantile: shares[i], value }] : []
        ),
      }],
    },
  });
  for (const { name, labels, value } of collected.gauges) {
    if (!Number.isFinite(value)) continue;
    add(name, labels, (point) => ({ gauge: { dataPoints: [{ ...point, asDouble: value }] } }));
  }
  for (const { name, labels, value } of collected.counters) add(name, labels, sum(value.total));
  for (const { name, labels, value } of collected.summaries) {
    add(name, labels, summary(value.count, value.sum, value.quantiles(shares)));
  }
  for (const total of collected.totals) {
    add(
      total.name,
      total.labels,
      total.kind === "counter" ? sum(total.value) : summary(total.count, total.sum),
    );
  }
  return {
    resourceMetrics: [{
      resource: { attributes: about(resource) },
      scopeMetrics: [{ scope: scopeOf(resource), metrics }],
    }],
  };
}

/** The body of a POST to `/v1/traces`. */
export function otlpTraces(spans: readonly RequestSpan[], resource: OtlpResource): JsonObject {
  return {
    resourceSpans: [{
      resource: { attributes: about(resource) },
      scopeSpans: [{ scope: scopeOf(resource), spans: spans.map(spanOf) }],
    }],
  };
}

function spanOf(span: RequestSpan): JsonObject {
  const { traceId, spanId, parentSpanId, method, path, status, start, end } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === "" ? {} : { parentSpanId }),
    name: method,
    kind: serverKind,
    startTimeUnixNano: nanos(start),
    endTimeUnixNano: nanos(end),
    attributes: [
      ...pairs({ "http.request.method": method, "url.path": path }),
      { key: "http.response.status_code", value: { intValue: String(status) } },
    ],
    status: status >= 500 ? { code: errorCode } : {},
  };
}

function about({ host, version }: OtlpResource): JsonObject[] {
  return pairs({ "service.name": "holdfast", "service.version": version, "host.name": host });
}

function scopeOf({ version }: OtlpResource): JsonObject {
  return { name: "holdfast", version };
}

function pairs(labels: Labels): JsonObject[] {
  return Object.entries(labels).map(([key, text]) => ({ key, value: { stringValue: text } }));
}

function nanos(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1000)) * 1000n);
}

/** The trace that a `traceparent` header (W3C Trace Context) goes on with; undefined for none. */
export function parentOf(header: string | null) {
  const [, traceId, spanId, flags] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(header ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId)) return undefined;
  return { traceId, spanId, isSampled: (parseInt(flags ?? "0", 16) & 1) === 1 };
}
