/** What `sys/loggers` and `sys/monitor` need of the server's log. */
import type { LogLevel } from "../base/log.ts";

const otherNames: Readonly<Record<string, LogLevel>> = {
  notice: "info",
  warning: "warn",
  err: "error",
};

/** A level by any of its names; undefined for what is none. */
export function parseLogLevel(name: string): LogLevel | undefined {
  const lower = name.toLowerCase();
  if (Object.hasOwn(otherNames, lower)) return otherNames[lower];
  for (const level of ["trace", "debug", "info", "warn", "error"] as const) {
    if (level === lower) return level;
  }
  return undefined;
}

export interface LogControl {
  /** The level of each part that has a logger, by name. */
  levels(): Readonly<Record<string, LogLevel>>;
  /** Of one part; undefined where there is no logger of that name. */
  level(name: string): LogLevel | undefined;
  /** Of one part and what is below it, or of all where no name is given. */
  setLevel(level: LogLevel, name?: string): void;
  /** Back to the configuration's. Returns false where there is no logger of that name. */
  resetLevel(name?: string): boolean;
  /** Every line from this level on, as JSON or as text. `onEnd` is called when the node stops. */
  follow(
    options: { readonly level: LogLevel; readonly json: boolean },
    write: (line: string) => void,
    onEnd: () => void,
  ): () => void;
  /** Ends all who follow. */
  endFollowers(): void;
}

/** For nodes without a log. */
export const noLogControl: LogControl = {
  levels: () => ({}),
  level: () => undefined,
  setLevel: () => {},
  resetLevel: () => false,
  follow: () => () => {},
  endFollowers: () => {},
};
