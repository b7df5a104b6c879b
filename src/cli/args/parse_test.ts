import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HelpWanted, UsageError } from "../errors.ts";
import { Seeded } from "../testing/random.ts";
import { bool, duration, type Flag, int, list, map, text } from "./flag.ts";
import { parseArgs } from "./parse.ts";

const flags: readonly Flag[] = [
  text("path", "", { fallback: "home", env: ["T_PATH", "T_OLD_PATH"] }),
  bool("force", "", { aliases: ["f"], env: ["T_FORCE"] }),
  int("cas", ""),
  duration("ttl", "", { env: ["T_TTL"] }),
  list("policy", ""),
  map("note", ""),
];

const parse = (args: string[], env: Record<string, string> = {}) =>
  parseArgs(flags, args, (name) => env[name]);

Deno.test("one dash and two, a sign or a blank before the value, mean the same", () => {
  for (const args of [["-path=x"], ["--path=x"], ["-path", "x"], ["--path", "x"]]) {
    const { values, rest } = parse([...args, "word"]);
    assertEquals([values.text("path"), rest], ["x", ["word"]]);
  }
});

Deno.test("flags end at the first other word, which may be a single dash", () => {
  assertEquals(parse(["-f", "a", "-path=x"]).rest, ["a", "-path=x"]);
  assertEquals(parse(["-", "-f"]).rest, ["-", "-f"]);
  assertEquals(parse(["-f", "--", "-path=x"]).rest, ["-path=x"]);
});

Deno.test("a flag goes before the environment, which goes before the default", () => {
  const env = { T_OLD_PATH: "old", T_FORCE: "1", T_TTL: "5m" };
  assertEquals(parse([]).values.text("path"), "home");
  assertEquals(parse([], env).values.text("path"), "old");
  assertEquals(parse([], { ...env, T_PATH: "new" }).values.text("path"), "new");
  assertEquals(parse(["-path=here"], env).values.text("path"), "here");
  assertEquals(parse(["-force=false"], env).values.bool("force"), false);
  assertEquals(parse([], env).values.durationMs("ttl"), 300_000);
});

Deno.test("repeated flags add up for lists and maps, and the last one counts for others", () => {
  const { values } = parse(["-policy=a", "-policy", "b", "-note=x=1=2", "-cas=1", "-cas=0x10"]);
  assertEquals(values.list("policy"), ["a", "b"]);
  assertEquals(values.map("note"), { x: "1=2" });
  assertEquals(values.int("cas"), 16);
});

Deno.test("an unknown flag names the one that was meant; -h asks for help", () => {
  const error = assertThrows(() => parse(["-pth=secret"]), UsageError);
  assertStringIncludes(error.message, "Did you mean -path?");
  assertThrows(() => parse(["-h"]), HelpWanted);
  assertThrows(() => parse(["---path=x"]), UsageError);
});

Deno.test("a wrong value is refused without being repeated: it may be a secret", () => {
  for (const bad of ["-cas=hunter2", "-ttl=hunter2", "-force=hunter2", "-note=hunter2"]) {
    const error = assertThrows(() => parse([bad]), UsageError);
    assertEquals(error.message.includes("hunter2"), false);
  }
  const fromEnv = assertThrows(
    () => parse([], { T_TTL: "hunter2" }).values.durationMs("ttl"),
    UsageError,
  );
  assertStringIncludes(fromEnv.message, "T_TTL");
  assertEquals(fromEnv.message.includes("hunter2"), false);
  assertThrows(() => parse(["-path"]), UsageError, "needs a value");
});

Deno.test("property: what was written as flags is read back, words behind are untouched", () => {
  const random = new Seeded(7);
  for (let round = 0; round < 2000; round++) {
    const path = random.text("ab=-/ é\n", 8);
    const policies = Array.from({ length: random.below(4) }, () => random.text("xyz-,=", 5));
    const rest = [random.text("abc", 3) || "w", ...["-path=1", "--", "-"].slice(random.below(3))];
    const dash = () => random.pick(["-", "--"]);
    const args = [
      `${dash()}path=${path}`,
      ...policies.flatMap((policy) =>
        random.below(2) === 0 ? [`${dash()}policy=${policy}`] : [`${dash()}policy`, policy]
      ),
      ...rest,
    ];
    const parsed = parse(args);
    assertEquals(parsed.values.text("path"), path);
    assertEquals(parsed.values.list("policy"), policies);
    assertEquals(parsed.rest, rest);
  }
});

Deno.test("property: no arguments whatever crash the parser", () => {
  const random = new Seeded(11);
  for (let round = 0; round < 5000; round++) {
    const args = Array.from({ length: random.below(5) }, () => random.text("-=fcasth0 ", 7));
    try {
      const { values } = parse(args);
      values.text("path");
      values.int("cas");
      values.map("note");
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof HelpWanted)) throw error;
    }
  }
});
