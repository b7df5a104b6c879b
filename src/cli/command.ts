/**
 * A command is data (flags, usage, help) and one function. Parsing, help pages and completion are
 * made from the data.
 */
import type { Flag } from "./args/flag.ts";
import type { Call } from "./call.ts";

export interface Command {
  /** Behind the command's name on the usage line, for instance `[options] PATH`. */
  readonly usage: string;
  /** What it does and when one wants it; blank lines part paragraphs. */
  readonly about: string;
  /** What an example shows, and the words behind `holdfast`. */
  readonly examples?: readonly (readonly [string, string])[];
  readonly flags?: readonly Flag[];
  /** How many words stand behind the flags, at least and at most. */
  readonly words: readonly [number, number];
  /** `none` where the command prints no values; `field` adds -field to -format. */
  readonly output?: "none" | "format" | "field";
  /** False for commands that talk to no node: they have no flags for that. */
  readonly http?: boolean;
  /** True where -format=raw makes sense. */
  readonly raw?: boolean;
  /** The exit code. */
  run(call: Call): Promise<number> | number;
}

/** Any number of words. */
export const anyWords = Number.POSITIVE_INFINITY;
