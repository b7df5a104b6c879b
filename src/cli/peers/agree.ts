/** What nodes say of themselves, held against each other. */
import type { Finding } from "./reach.ts";

/** What a node's `sys/health` says, without a token. */
export interface Health {
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** "" while it is sealed. */
  readonly clusterId: string;
  readonly removed: boolean;
  readonly version: string;
  /** Its clock minus this machine's, milliseconds, to within `errorMs`. */
  readonly offsetMs: number;
  readonly errorMs: number;
}

/** Leases, tokens and certificates end by the clock of whoever is active. */
const OFFSET_MAX_MS = 2000;

/** `expected` is the cluster's id, "" where nobody knows it. */
export function judgeHealth(health: Health, expected: string): Finding[] {
  return [judgeState(health), ...judgeCluster(health, expected), judgeClock(health)];
}

function judgeState({ initialized, sealed, removed, version }: Health): Finding {
  const found = (ok: boolean, told: string): Finding => ({
    step: "API",
    ok,
    told: `${told} (version ${version})`,
  });
  if (removed) return found(false, "it was taken out of the cluster: empty its data directory");
  if (!initialized) return found(false, "it belongs to no cluster yet");
  if (sealed) return found(false, "it is sealed: its cluster port opens when it is unsealed");
  return found(true, "it answers and is unsealed");
}

function judgeCluster({ clusterId }: Health, expected: string): Finding[] {
  if (clusterId === "") return [];
  if (expected === "" || clusterId === expected) {
    return [{ step: "cluster", ok: true, told: clusterId }];
  }
  const told = `it is of another cluster: ${clusterId} instead of ${expected}`;
  return [{ step: "cluster", ok: false, told }];
}

function judgeClock({ offsetMs, errorMs }: Health): Finding {
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const told = `${offsetMs < 0 ? "" : "+"}${seconds(offsetMs)} s (to within ${seconds(errorMs)} s)`;
  return { step: "clock", ok: Math.abs(offsetMs) - errorMs <= OFFSET_MAX_MS, told };
}

/** What most have; "" where nobody has anything. The first of those that are equally often. */
export function commonest(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) {
    if (value !== "") counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? "";
}

/** Nodes of one cluster show one certificate at their cluster ports. */
export function judgeCertificate(fingerprint: string, expected: string): Finding {
  const ok = fingerprint === expected;
  const told = ok ? "the certificate is the cluster's" : "it shows another cluster's certificate";
  return { step: "cluster", ok, told };
}
