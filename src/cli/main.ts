/**
 * The command line: finds the command, reads its flags, runs it, and turns whatever happens into
 * an exit code (0 good, 1 wrong use or a local failure, 2 the node refused or did not answer).
 */
import { describeError } from "../base/failure.ts";
import { nearest } from "./args/nearest.ts";
import { parseArgs } from "./args/parse.ts";
import { Call } from "./call.ts";
import type { Command } from "./command.ts";
import {
  ApiError,
  CommandError,
  HelpWanted,
  Interrupted,
  RequestPrinted,
  TransportError,
  UsageError,
} from "./errors.ts";
import { find, type Group, isGroup } from "./group.ts";
import { asksForHelp, commandHelp, flagsOf, groupHelp, product } from "./help.ts";
import type { Io } from "./io.ts";
import { type Format, formatNamed } from "./output/format.ts";
import { root } from "./registry.ts";
import { systemIo } from "./system_io.ts";
import { versionLine } from "./version.ts";

/** Runs one command line and resolves to its exit code. Never throws. */
export async function runCli(args: readonly string[], io: Io = systemIo): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    return report(error, io);
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<number> {
  const first = args[0] ?? "";
  if (["-v", "-version", "--version"].includes(first)) {
    io.out(`${versionLine()}\n`);
    return 0;
  }
  const { path, node, rest } = find(root, args);
  if (isGroup(node)) return groupWithoutCommand(path, node, rest, io);
  const command = await node.load();
  const name = path.join(" ");
  if (asksForHelp(rest)) {
    io.out(commandHelp(name, command));
    return 0;
  }
  try {
    return await runCommand(command, rest, io);
  } catch (error) {
    if (error instanceof HelpWanted) {
      io.out(commandHelp(name, command));
      return 0;
    }
    if (!(error instanceof UsageError)) throw error;
    io.err(`Error: ${error.message}\nSee: ${product} ${name} -help\n`);
    return 1;
  }
}

function groupWithoutCommand(
  path: readonly string[],
  group: Group,
  rest: readonly string[],
  io: Io,
): number {
  const help = groupHelp(path, group);
  if (asksForHelp(rest)) {
    io.out(help);
    return 0;
  }
  const typed = rest[0];
  const known = group.children.map((node) => node.name);
  const close = typed === undefined ? undefined : nearest(typed, known);
  io.err(help);
  if (typed !== undefined && typed.startsWith("-")) {
    io.err("\nFlags stand behind the command they belong to.\n");
  } else if (typed !== undefined) {
    const hint = close === undefined ? "" : ` Did you mean "${[...path, close].join(" ")}"?`;
    io.err(`\nUnknown command "${[...path, typed].join(" ")}".${hint}\n`);
  }
  return path.length === 0 ? 127 : 1;
}

async function runCommand(command: Command, words: readonly string[], io: Io): Promise<number> {
  const flags = flagsOf(command);
  const { values, rest } = parseArgs(flags, words, (name) => io.env(name));
  refuseLateFlags(words, rest, flags.flatMap((flag) => [flag.name, ...flag.aliases ?? []]));
  checkCount(command.words, rest.length);
  const format = outputFormat(command, values.text.bind(values));
  const call = new Call(command, rest, values, format, io);
  try {
    return await command.run(call);
  } finally {
    call.close();
  }
}

/** A flag behind the first word would silently be taken for data. */
function refuseLateFlags(
  words: readonly string[],
  rest: readonly string[],
  known: readonly string[],
): void {
  if (words.at(-rest.length - 1) === "--") return;
  for (const word of rest.slice(1)) {
    const name = /^--?([A-Za-z][\w-]*)(=|$)/.exec(word)?.[1];
    if (name !== undefined && known.includes(name)) {
      throw new UsageError(
        `flags stand before the other words, so -${name} was not read as one ` +
          `(write -- before data that starts with a dash)`,
      );
    }
  }
}

function checkCount([least, most]: readonly [number, number], count: number): void {
  if (count >= least && count <= most) return;
  const expected = least === most
    ? String(least)
    : most === Number.POSITIVE_INFINITY
    ? `at least ${least}`
    : `${least} to ${most}`;
  const kind = count < least ? "not enough arguments" : "too many arguments";
  throw new UsageError(`${kind} (expected ${expected}, got ${count})`);
}

function outputFormat(command: Command, text: (name: string) => string): Format {
  if ((command.output ?? "none") === "none") return "table";
  const name = text("format");
  const format = formatNamed(name);
  if (format === undefined) throw new UsageError(`unknown output format ${JSON.stringify(name)}`);
  if (format === "raw" && command.raw !== true) {
    throw new UsageError("this command can't print the raw format");
  }
  return format;
}

/** Says what went wrong, without a stack: that is for the people who write Holdfast. */
function report(error: unknown, io: Io): number {
  if (error instanceof RequestPrinted) {
    io.out(`${error.text}\n`);
    return 0;
  }
  if (error instanceof Interrupted) return 130;
  if (error instanceof CommandError) {
    io.err(`${/^[A-Z]/.test(error.message) ? "" : "Error: "}${error.message}\n`);
    return error.exitCode;
  }
  io.err(`Error: ${describeError(error)}\n`);
  if (error instanceof ApiError) {
    for (const warning of error.warnings) io.err(`Warning: ${warning}\n`);
  }
  return error instanceof ApiError || error instanceof TransportError ? 2 : 1;
}
