/** Looks over all that is stored once a day, so that what rotted is found before it is needed. */
import type { Cancel, Clock } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { IntegratedStorage } from "../storage/raft.ts";
import type { Registry } from "../telemetry/registry.ts";

const everyMs = 24 * 3_600_000;
/** After the start: a node that is restarted every day is looked over too. */
const firstMs = 3_600_000;
/** Rest between two slices of the walk, so that requests do not feel it. */
const pauseMs = 50;

export interface ScrubParts {
  readonly storage: Pick<IntegratedStorage, "scrub">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
}

/** Starts the schedule; each damage is logged with the name of what is damaged. */
export function scheduleScrub({ storage, clock, log, registry }: ScrubParts): Cancel {
  const damaged = registry.counter("raft_storage.scrub.damages");
  let stopped = false;
  let cancel: Cancel = () => {};
  let last: { readonly at: number; readonly damages: number } | undefined;
  const uncollect = registry.collect((report) => {
    report.gauge("raft_storage.scrub.last_damages", last?.damages);
    report.gauge("raft_storage.scrub.last_time_seconds", last && last.at / 1000);
  });
  const look = async () => {
    const start = clock.monotonic();
    const report = await storage.scrub({
      pauseMs,
      onDamage: (error) => {
        damaged.add();
        log.error("what is stored is damaged", { damage: error.message });
      },
    });
    const facts = {
      entries: report.entries,
      log_entries: report.logEntries,
      damages: report.damages.length,
      seconds: Math.round((clock.monotonic() - start) / 1000),
    };
    if (!report.isComplete) return log.info("the look over the storage was overtaken", facts);
    last = { at: clock.now(), damages: report.damages.length };
    log.info("the storage was looked over", facts);
  };
  const later = (delayMs: number) => {
    cancel = clock.after(delayMs, () => {
      look().catch((error) => {
        if (!stopped) log.warn("looking over the storage failed", { error: describeError(error) });
      }).finally(() => {
        if (!stopped) later(everyMs);
      });
    });
  };
  later(firstMs);
  return () => {
    stopped = true;
    cancel();
    uncollect();
  };
}
