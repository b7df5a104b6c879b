/** Levels of the log by part, and those who read along: `sys/loggers` and `sys/monitor`. */
import type { LogLevel } from "../base/log.ts";
import type { LogControl } from "../telemetry/log_control.ts";

const levels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];

/** The logger that has no name of its own. */
const rootName = "core";

interface Follower {
  readonly level: LogLevel;
  readonly json: boolean;
  readonly write: (line: string) => void;
  readonly onEnd: () => void;
}

export class Loggers implements LogControl {
  readonly #names = new Set([rootName]);
  /** As operators have set them. */
  readonly #own = new Map<string, LogLevel>();
  #all: LogLevel | undefined;
  readonly #followers = new Set<Follower>();

  /** `configured` tells the level of the configuration. */
  constructor(readonly configured: () => LogLevel) {}

  /** Called for each logger that is made. */
  register(name: string): void {
    if (name !== "") this.#names.add(name);
  }

  /** Whether the server's log takes a line of this level. */
  passes(name: string, level: LogLevel): boolean {
    return levels.indexOf(level) >= levels.indexOf(this.#levelOf(name));
  }

  /** Hands a line to those who read along; `line` is made only for them. */
  tell(level: LogLevel, line: (json: boolean) => string): void {
    for (const follower of this.#followers) {
      if (levels.indexOf(level) < levels.indexOf(follower.level)) continue;
      follower.write(line(follower.json));
    }
  }

  get isFollowed(): boolean {
    return this.#followers.size > 0;
  }

  levels(): Readonly<Record<string, LogLevel>> {
    return Object.fromEntries([...this.#names].sort().map((name) => [name, this.#levelOf(name)]));
  }

  level(name: string): LogLevel | undefined {
    return this.#names.has(name) ? this.#levelOf(name) : undefined;
  }

  setLevel(level: LogLevel, name?: string): void {
    if (name !== undefined) this.#own.set(name, level);
    else {
      this.#own.clear();
      this.#all = level;
    }
  }

  resetLevel(name?: string): boolean {
    if (name !== undefined) {
      this.#own.delete(name);
      return this.#names.has(name);
    }
    this.#own.clear();
    this.#all = undefined;
    return true;
  }

  follow(
    { level, json }: { readonly level: LogLevel; readonly json: boolean },
    write: (line: string) => void,
    onEnd: () => void,
  ): () => void {
    const follower = { level, json, write, onEnd };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  endFollowers(): void {
    const all = [...this.#followers];
    this.#followers.clear();
    for (const { onEnd } of all) onEnd();
  }

  /** Its own level, else that of the part it belongs to. */
  #levelOf(name: string): LogLevel {
    if (this.#own.size > 0) {
      for (let part = name || rootName; part !== ""; part = part.slice(0, part.lastIndexOf("."))) {
        const own = this.#own.get(part);
        if (own !== undefined) return own;
        if (!part.includes(".")) break;
      }
    }
    return this.#all ?? this.configured();
  }
}
