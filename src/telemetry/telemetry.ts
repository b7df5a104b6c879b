/** Measurements and log of a process, as one value. */
import type { Clock } from "../base/clock.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { type LogControl, noLogControl } from "./log_control.ts";
import type { Profiler } from "./profiler.ts";
import { Registry } from "./registry.ts";
import { plainSettings, type TelemetrySettings } from "./settings.ts";

export interface Telemetry {
  readonly registry: Registry;
  readonly logs: LogControl;
  /** Read at each look, so that a reload can change it. */
  readonly settings: () => TelemetrySettings;
  /** Absent where none can be taken. */
  readonly profiler?: Profiler;
}

/** One that nobody looks at unless asked: for tests and tools. */
export function plainTelemetry(clock: Clock, log: Logger = silentLogger): Telemetry {
  return {
    registry: new Registry({ clock, log }),
    logs: noLogControl,
    settings: () => plainSettings,
  };
}
