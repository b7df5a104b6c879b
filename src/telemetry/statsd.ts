/** Measurements as statsd lines: what has been counted since the last look, and gauges as they are. */
import type { Labels } from "./labels.ts";
import type { Collected } from "./registry.ts";
import { shownLabels, shownName, type TelemetrySettings } from "./settings.ts";

/** Dialects: plain ones put labels into the name, DogStatsD has tags. */
export type StatsdDialect = "statsd" | "dogstatsd";

/** Totals as of the last look, by series. */
export type Totals = Map<string, number>;

/**
 * Lines without their line feeds. A summary is one line, its mean with the sample rate that stands
 * for how many there were. `before` is brought up to date; what it does not know counts from 0.
 */
export function statsdLines(
  collected: Collected,
  settings: TelemetrySettings,
  before: Totals,
  dialect: StatsdDialect,
  tags: readonly string[] = [],
): string[] {
  const lines: string[] = [];
  const add = (name: string, labels: Labels, isGauge: boolean, value: string) => {
    const shown = shownName(settings, name, isGauge);
    if (shown === undefined) return;
    lines.push(line(shown, shownLabels(settings, labels), value, dialect, tags));
  };
  const since = (key: string, total: number) => {
    const more = total - (before.get(key) ?? 0);
    before.set(key, total);
    return more;
  };
  const addTimes = (key: string, name: string, labels: Labels, count: number, sum: number) => {
    const times = since(`${key} count`, count);
    const took = since(`${key} sum`, sum);
    if (times > 0) {
      add(name, labels, false, `${took / times}|ms${times > 1 ? `|@${1 / times}` : ""}`);
    }
  };
  for (const { name, labels, value } of collected.gauges) add(name, labels, true, `${value}|g`);
  for (const { name, labels, value: { total } } of collected.counters) {
    const more = since(`${name} ${JSON.stringify(labels)}`, total);
    if (more > 0) add(name, labels, false, `${more}|c`);
  }
  for (const { name, labels, value: { count, sum } } of collected.summaries) {
    addTimes(`${name} ${JSON.stringify(labels)}`, name, labels, count, sum);
  }
  for (const total of collected.totals) {
    if (total.kind === "summary") {
      addTimes(total.name, total.name, total.labels, total.count, total.sum);
    } else {
      const { name, labels, value } = total;
      const more = since(`${name} ${JSON.stringify(labels)}`, value);
      if (more > 0) add(name, labels, false, `${more}|c`);
    }
  }
  return lines;
}

function line(
  name: string,
  labels: Labels,
  value: string,
  dialect: StatsdDialect,
  tags: readonly string[],
): string {
  const clean = (text: string) => text.replace(/[^\w.\-/]/g, "_");
  const pairs = Object.entries(labels).filter(([, text]) => text !== "");
  if (dialect === "statsd") {
    return `${[name, ...pairs.map(([, text]) => text)].map(clean).join(".")}:${value}`;
  }
  const all = [...tags, ...pairs.map(([label, text]) => `${label}:${text.replace(/[|,#]/g, "_")}`)];
  return `${clean(name)}:${value}${all.length === 0 ? "" : `|#${all.join(",")}`}`;
}

/** Lines gathered into packets of at most `bytesMax` ASCII characters. */
export function packets(lines: readonly string[], bytesMax: number): string[] {
  const out: string[] = [];
  let packet = "";
  for (const one of lines) {
    if (packet !== "" && packet.length + one.length + 1 > bytesMax) {
      out.push(packet);
      packet = "";
    }
    packet += `${one}\n`;
  }
  return packet === "" ? out : [...out, packet];
}
