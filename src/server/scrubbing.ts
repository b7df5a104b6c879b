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
  readonly storage: Pick<IntegratedStorage, "scrub" | "onDamage">;
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
  /** What was met since the last look; it is in the log already. */
  let met = 0;
  const ignore = storage.onDamage(() => {
    met += 1;
    damaged.add();
  });
  const uncollect = registry.collect((report) => {
    const found = last === undefined && met === 0 ? undefined : (last?.damages ?? 0) + met;
    report.gauge("raft_storage.scrub.last_damages", found);
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
    met = 0;
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
    ignore();
    uncollect();
  };
}
