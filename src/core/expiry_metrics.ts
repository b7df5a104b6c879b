/** What the expiry tells the telemetry of the leases that it ends. */
import type { LeaseEntry } from "../lease/entry.ts";
import type { Counter } from "../telemetry/counter.ts";
import type { Registry } from "../telemetry/registry.ts";
import type { Summary } from "../telemetry/summary.ts";

type Ended = Pick<LeaseEntry, "expireTime"> & Pick<Partial<LeaseEntry>, "failure">;

export class ExpiryMetrics {
  readonly #ended: Counter;
  readonly #failed: Counter;
  readonly #inQueue: Summary;

  constructor(readonly registry: Registry) {
    const labels = { namespace: "root" };
    this.#ended = registry.counter("expire.lease_expiration", labels);
    this.#failed = registry.counter("expire.lease_expiration.error", labels);
    this.#inQueue = registry.summary("expire.lease_expiration.time_in_queue", labels);
  }

  /** A lease that had come due is gone; `now` in milliseconds since the epoch. */
  ended({ expireTime, failure }: Ended, now: number): void {
    this.#ended.add();
    // What failed before has a later time to be tried at; it has waited since the first try.
    this.#inQueue.observe(Math.max(0, now - (failure?.since ?? expireTime)));
  }

  /** It could not be ended, and is tried again. */
  failed(): void {
    this.#failed.add();
  }
}
