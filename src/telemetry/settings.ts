/** How metrics are shown, from the `telemetry` stanza. */
export interface TelemetrySettings {
  /** First part of all names. */
  readonly prefix: string;
  /** Goes into the names of gauges; "" for none. */
  readonly hostInNames: string;
  /** Goes into a label of everything; "" for none. */
  readonly hostLabel: string;
  /** 0: there is no Prometheus form. A series is never left out: its absence would look like a fault. */
  readonly retentionMs: number;
  /** Whether a name (with the prefix, joined by dots) is shown. */
  readonly passes: (name: string) => boolean;
  readonly usage: UsageSettings;
}

/** What is counted of what is stored, and how it is shown. */
export interface UsageSettings {
  /** Between counts; 0 for none. */
  readonly periodMs: number;
  /** Label sets that one gauge shows, the largest. */
  readonly maxCardinality: number;
  /** Buckets of when leases end: their width and number, and whether they tell the namespace. */
  readonly leases: {
    readonly epsilonMs: number;
    readonly count: number;
    readonly byNamespace: boolean;
  };
}

/** `+prefix` lets through, `-prefix` keeps back; the longest that fits decides, back wins a tie. */
export function prefixFilter(rules: readonly string[], otherwise: boolean) {
  const parsed = rules.filter((rule) => /^[+-]./.test(rule)).map((rule) => ({
    passes: rule.startsWith("+"),
    prefix: rule.slice(1),
  }));
  parsed.sort((a, b) => b.prefix.length - a.prefix.length || Number(a.passes) - Number(b.passes));
  return (name: string) =>
    parsed.find(({ prefix }) => name.startsWith(prefix))?.passes ?? otherwise;
}

export const plainSettings: TelemetrySettings = {
  prefix: "vault",
  hostInNames: "",
  hostLabel: "",
  retentionMs: 86_400_000,
  passes: () => true,
  usage: {
    periodMs: 0,
    maxCardinality: 500,
    leases: { epsilonMs: 3_600_000, count: 168, byNamespace: false },
  },
};

/** What is told of a process has the same names everywhere, whichever program it is. */
const ofProcesses = "process_";

/** The name as it is shown, its parts joined by dots; undefined where it is kept back. */
export function shownName(
  settings: TelemetrySettings,
  name: string,
  isGauge: boolean,
): string | undefined {
  const { prefix, hostInNames, passes } = settings;
  if (name.startsWith(ofProcesses)) return passes(name) ? name : undefined;
  const start = prefix === "" ? "" : `${prefix}.`;
  if (!passes(start + name)) return undefined;
  return `${start}${isGauge && hostInNames !== "" ? `${hostInNames}.` : ""}${name}`;
}

export function shownLabels(
  { hostLabel }: TelemetrySettings,
  labels: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return hostLabel === "" ? labels : { ...labels, host: hostLabel };
}
