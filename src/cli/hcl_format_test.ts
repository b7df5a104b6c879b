import { assertEquals } from "@std/assert";
import { parseHcl } from "../config/hcl/parse.ts";
import { toPlain } from "../config/hcl/query.ts";
import { formatHcl } from "./hcl_format.ts";
import { Seeded } from "./testing/random.ts";

Deno.test("two blanks a level, signs in line, lists as they were written", () => {
  const ugly =
    'path  "secret/*"   {\ncapabilities=["read",\n"list"]\n}\npath "b" { a=1\nlong="x" }';
  assertEquals(
    formatHcl(ugly),
    `path "secret/*" {
  capabilities = [
    "read",
    "list",
  ]
}

path "b" {
  a    = 1
  long = "x"
}
`,
  );
});

Deno.test("comments stay where they are", () => {
  const source = `# head
path "a" {
  # inside
  capabilities = ["read"] // tail
}

/* block
 comment */
path "b" {}
`;
  assertEquals(formatHcl(source), source);
});

Deno.test("strings keep their blanks, braces and signs", () => {
  const source = 'a = "x { y = [1, # 2] ${b["c"]}"\n';
  assertEquals(formatHcl(source), source);
});

/** Random policies, badly laid out. */
function randomBody(random: Seeded, depth: number): string {
  const gap = () => random.pick(["", " ", "  ", "\t"]);
  const lines = Array.from({ length: random.below(4) + 1 }, (_, index) => {
    const name = `k${index}${random.text("ab", 3)}`;
    const kind = random.below(depth > 0 ? 5 : 3);
    if (kind === 0) return `${name}${gap()}=${gap()}"${random.text("a{=[# ,", 6)}"`;
    if (kind === 1) return `# ${random.text('a{"=', 5)}`;
    if (kind === 2) return `${name}=[${gap()}1,${random.pick(["", "\n"])} "x"${gap()}]`;
    if (kind === 3) return `${name}${gap()}={\n${randomBody(random, depth - 1)}\n}`;
    return `path "${name}"${gap()}{\n${randomBody(random, depth - 1)}\n}`;
  });
  return lines.join(random.pick(["\n", "\n\n", "\n\n\n"]));
}

Deno.test("property: the meaning stays, and formatting twice is formatting once", () => {
  const random = new Seeded(23);
  for (let round = 0; round < 500; round++) {
    const source = randomBody(random, 3);
    const once = formatHcl(source);
    assertEquals(toPlain(parseHcl(once)), toPlain(parseHcl(source)), source);
    assertEquals(formatHcl(once), once, source);
  }
});
