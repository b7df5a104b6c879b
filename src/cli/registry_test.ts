import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseArgs } from "./args/parse.ts";
import { completionScript, completionTable } from "./commands/completion.ts";
import { find, isGroup, leaves } from "./group.ts";
import { commandHelp, flagsOf } from "./help.ts";
import { runCli } from "./main.ts";
import { root } from "./registry.ts";
import { fakeIo } from "./testing/fake_io.ts";

const all = [...leaves(root)];

/** Splits an example as a shell would: blanks, single and double quotes. */
const shellWords = (line: string) =>
  [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/["']/g, ""));

Deno.test("every command loads, has help with all its flags, and no flag twice", async () => {
  for (const [name, leaf] of all) {
    const command = await leaf.load();
    const help = commandHelp(name, command);
    const flags = flagsOf(command);
    const names = flags.flatMap((flag) => [flag.name, ...flag.aliases ?? []]);
    assertEquals(names.length, new Set(names).size, `${name} declares a flag twice`);
    for (const flag of flags) {
      if (flag.hidden === true) continue;
      assertStringIncludes(help, `  -${flag.name}`);
      assert(flag.help.endsWith("."), `${name} -${flag.name}: help is a sentence`);
    }
    assert(help.split("\n").every((line) => line.length <= 100 || line.includes("$ ")), name);
  }
});

Deno.test("every example in the help is a command with flags that it has", async () => {
  for (const [name, leaf] of all) {
    for (const [, line] of (await leaf.load()).examples ?? []) {
      const { node, rest } = find(root, shellWords(line));
      assert(!isGroup(node), `${name}: "${line}" is no command`);
      const command = await node.load();
      const parsed = parseArgs(flagsOf(command), rest, () => undefined);
      if (line.includes(">")) continue;
      const [least, most] = command.words;
      const count = parsed.rest.length;
      assert(count >= least && count <= most, `${name}: "${line}" has ${count} words`);
    }
  }
});

Deno.test("completion knows every command and every flag in every shell", async () => {
  const rows = await completionTable(root);
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const script = completionScript(shell, rows);
    for (const [name, leaf] of all) {
      assertStringIncludes(script, name, `${shell}: ${name}`);
      for (const flag of flagsOf(await leaf.load())) {
        if (flag.hidden !== true) {
          assertStringIncludes(script, shell === "fish" ? `-o ${flag.name}` : `-${flag.name}`);
        }
      }
    }
  }
});

Deno.test("the bash script completes in a real bash", async () => {
  const script = completionScript("bash", await completionTable(root));
  const probe = (line: string) => {
    const words = line.split(" ");
    const quoted = words.map((word) => `"${word}"`).join(" ");
    return `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _holdfast; ` +
      'echo "${COMPREPLY[*]}"';
  };
  const lines = [
    "holdfast st",
    "holdfast kv meta",
    "holdfast kv get -mo",
    "holdfast kv get x -ver",
  ];
  const { stdout, success } = await new Deno.Command("bash", {
    args: ["-c", `compopt() { :; }\n${script}\n${lines.map(probe).join("\n")}`],
  }).output();
  assert(success);
  assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), [
    "status",
    "metadata",
    "-mount=",
    "-version=",
  ]);
});

Deno.test("help of groups and of the root goes to standard output when asked for", async () => {
  for (
    const args of [["-h"], ["kv", "-help"], ["operator", "raft", "--help"], ["kv", "get", "-h"]]
  ) {
    const io = fakeIo();
    assertEquals(await runCli(args, io), 0);
    assertStringIncludes(io.printed.out, "Usage: holdfast");
    assertEquals(io.printed.err, "");
  }
});

Deno.test("an unknown command names the one that was meant", async () => {
  const io = fakeIo();
  assertEquals(await runCli(["stauts"], io), 127);
  assertStringIncludes(io.printed.err, 'Did you mean "status"?');
  const sub = fakeIo();
  assertEquals(await runCli(["kv", "gte"], sub), 1);
  assertStringIncludes(sub.printed.err, 'Did you mean "kv get"?');
});
