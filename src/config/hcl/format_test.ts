import { assert, assertEquals } from "@std/assert";
import { seeded } from "../testing.ts";
import { HclError } from "./error.ts";
import { formatHcl } from "./format.ts";
import { parseHcl } from "./parse.ts";
import { toPlain } from "./query.ts";

const cases: readonly (readonly [string, string, string])[] = [
  [
    "lists keep their form",
    'path  "s/*"   {\ncapabilities=["read",\n"list"]\n}\n',
    'path "s/*" {\n  capabilities = [\n    "read",\n    "list",\n  ]\n}\n',
  ],
  [
    "equals signs are aligned in a run of lines",
    'a {\nb=1\nlong = "x" # why\n\nc = [ 1,2 , ]\n}',
    'a {\n  b    = 1\n  long = "x" # why\n\n  c = [1, 2]\n}\n',
  ],
  ["blocks are set apart", "a {}\nb { x = 1 }\nc = 1", "a {}\n\nb {\n  x = 1\n}\n\nc = 1\n"],
  [
    "comments stay where they are",
    "# top\n\n# a\na { # open\n  # in\n  x = 1 // x\n  # end\n}\n/* last */",
    "# top\n\n# a\na {\n  # open\n  # in\n  x = 1 // x\n  # end\n}\n/* last */\n",
  ],
  [
    "maps are opened, heredocs untouched",
    "m = { a=[], bb={} }\nh = <<-E\n   x\n  E\nz = 1",
    "m = {\n  a  = []\n  bb = {}\n}\n\nh = <<-E\n   x\n  E\n\nz = 1\n",
  ],
  ["nothing", "  \n", ""],
];

for (const [name, from, to] of cases) {
  Deno.test(`formatting: ${name}, means the same and is stable`, () => {
    const formatted = formatHcl(from);
    assertEquals(formatted, to);
    assertEquals(formatHcl(formatted), formatted);
    assertEquals(toPlain(parseHcl(formatted)), toPlain(parseHcl(from)));
  });
}

Deno.test("JSON is left alone", () => {
  assertEquals(formatHcl('{"a":1}'), '{"a":1}');
});

Deno.test("any text means the same formatted, keeps its comments and is stable", () => {
  const random = seeded(5);
  const next = (below: number) => Math.floor(random() * below);
  const pieces = ["a", ' "b"', " = ", "1", '"x"', "[", "]", "{", "}", ",", "\n", "\n\n", " # c\n"];
  pieces.push(
    "/* d */",
    "true",
    "a = 1\n",
    "b {\n",
    "}\n",
    "[1, 2]",
    "<<E\nh\nE\n",
    "// e\n",
    "l = [\n",
  );
  const comments = (text: string) => [...text.matchAll(/# c|\/\* d \*\/|\/\/ e/g)].length;
  let parsed = 0;
  for (let round = 0; round < 60_000; round++) {
    let text = "";
    for (let i = 1 + next(12); i > 0; i--) text += pieces[next(pieces.length)] ?? "";
    let plain: unknown;
    try {
      plain = toPlain(parseHcl(text));
    } catch (error) {
      assert(error instanceof HclError);
      continue;
    }
    parsed++;
    const formatted = formatHcl(text);
    const shown = JSON.stringify([text, formatted]);
    assertEquals(toPlain(parseHcl(formatted)), plain, shown);
    assertEquals(comments(formatted), comments(text), shown);
    assertEquals(formatHcl(formatted), formatted, shown);
  }
  assert(parsed > 1_000, `only ${parsed} texts were well-formed`);
});
