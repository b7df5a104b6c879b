/** Settings of a kind of database as operators write them: all of them texts. */
import { badRequest } from "../../base/failure.ts";
import { parseDuration } from "../../config/units.ts";

type Details = Readonly<Record<string, string>>;

const trueWords = ["1", "t", "true"];
const falseWords = ["", "0", "f", "false"];

/** A setting that is on or off. What is neither was refused when it was written. */
export function isTrue(text: string | undefined): boolean {
  return trueWords.includes((text ?? "").toLowerCase());
}

/** Throws a 400 for switches that are neither on nor off. */
export function checkSwitches(details: Details, names: readonly string[]): void {
  const known = [...trueWords, ...falseWords];
  for (const name of names) {
    if (known.includes((details[name] ?? "").toLowerCase())) continue;
    throw badRequest(`${name} must be true or false`);
  }
}

/** A whole number, or the default where it is not set. Throws a 400 for what is no number. */
export function wholeNumber(details: Details, name: string, otherwise: number): number {
  const text = details[name] ?? "";
  if (text === "") return otherwise;
  if (!/^-?\d{1,9}$/.test(text)) throw badRequest(`${name} must be a whole number`);
  return Number(text);
}

/** Throws a 400 where the URL has no place for a new password. */
export function requirePasswordPlace({ connection_url = "" }: Details): void {
  if (/\{\{\s*password\s*\}\}/.test(connection_url)) return;
  throw badRequest("connection_url must have {{password}} in it, or a new one has no effect");
}

/** How many connections a pool may hold, how many of them idle, and for how long. */
export interface PoolLimits {
  readonly open: number;
  readonly idle: number;
  /** Milliseconds from its beginning to when a connection is used no more; Infinity for ever. */
  readonly lifetimeMs: number;
}

const defaultConnections = 4;
const mostConnections = 1_000;

/** `max_connection_lifetime`, a duration; 0 and less for ever. Throws a 400. */
function lifetimeMs({ max_connection_lifetime: text = "" }: Details): number {
  const seconds = text === "" ? 0 : parseDuration(text);
  if (seconds === undefined) throw badRequest("max_connection_lifetime must be a duration");
  return seconds > 0 ? seconds * 1000 : Infinity;
}

/**
 * `max_open_connections` (0 and less for the default), `max_idle_connections` (0 for as many, less
 * for none) and `max_connection_lifetime`. Throws a 400.
 */
export function poolLimits(details: Details): PoolLimits {
  const wanted = wholeNumber(details, "max_open_connections", 0);
  const open = Math.min(mostConnections, wanted > 0 ? wanted : defaultConnections);
  const idle = wholeNumber(details, "max_idle_connections", 0);
  return {
    open,
    idle: idle === 0 ? open : Math.min(open, Math.max(0, idle)),
    lifetimeMs: lifetimeMs(details),
  };
}
