/** Counts the requests of each caller: so many an interval, each node for itself. */
import type { Clock } from "../base/clock.ts";
import type { RateLimitRule } from "./rule.ts";

interface Window {
  left: number;
  /** Monotonic milliseconds. */
  endsAt: number;
  blockedUntil: number;
}

export interface RateVerdict {
  readonly allowed: boolean;
  /** Requests an interval, those left of them, and seconds until the next interval or try. */
  readonly limit: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** Callers that are remembered; beyond that, those whose interval is over are forgotten. */
const maxCallers = 100_000;

export class RateLimiter {
  readonly #windows = new Map<string, Window>();

  constructor(readonly clock: Clock) {}

  /** Takes one request of a caller into account. */
  take(rule: RateLimitRule, caller: string): RateVerdict {
    const now = this.clock.monotonic();
    const window = this.#window(rule, `${rule.name} ${caller}`, now);
    const limit = Math.max(1, Math.floor(rule.rate));
    if (window.blockedUntil > now) {
      return { allowed: false, limit, remaining: 0, resetSeconds: up(window.blockedUntil - now) };
    }
    if (window.left < 1) {
      if (rule.blockInterval > 0) window.blockedUntil = now + rule.blockInterval * 1000;
      const until = Math.max(window.endsAt, window.blockedUntil);
      return { allowed: false, limit, remaining: 0, resetSeconds: up(until - now) };
    }
    window.left--;
    const remaining = Math.floor(window.left);
    return { allowed: true, limit, remaining, resetSeconds: up(window.endsAt - now) };
  }

  /** Forgets everyone, after a rule was changed. */
  clear(): void {
    this.#windows.clear();
  }

  #window(rule: RateLimitRule, key: string, now: number): Window {
    const known = this.#windows.get(key);
    const length = rule.interval * 1000;
    const allowance = Math.max(1, rule.rate);
    if (known !== undefined) {
      if (known.endsAt <= now) {
        known.left = allowance;
        known.endsAt = now + length;
      }
      return known;
    }
    if (this.#windows.size >= maxCallers) this.#forgetOld(now);
    const made = { left: allowance, endsAt: now + length, blockedUntil: 0 };
    this.#windows.set(key, made);
    return made;
  }

  #forgetOld(now: number): void {
    for (const [key, window] of this.#windows) {
      if (window.endsAt <= now && window.blockedUntil <= now) this.#windows.delete(key);
    }
    // All are in force: rather let some begin anew than grow without end.
    if (this.#windows.size >= maxCallers) this.#windows.clear();
  }
}

function up(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
