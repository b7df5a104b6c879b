/** The text form of Prometheus, version 0.0.4. */
import type { Labels } from "./labels.ts";
import type { Collected } from "./registry.ts";
import { shownLabels, shownName, type TelemetrySettings } from "./settings.ts";

export const prometheusType = "text/plain; version=0.0.4; charset=utf-8";

const shares = [0.5, 0.9, 0.99] as const;

type Kind = "gauge" | "counter" | "summary";

interface Family {
  readonly kind: Kind;
  readonly help: string;
  readonly lines: string[];
}

/** Series are grouped by name, as the format wants it, and sorted, so that two looks compare. */
export function prometheusText(
  collected: Collected,
  settings: TelemetrySettings,
): string {
  const families = new Map<string, Family>();
  const add = (
    kind: Kind,
    name: string,
    labels: Labels,
    lines: (n: string, l: Labels) => string[],
  ) => {
    const shown = shownName(settings, name, kind === "gauge");
    if (shown === undefined) return;
    const exact = metricName(shown);
    const family = families.get(exact) ?? { kind, help: shown, lines: [] };
    // One name can't be two kinds: the first wins.
    if (family.kind !== kind) return;
    families.set(exact, family);
    family.lines.push(...lines(exact, shownLabels(settings, labels)));
  };
  for (const { name, labels, value } of collected.gauges) {
    add("gauge", name, labels, (n, l) => [`${n}${labelText(l)} ${numberText(value)}`]);
  }
  for (const { name, labels, value } of collected.counters) {
    add("counter", name, labels, (n, l) => [`${n}${labelText(l)} ${numberText(value.total)}`]);
  }
  for (const { name, labels, value } of collected.summaries) {
    add("summary", name, labels, (n, l) => [
      ...value.quantiles(shares).map((at, i) =>
        `${n}${labelText(l, `quantile="${shares[i]}"`)} ${numberText(at)}`
      ),
      ...sumAndCount(n, l, value),
    ]);
  }
  for (const total of collected.totals) {
    if (total.kind === "summary") {
      add("summary", total.name, total.labels, (n, l) => sumAndCount(n, l, total));
    } else {
      const { value, labels } = total;
      add("counter", total.name, labels, (n, l) => [`${n}${labelText(l)} ${numberText(value)}`]);
    }
  }
  return [...families].sort(([a], [b]) => a < b ? -1 : 1).map(([name, { kind, help, lines }]) =>
    `# HELP ${name} ${help.replace(/[\\\n]/g, "_")}\n# TYPE ${name} ${kind}\n${lines.join("\n")}\n`
  ).join("");
}

function sumAndCount(
  name: string,
  labels: Labels,
  { sum, count }: { readonly sum: number; readonly count: number },
): string[] {
  return [
    `${name}_sum${labelText(labels)} ${numberText(sum)}`,
    `${name}_count${labelText(labels)} ${numberText(count)}`,
  ];
}

/** Only letters, digits, "_" and ":" may be in a name, and no digit in front. */
export function metricName(name: string): string {
  const clean = name.replace(/[^a-zA-Z0-9_:]/g, "_");
  return /^[0-9]/.test(clean) ? `_${clean}` : clean;
}

function labelText(labels: Labels, more = ""): string {
  const parts = Object.keys(labels).sort().map((name) =>
    `${name.replace(/[^a-zA-Z0-9_]/g, "_")}="${escaped(labels[name] ?? "")}"`
  );
  if (more !== "") parts.push(more);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return Number.isNaN(value) ? "NaN" : String(value);
}
