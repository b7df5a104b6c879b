/** Help pages, made from the declarations of commands and flags. */
import type { Flag } from "./args/flag.ts";
import { fieldFlag, formatFlag, httpFlags } from "./args/global_flags.ts";
import type { Command } from "./command.ts";
import type { Group, Node } from "./group.ts";
import { wrap } from "./output/table.ts";

export const product = "holdfast";

/** All flags that a command takes: its own, for output, for HTTP. */
export function flagsOf(command: Command): readonly Flag[] {
  return [
    ...command.flags ?? [],
    ...outputFlags(command),
    ...(command.http === false ? [] : httpFlags),
  ];
}

function outputFlags(command: Command): readonly Flag[] {
  switch (command.output ?? "none") {
    case "none":
      return [];
    case "format":
      return [formatFlag];
    case "field":
      return [fieldFlag, formatFlag];
  }
}

/** The help page of a command. */
export function commandHelp(name: string, command: Command): string {
  const usage = `Usage: ${product} ${name} ${command.usage}`.trimEnd();
  return [
    usage,
    "",
    wrap(command.about, "  "),
    ...exampleLines(command.examples ?? []),
    ...section("Command Options:", command.flags ?? []),
    ...section("Output Options:", outputFlags(command)),
    ...section("HTTP Options:", command.http === false ? [] : httpFlags),
    "",
  ].join("\n");
}

/** The help page of a group: what is in it. */
export function groupHelp(path: readonly string[], group: Group): string {
  const usage = `Usage: ${[product, ...path].join(" ")} <command> [options] [args]`;
  const about = group.about === undefined ? [] : ["", wrap(group.about, "  ")];
  const lists = path.length === 0
    ? rootLists(group)
    : ["", "Subcommands:", ...childLines(group.children)];
  return [
    usage,
    ...about,
    ...exampleLines(group.examples ?? []),
    ...lists,
    "",
    `Help for one: ${[product, ...path].join(" ")} <command> -help`,
    "",
  ].join("\n");
}

const common = ["read", "write", "delete", "list", "login", "server", "status", "unwrap"];

function rootLists(root: Group): string[] {
  const first = common.flatMap((name) => root.children.filter((node) => node.name === name));
  const others = root.children.filter((node) => !common.includes(node.name));
  return [
    "",
    "Common commands:",
    ...childLines(first),
    "",
    "Other commands:",
    ...childLines(others),
  ];
}

function childLines(children: readonly Node[]): string[] {
  const width = Math.max(...children.map((node) => node.name.length));
  return children.map((node) => `    ${node.name.padEnd(width)}    ${node.summary}`);
}

function exampleLines(examples: readonly (readonly [string, string])[]): string[] {
  return examples.flatMap(([what, line]) => [
    "",
    wrap(`${what}:`, "  "),
    "",
    `      $ ${product} ${line}`,
  ]);
}

function section(title: string, flags: readonly Flag[]): string[] {
  const shown = flags.filter((flag) => flag.hidden !== true);
  if (shown.length === 0) return [];
  const sorted = [...shown].sort((a, b) => a.name < b.name ? -1 : 1);
  return [
    "",
    title,
    ...sorted.flatMap((flag) => ["", flagLine(flag), wrap(flagText(flag), "      ")]),
  ];
}

function flagLine(flag: Flag): string {
  if (flag.kind === "bool") return `  -${flag.name}`;
  return `  -${flag.name}=<${flag.placeholder ?? placeholders[flag.kind]}>`;
}

const placeholders: Readonly<Record<Flag["kind"], string>> = {
  text: "text",
  bool: "",
  int: "number",
  duration: "duration",
  list: "text",
  map: "key=value",
};

function flagText(flag: Flag): string {
  const parts = [flag.help];
  if (flag.aliases !== undefined) parts.push(`Also: -${flag.aliases.join(", -")}.`);
  if (flag.choices !== undefined) parts.push(`One of ${flag.choices.join(", ")}.`);
  if (flag.fallback !== undefined) parts.push(`Default: ${flag.fallback}.`);
  if (flag.env !== undefined) parts.push(`Environment: ${flag.env.join(", ")}.`);
  return parts.join(" ");
}

/** True when the words before any `--` ask for help. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  const before = end < 0 ? words : words.slice(0, end);
  return before.some((word) => word === "-h" || word === "-help" || word === "--help");
}
