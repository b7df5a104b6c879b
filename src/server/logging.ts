/** The server's log: standard error, and a file where one is named. */
import { describeError } from "../base/failure.ts";
import { systemClock } from "../base/clock.ts";
import type { Logger, LogLevel } from "../base/log.ts";
import type { LogOptions } from "../cli/server_options.ts";
import type { ServerConfig } from "../config/server_types.ts";
import { LogFile } from "./log_file.ts";
import { type LogControl, parseLogLevel as logLevel } from "../telemetry/log_control.ts";
import { createLogger, type LogSink } from "./logger.ts";
import { Loggers } from "./loggers.ts";

type Settings = ServerConfig["settings"];

export { logLevel };

export interface Logging {
  readonly log: Logger;
  readonly control: LogControl;
  readonly level: LogLevel;
  /** Takes what a reload may change, and opens the file anew. */
  reload(settings: Settings): void;
  close(): void;
}

/** Flags win over the configuration. Throws what says why the file can't be opened. */
export function openLogging(options: LogOptions, settings: Settings): Logging {
  const path = options.file ?? settings.log_file;
  const file = path === "" ? undefined : new LogFile({
    path,
    rotateBytes: options.rotateBytes ?? settings.log_rotate_bytes,
    rotateMs: options.rotateDurationMs ?? settings.log_rotate_duration * 1000,
    maxFiles: options.rotateMaxFiles ?? settings.log_rotate_max_files,
  }, systemClock);
  const loggers: Loggers = new Loggers(() => sink.level);
  const sink: LogSink = {
    loggers,
    level: logLevel(options.level ?? settings.log_level) ?? "info",
    json: (options.format ?? settings.log_format) === "json",
    write: (line) => {
      console.error(line);
      if (file !== undefined) writeTo(file, line);
    },
  };
  return {
    log: createLogger(sink),
    control: loggers,
    get level() {
      return sink.level;
    },
    reload(changed) {
      sink.level = logLevel(options.level ?? changed.log_level) ?? sink.level;
      file?.reopen();
    },
    close: () => file?.close(),
  };
}

/** A log that can't be written must not end the service it tells of; standard error has it all. */
function writeTo(file: LogFile, line: string): void {
  try {
    file.write(line);
  } catch (error) {
    console.error(`the log file ${file.path} can't be written: ${describeError(error)}`);
  }
}
