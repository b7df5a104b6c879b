/** `completion bash|zsh|fish`: prints a script that completes commands and flags in a shell. */
import type { Flag } from "../args/flag.ts";
import type { Command } from "../command.ts";
import { type Group, isGroup, leaves } from "../group.ts";
import { flagsOf, product } from "../help.ts";

function shell(name: "bash" | "zsh" | "fish", install: string): Command {
  return {
    usage: "",
    about: `Prints the completion script for ${name}.`,
    examples: [["Use it from now on", install]],
    words: [0, 0],
    http: false,
    async run(call) {
      const { root } = await import("../registry.ts");
      call.io.out(completionScript(name, await completionTable(root)));
      return 0;
    },
  };
}

export const bash: Command = shell(
  "bash",
  "completion bash > ~/.local/share/bash-completion/completions/holdfast",
);
export const zsh: Command = shell("zsh", 'completion zsh > "${fpath[1]}/_holdfast"');
export const fish: Command = shell(
  "fish",
  "completion fish > ~/.config/fish/completions/holdfast.fish",
);

/** What may follow each place in the tree of commands. */
export interface CompletionRow {
  /** Words behind the product's name; "" for the root. */
  readonly at: string;
  /** Subcommands with what they do. */
  readonly children: readonly (readonly [string, string])[];
  readonly flags: readonly Flag[];
}

/** Loads every command for its flags. */
export async function completionTable(root: Group): Promise<CompletionRow[]> {
  const rows = [...groups(root, [])];
  for (const [at, leaf] of leaves(root)) {
    const flags = flagsOf(await leaf.load()).filter((flag) => flag.hidden !== true);
    rows.push({ at, children: [], flags });
  }
  return rows;
}

function* groups(group: Group, path: readonly string[]): Generator<CompletionRow> {
  const children = group.children.map((node) => [node.name, node.summary] as const);
  yield { at: path.join(" "), children, flags: [] };
  for (const node of group.children) if (isGroup(node)) yield* groups(node, [...path, node.name]);
}

/** The script for a shell. */
export function completionScript(
  name: "bash" | "zsh" | "fish",
  rows: readonly CompletionRow[],
): string {
  if (name === "fish") return fishScript(rows);
  return name === "bash" ? bashScript(rows) : zshScript(rows);
}

/** Flags with a value end with an equals sign, so that the shell goes on behind it. */
function words(row: CompletionRow): string {
  const flags = row.flags.map((flag) => flag.kind === "bool" ? `-${flag.name}` : `-${flag.name}=`);
  return [...row.children.map(([child]) => child), ...flags].join(" ");
}

function cases(rows: readonly CompletionRow[]): string[] {
  return rows.map((row) => `    "${row.at}") words="${words(row)}" ;;`);
}

/** Walks the words typed so far down the tree; what is no command ends the walk. */
function walk(rows: readonly CompletionRow[], first: string, last: string): string[] {
  const places = rows.filter((row) => row.at !== "").map((row) => `"${row.at}"`).join("|");
  return [
    '  local at="" next i',
    `  for ((i = ${first}; i < ${last}; i++)); do`,
    '    next="${at:+$at }${typed[i]}"',
    '    case "$next" in',
    `      ${places}) at="$next" ;;`,
    "      *) break ;;",
    "    esac",
    "  done",
  ];
}

function bashScript(rows: readonly CompletionRow[]): string {
  return [
    `# bash completion for ${product}`,
    `_${product}() {`,
    '  local typed=("${COMP_WORDS[@]}") words=""',
    ...walk(rows, "1", "COMP_CWORD"),
    '  case "$at" in',
    ...cases(rows),
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    "  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace",
    "  [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default",
    "  return 0",
    "}",
    `complete -F _${product} ${product}`,
    "",
  ].join("\n");
}

function zshScript(rows: readonly CompletionRow[]): string {
  return [
    `#compdef ${product}`,
    `_${product}() {`,
    '  local -a typed=("${words[@]}")',
    "  local current=$CURRENT",
    "  local words",
    ...walk(rows, "2", "current"),
    '  case "$at" in',
    ...cases(rows),
    "  esac",
    "  local -a plain=() valued=()",
    "  local word",
    "  for word in ${(s: :)words}; do",
    '    [[ $word == *= ]] && valued+=("$word") || plain+=("$word")',
    "  done",
    '  compadd -- "${plain[@]}"',
    "  compadd -S '' -- \"${valued[@]}\"",
    "  (( ${#plain} + ${#valued} )) || _files",
    "}",
    `if [[ \${funcstack[1]} == _${product} ]]; then _${product} "$@"; else compdef _${product} ${product}; fi`,
    "",
  ].join("\n");
}

function fishScript(rows: readonly CompletionRow[]): string {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const lines = [
    `# fish completion for ${product}`,
    `function __${product}_at`,
    "  set -l typed (commandline -opc)[2..-1]",
    "  set -l at",
    "  for word in $typed",
    "    switch (string join ' ' $at $word)",
    `      case ${rows.filter((row) => row.at !== "").map((row) => quoted(row.at)).join(" ")}`,
    "        set at $at $word",
    "      case '*'",
    "        break",
    "    end",
    "  end",
    "  test (string join ' ' $at) = \"$argv[1]\"",
    "end",
    `complete -c ${product} -n "__${product}_at ''" -f`,
  ];
  for (const { at, children, flags } of rows) {
    const here = `complete -c ${product} -n "__${product}_at '${at}'"`;
    for (const [child, summary] of children) {
      lines.push(`${here} -f -a ${child} -d ${quoted(summary)}`);
    }
    for (const flag of flags) {
      const value = flag.kind === "bool" ? "" : " -r";
      lines.push(`${here} -o ${flag.name}${value} -d ${quoted(flag.help)}`);
    }
  }
  return [...lines, ""].join("\n");
}
