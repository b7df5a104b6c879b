/**
 * Reads a command's arguments: `-flag=value`, `-flag value`, one dash or two, up to the first word
 * that is no flag. What stands behind that word belongs to the command, since data such as
 * `-5` or `-key=value` may be written to a path.
 */
import { HelpWanted, UsageError } from "../errors.ts";
import { parseDuration } from "../duration.ts";
import type { Flag } from "./flag.ts";
import { nearest } from "./nearest.ts";

/** The environment, as a function so that tests own it. */
export type Environment = (name: string) => string | undefined;

/** The flags that were given, over the environment, over the defaults. */
export class FlagValues {
  readonly #declared: ReadonlyMap<string, Flag>;
  readonly #given: ReadonlyMap<string, readonly string[]>;
  readonly #env: Environment;

  constructor(
    flags: readonly Flag[],
    given: ReadonlyMap<string, readonly string[]>,
    env: Environment,
  ) {
    this.#declared = new Map(flags.map((flag) => [flag.name, flag]));
    this.#given = given;
    this.#env = env;
  }

  /** True when the command line or the environment sets the flag. */
  given(name: string): boolean {
    return this.onCommandLine(name) || this.#fromEnv(name) !== undefined;
  }

  /** True when the command line sets the flag. */
  onCommandLine(name: string): boolean {
    return this.#given.has(name);
  }

  text(name: string): string {
    return this.#raw(name, "text")?.at(-1) ?? "";
  }

  bool(name: string): boolean {
    const raw = this.#raw(name, "bool")?.at(-1);
    return raw !== undefined && parseBool(raw) === true;
  }

  /** Undefined when there is neither a value nor a default. */
  int(name: string): number | undefined {
    const raw = this.#raw(name, "int")?.at(-1);
    return raw === undefined ? undefined : parseInteger(raw);
  }

  /** Milliseconds; undefined when there is neither a value nor a default. */
  durationMs(name: string): number | undefined {
    const raw = this.#raw(name, "duration")?.at(-1);
    return raw === undefined ? undefined : parseDuration(raw);
  }

  list(name: string): readonly string[] {
    return this.#raw(name, "list") ?? [];
  }

  map(name: string): Readonly<Record<string, string>> {
    const pairs = (this.#raw(name, "map") ?? []).map((pair): [string, string] => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
    return Object.fromEntries(pairs);
  }

  #raw(name: string, kind: Flag["kind"]): readonly string[] | undefined {
    const flag = this.#declared.get(name);
    if (flag === undefined || flag.kind !== kind) {
      throw new Error(`the command asks for -${name} as ${kind} but does not declare it so`);
    }
    const given = this.#given.get(name);
    if (given !== undefined) return given;
    const supplied = this.#fromEnv(name) ?? flag.fallback;
    if (supplied === undefined) return undefined;
    const problem = complaint(flag, supplied);
    if (problem !== undefined) {
      throw new UsageError(
        `invalid value in the environment variable ${flag.env?.join(" or ")}: ${problem}`,
      );
    }
    return [supplied];
  }

  #fromEnv(name: string): string | undefined {
    for (const variable of this.#declared.get(name)?.env ?? []) {
      const value = this.#env(variable);
      if (value !== undefined && value !== "") return value;
    }
    return undefined;
  }
}

/** Splits arguments into flags and the rest. Throws UsageError or HelpWanted. */
export function parseArgs(
  flags: readonly Flag[],
  args: readonly string[],
  env: Environment,
): { values: FlagValues; rest: string[] } {
  const byName = new Map<string, Flag>();
  for (const flag of flags) {
    for (const name of [flag.name, ...(flag.aliases ?? [])]) byName.set(name, flag);
  }
  const given = new Map<string, string[]>();
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] ?? "";
    if (word === "--") {
      at++;
      break;
    }
    if (word === "-" || !word.startsWith("-")) break;
    const { name, inline } = splitFlag(word);
    const flag = byName.get(name);
    if (flag === undefined) throw unknownFlag(name, [...byName.keys()]);
    let value = inline ?? (flag.kind === "bool" ? "true" : undefined);
    if (value === undefined) value = args[++at];
    if (value === undefined) throw new UsageError(`flag -${name} needs a value`);
    const problem = complaint(flag, value);
    if (problem !== undefined) throw new UsageError(`invalid value for flag -${name}: ${problem}`);
    given.set(flag.name, [...(given.get(flag.name) ?? []), value]);
  }
  return { values: new FlagValues(flags, given, env), rest: args.slice(at) };
}

function splitFlag(word: string): { name: string; inline: string | undefined } {
  const body = word.startsWith("--") ? word.slice(2) : word.slice(1);
  const at = body.indexOf("=");
  const name = at < 0 ? body : body.slice(0, at);
  if (name === "" || name.startsWith("-")) throw new UsageError(`bad flag syntax: ${word}`);
  return { name, inline: at < 0 ? undefined : body.slice(at + 1) };
}

function unknownFlag(name: string, known: readonly string[]): Error {
  if (name === "h" || name === "help") return new HelpWanted();
  const close = nearest(name, known);
  const hint = close === undefined ? "" : ` Did you mean -${close}?`;
  return new UsageError(`unknown flag: -${name}.${hint}`);
}

/** Says what is wrong with a value, without repeating it; undefined when nothing is. */
function complaint(flag: Flag, value: string): string | undefined {
  switch (flag.kind) {
    case "bool":
      return parseBool(value) === undefined ? "expected true or false" : undefined;
    case "int":
      return parseInteger(value) === undefined ? "expected a whole number" : undefined;
    case "duration":
      return parseDuration(value) === undefined
        ? 'expected a duration such as "30s", "5m" or "1h30m"'
        : undefined;
    case "map":
      return value.indexOf("=") < 1 ? "expected key=value" : undefined;
    case "text":
      return flag.choices !== undefined && !flag.choices.includes(value)
        ? `expected one of ${flag.choices.join(", ")}`
        : undefined;
    case "list":
      return undefined;
  }
}

/** The spellings of true and false that the API's other clients take; undefined for others. */
export function parseBool(text: string): boolean | undefined {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  return undefined;
}

function parseInteger(text: string): number | undefined {
  if (!/^[+-]?(\d+|0x[0-9a-fA-F]+)$/.test(text)) return undefined;
  const sign = text.startsWith("-") ? -1 : 1;
  const value = sign * Number(text.replace(/^[+-]/, ""));
  return Number.isSafeInteger(value) ? value : undefined;
}
