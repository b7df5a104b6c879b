/** From when till when a certificate is valid. All times in milliseconds, TTLs in seconds. */
import { badRequest } from "../../base/failure.ts";
import type { LeafNotAfter } from "./issuer_store.ts";

/** RFC 3339; undefined for what is none. */
export function readTime(text: string): number | undefined {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  const time = form.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

export interface LifetimeAsked {
  /** Undefined for none; 0 counts as none. */
  readonly ttl: number | undefined;
  /** "" for none. */
  readonly notAfter: string;
  readonly notBefore: string;
}

export interface LifetimeRules {
  readonly ttl: number;
  readonly maxTtl: number;
  readonly notBeforeDuration: number;
  readonly notBefore: string;
  readonly notBeforeBound: string;
  readonly notAfter: string;
  readonly notAfterBound: string;
}

export interface Lifetime {
  readonly notBefore: number;
  readonly notAfter: number;
  readonly warnings: readonly string[];
}

const SECOND = 1000;

/** What was asked for, within the rules; a 400 for what can't be. */
export function lifetime(
  asked: LifetimeAsked,
  rules: LifetimeRules,
  mount: { readonly defaultLeaseTtl: number; readonly maxLeaseTtl: number },
  now: number,
): Lifetime {
  const warnings: string[] = [];
  if ((asked.ttl ?? 0) < 0) throw badRequest("ttl can't be negative");
  const fixed = asked.notAfter || rules.notAfter;
  if ((asked.ttl ?? 0) > 0 && fixed !== "") {
    throw badRequest("either ttl or not_after should be given (here or in the role), not both");
  }
  const maxTtl = rules.maxTtl > 0 ? rules.maxTtl : mount.maxLeaseTtl;
  const notBefore = beginning(asked, rules, now);
  if (asked.notAfter !== "" && rules.notAfterBound === "forbid") {
    throw badRequest("not_after may not be given with this role");
  }
  const whole = (ms: number) => Math.floor(ms / SECOND) * SECOND;
  if (fixed === "") {
    let ttl = asked.ttl || rules.ttl || mount.defaultLeaseTtl;
    if (ttl > maxTtl) {
      warnings.push(`TTL ${ttl}s is longer than permitted maxTTL ${maxTtl}s, so maxTTL is used`);
      ttl = maxTtl;
    }
    return { notBefore: whole(notBefore), notAfter: whole(now) + ttl * SECOND, warnings };
  }
  const notAfter = readTime(fixed);
  if (notAfter === undefined) throw badRequest(`not_after is no time of RFC 3339: ${fixed}`);
  if (asked.notAfter !== "") checkEnd(notAfter, rules, now + maxTtl * SECOND);
  if (notAfter <= now) throw badRequest("not_after lies in the past");
  return { notBefore: whole(notBefore), notAfter: whole(notAfter), warnings };
}

function checkEnd(notAfter: number, { notAfterBound }: LifetimeRules, limit: number): void {
  const bound = notAfterBound === "ttl-limited" ? limit : readTime(notAfterBound);
  if (bound !== undefined && notAfter > bound) {
    throw badRequest(`not_after lies beyond what is allowed: ${new Date(bound).toISOString()}`);
  }
}

function beginning(asked: LifetimeAsked, rules: LifetimeRules, now: number): number {
  const earliest = now - rules.notBeforeDuration * SECOND;
  const text = asked.notBefore || rules.notBefore;
  if (text === "") return earliest;
  const time = readTime(text);
  if (time === undefined) throw badRequest(`not_before is no time of RFC 3339: ${text}`);
  if (asked.notBefore !== "") {
    if (rules.notBeforeBound === "forbid") {
      throw badRequest("not_before may not be given with this role");
    }
    if (rules.notBeforeBound === "duration" && time < earliest) {
      throw badRequest("not_before lies further in the past than not_before_duration allows");
    }
  }
  return time;
}

/** The end of what an issuer signs: not beyond its own, unless it says so. */
export function withinIssuer(
  life: Lifetime,
  issuer: { readonly notAfter: number; readonly behavior: LeafNotAfter },
): Lifetime {
  if (life.notAfter > issuer.notAfter && issuer.behavior !== "permit") {
    if (issuer.behavior === "err") {
      const date = (ms: number) => new Date(ms).toISOString();
      throw badRequest(
        `cannot satisfy request, as TTL would result in notAfter of ${
          date(life.notAfter)
        } that is ` +
          `beyond the expiration of the CA certificate at ${date(issuer.notAfter)}`,
      );
    }
    return checked({ ...life, notAfter: issuer.notAfter });
  }
  return checked(life);
}

function checked(life: Lifetime): Lifetime {
  if (life.notBefore < life.notAfter) return life;
  throw badRequest("the certificate would end before it begins");
}
