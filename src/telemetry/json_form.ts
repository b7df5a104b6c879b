/** The JSON form of `sys/metrics`: gauges as of now, the rest of the last whole ten seconds. */
import type { JsonObject } from "../logical/json.ts";
import type { IntervalFacts } from "./interval.ts";
import type { Labels } from "./labels.ts";
import { type Collected, intervalMs } from "./registry.ts";
import { shownLabels, shownName, type TelemetrySettings } from "./settings.ts";

export function metricsJson(collected: Collected, settings: TelemetrySettings): JsonObject {
  const gauges: JsonObject[] = [];
  const counters: JsonObject[] = [];
  const samples: JsonObject[] = [];
  const add = (
    to: JsonObject[],
    name: string,
    labels: Labels,
    body: JsonObject,
  ) => {
    const shown = shownName(settings, name, to === gauges);
    if (shown === undefined) return;
    to.push({ Name: shown, ...body, Labels: { ...shownLabels(settings, labels) } });
  };
  for (const { name, labels, value } of collected.gauges) {
    add(gauges, name, labels, { Value: Number.isFinite(value) ? value : 0 });
  }
  for (const { name, labels, value } of collected.counters) {
    if (value.total > 0) add(counters, name, labels, aggregate(value.last));
  }
  for (const { name, labels, value } of collected.summaries) {
    if (value.count > 0) add(samples, name, labels, aggregate(value.last));
  }
  for (const total of collected.totals) {
    const [count, sum] = total.kind === "summary"
      ? [total.count, total.sum]
      : [total.value, total.value];
    const facts = { count, sum, min: 0, max: 0, stddev: 0 };
    add(total.kind === "summary" ? samples : counters, total.name, total.labels, aggregate(facts));
  }
  const byName = (a: JsonObject, b: JsonObject) => String(a.Name) < String(b.Name) ? -1 : 1;
  return {
    Timestamp: goTime(collected.time),
    Gauges: gauges.sort(byName),
    Points: [],
    Counters: counters.sort(byName),
    Samples: samples.sort(byName),
  };
}

function aggregate({ count, sum, min, max, stddev }: IntervalFacts): JsonObject {
  return {
    Count: count,
    Rate: sum / (intervalMs / 1000),
    Sum: sum,
    Min: min,
    Max: max,
    Mean: count === 0 ? 0 : sum / count,
    Stddev: stddev,
  };
}

/** As clients and dashboards know times, to the second: `2026-11-21 15:51:00 +0000 UTC`. */
export function goTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}
