/** What a room may say to the operator. Fields are for machines, the message for people. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Never given a secret: neither in the message nor in a field. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger of a part, its name joined by a dot. */
  named(name: string): Logger;
}

/** Says nothing; for tests and tools. */
export const silentLogger: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  named: () => silentLogger,
};
