/** The server's log: one line an event, for people or as JSON. */
import { systemClock } from "../base/clock.ts";
import type { LogFields, Logger, LogLevel } from "../base/log.ts";
import type { Loggers } from "./loggers.ts";

/** Where lines go, and from which level on; both may change while the server runs. */
export interface LogSink {
  level: LogLevel;
  json: boolean;
  readonly loggers: Loggers;
  write(line: string): void;
}

/** A logger on a sink; parts have names joined by dots. */
export function createLogger(sink: LogSink, name = ""): Logger {
  const { loggers } = sink;
  loggers.register(name);
  const emit = (level: LogLevel, message: string, fields: LogFields = {}) => {
    const line = (json: boolean) =>
      json ? jsonLine(level, name, message, fields) : textLine(level, name, message, fields);
    if (loggers.passes(name, level)) sink.write(line(sink.json));
    if (loggers.isFollowed) loggers.tell(level, line);
  };
  return {
    trace: (message, fields) => emit("trace", message, fields),
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warn: (message, fields) => emit("warn", message, fields),
    error: (message, fields) => emit("error", message, fields),
    named: (part) => createLogger(sink, name === "" ? part : `${name}.${part}`),
  };
}

function stamp(): string {
  return new Date(systemClock.now()).toISOString();
}

function jsonLine(level: LogLevel, name: string, message: string, fields: LogFields): string {
  return JSON.stringify({
    "@level": level,
    "@message": message,
    ...(name === "" ? {} : { "@module": name }),
    "@timestamp": stamp(),
    ...fields,
  });
}

function textLine(level: LogLevel, name: string, message: string, fields: LogFields): string {
  let line = `${stamp()} [${level.toUpperCase()}]${level.length === 4 ? " " : ""} `;
  if (name !== "") line += `${name}: `;
  line += message;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = String(value);
    line += ` ${key}=${/[\s"=]/.test(text) ? JSON.stringify(text) : text}`;
  }
  return line;
}
