/** How long recording takes, and how often it fails; of all devices together and of each. */
import type { Counter } from "../telemetry/counter.ts";
import type { Registry } from "../telemetry/registry.ts";
import type { Summary } from "../telemetry/summary.ts";

type What = "request" | "response";

export class AuditMetrics {
  readonly #all: Readonly<Record<What, { time: Summary; failures: Counter }>>;
  readonly #devices = new Map<string, Readonly<Record<What, Summary>>>();
  readonly #sink: Readonly<Record<"success" | "failure", Counter>>;
  readonly #fallback: Readonly<Record<"success" | "miss", Counter>>;

  constructor(readonly registry: Registry) {
    const of = (what: What) => ({
      time: registry.summary(`audit.log_${what}`),
      failures: registry.counter(`audit.log_${what}_failure`),
    });
    this.#all = { request: of("request"), response: of("response") };
    this.#sink = {
      success: registry.counter("audit.sink.success"),
      failure: registry.counter("audit.sink.failure"),
    };
    this.#fallback = {
      success: registry.counter("audit.fallback.success"),
      miss: registry.counter("audit.fallback.miss"),
    };
  }

  recorded(what: What, ms: number): void {
    this.#all[what].time.observe(ms);
  }

  /** No device could record it. */
  failed(what: What): void {
    this.#all[what].failures.add();
  }

  /** No device wanted it, and there is none that takes what is left. */
  missed(): void {
    this.#fallback.miss.add();
  }

  deviceRecorded(path: string, what: What, ms: number, isFallback: boolean): void {
    let summaries = this.#devices.get(path);
    if (summaries === undefined) {
      const of = (kind: What) => this.registry.summary(`audit.${path}.log_${kind}`);
      summaries = { request: of("request"), response: of("response") };
      this.#devices.set(path, summaries);
    }
    summaries[what].observe(ms);
    this.#sink.success.add();
    if (isFallback) this.#fallback.success.add();
  }

  deviceFailed(path: string, what: What): void {
    this.registry.counter(`audit.${path}.log_${what}_failure`).add();
    this.#sink.failure.add();
  }
}
