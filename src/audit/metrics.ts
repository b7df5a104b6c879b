/** How long recording takes, and how often it fails; of all devices together and of each. */
import type { Counter } from "../telemetry/counter.ts";
import type { Registry } from "../telemetry/registry.ts";
import type { Summary } from "../telemetry/summary.ts";

type What = "request" | "response";

export class AuditMetrics {
  readonly #all: Readonly<Record<What, { time: Summary; failures: Counter }>>;
  readonly #devices = new Map<string, Summary>();

  constructor(readonly registry: Registry) {
    const of = (what: What) => ({
      time: registry.summary(`audit.log_${what}`),
      failures: registry.counter(`audit.log_${what}_failure`),
    });
    this.#all = { request: of("request"), response: of("response") };
  }

  recorded(what: What, ms: number): void {
    this.#all[what].time.observe(ms);
  }

  /** No device could record it. */
  failed(what: What): void {
    this.#all[what].failures.add();
  }

  deviceRecorded(path: string, what: What, ms: number): void {
    const name = `audit.${path}.log_${what}`;
    let summary = this.#devices.get(name);
    if (summary === undefined) {
      summary = this.registry.summary(name);
      this.#devices.set(name, summary);
    }
    summary.observe(ms);
  }

  deviceFailed(path: string, what: What): void {
    this.registry.counter(`audit.${path}.log_${what}_failure`).add();
    this.registry.counter("audit.sink.failure").add();
  }
}
