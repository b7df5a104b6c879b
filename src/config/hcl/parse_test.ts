import { assert, assertEquals, assertThrows } from "@std/assert";
import { HclError } from "./error.ts";
import { parseHcl } from "./parse.ts";
import { seeded } from "../testing.ts";
import { readBlocks, toPlain } from "./query.ts";

const plain = (text: string) => toPlain(parseHcl(text));

Deno.test("HCL values: numbers, strings, lists, maps, comments", () => {
  assertEquals(
    plain(`
a = 1 # one
b = -2.5e3, c = 0x1F // hex
d = 017
e = 1e3 /* many
lines */ f = true
"g h" = ["x", 2, [false], { k = "v" },]
m = { "x" = 1, y = { z = 2 } }
`),
    {
      a: 1,
      b: -2500,
      c: 31,
      d: 15,
      e: 1000,
      f: true,
      "g h": ["x", 2, [false], { k: "v" }],
      m: { x: 1, y: { z: 2 } },
    },
  );
});

Deno.test("HCL strings: escapes, unicode and interpolation kept as it is", () => {
  const value = (literal: string) => plain(`a = ${literal}`);
  assertEquals(value(`"\\t\\"\\\\\\u00e9\\U0001F600\\x41\\101"`), { a: '\t"\\é😀AA' });
  assertEquals(value('"$ ${ f("x", "{}") } $x"'), { a: '$ ${ f("x", "{}") } $x' });
  assertThrows(() => value('"a\nb"'), HclError, "not closed");
  assertThrows(() => value('"\\q"'), HclError, "escape");
  assertThrows(() => value('"\\UFFFFFFFF"'), HclError, "escape");
  assertThrows(() => value('"${"'), HclError, "never closed");
});

Deno.test("HCL heredocs: as they are, and unindented by their last line", () => {
  assertEquals(plain("a = <<EOF\n  x\n\n y\nEOF\nb = 1"), { a: "  x\n\n y\n", b: 1 });
  assertEquals(plain("a = <<-EOF\n   x\n\n     y\n   EOF\n"), { a: "x\n\n  y\n" });
  assertEquals(plain("a = <<-EOF\n x\n   EOF\n"), { a: " x\n" });
  assertThrows(() => plain("a = <<EOF\nx\n"), HclError, "never closed");
});

Deno.test("every error names line and column", () => {
  const at = (text: string) => {
    const error = assertThrows(() => parseHcl(text, "f.hcl"), HclError);
    return `${error.file}:${error.line}:${error.column}`;
  };
  assertEquals(at("a = 1\nb = "), "f.hcl:2:5");
  assertEquals(at("a = 1\n  a = 2"), "f.hcl:2:3");
  assertEquals(at('a = ["x" "y"]'), "f.hcl:1:10");
  assertEquals(at("a {\n  b = nope\n}"), "f.hcl:2:7");
  assertEquals(at('{"a": 1,\n "b": tru}'), "f.hcl:2:7");
  assertEquals(at('{"a": 1,\n "a": 2}'), "f.hcl:2:2");
  assertEquals(at("a = 0789"), "f.hcl:1:5");
  assertEquals(at("\n\n/* x"), "f.hcl:3:1");
});

Deno.test("blocks are found whatever form they were written in", () => {
  const labels = (text: string) => {
    const out: string[] = [];
    for (const item of parseHcl(text).items) {
      for (const block of readBlocks(item, 1, ({ problem }) => out.push(problem))) {
        out.push(block.labels.map((label) => label.text).join("+"));
      }
    }
    return out;
  };
  assertEquals(labels('p "a" {}\np "a" {}\np "b" { x = 1 }'), ["a", "a", "b"]);
  assertEquals(labels('p { "a" {} b {} }'), ["a", "b"]);
  assertEquals(labels('{"p": {"a": {}, "b": [{}, {}]}}'), ["a", "b", "b"]);
  assertEquals(labels('{"p": [{"a": {}}, {"b": {"x": 1}}]}'), ["a", "b"]);
  assertEquals(labels('p "a" "b" {}'), ['"p" takes one label']);
  assertEquals(labels("p = 1").length, 1);
});

Deno.test("an attribute set twice is an error, also inside blocks; blocks may repeat", () => {
  assertThrows(() => plain("a { b = 1\n b = 2 }"), HclError, '"b" is set twice');
  assertThrows(() => plain("b {}\n b = 2"), HclError, "twice");
  assertThrows(() => plain('{"a": {"b": [1], "b": [2]}}'), HclError, "twice");
  assertEquals(parseHcl("b {}\n b {}").items.length, 2);
});

Deno.test("limits: size and depth", () => {
  const limits = { sizeMax: 1000, depthMax: 10 };
  assertThrows(() => parseHcl("#".repeat(1001), "", limits), HclError, "longer");
  for (const [open, start] of [["[", "a = "], ["{ a ", "a "], ["a {", ""], ['{"a":', ""]]) {
    assertThrows(() => parseHcl(start + String(open).repeat(90), "", limits), HclError);
    assertThrows(() => parseHcl(start + String(open).repeat(1_000_000)), HclError);
  }
});

const seeds = [
  'path "a/*" { capabilities = ["read", "list"] allowed_parameters = { "a" = ["x*"] b = [] } }',
  'listener "tcp" {\n address = "127.0.0.1:1"\n x = <<-EOF\n  y\n EOF\n}\n# c\n/* d */ // e',
  '{"path": [{"a": {"capabilities": ["read"], "n": -1.5e3, "u": "\\u00e9"}}], "z": null}',
  'a = "${foo("x")}" b = 0x1f, c = 017 d = 1e9 "q" = true',
];
const scraps = [
  ..."{}[]=,:\"'$\\#/*<>-\n\t .+_aZ09é😀\0\ud800",
  "<<E\n",
  "<<-E\n",
  "\nE\n",
  "${",
  "/*",
  "*/",
  "//",
  '\\u12"',
  "1e999",
  "path",
  "true",
  '"a"',
  "\ufeff",
];

Deno.test("no input crashes or hangs the parser: it parses or throws HclError", () => {
  const next = seeded(20261121);
  const pick = <T>(items: ArrayLike<T>): T | undefined => items[Math.floor(next() * items.length)];
  let parsed = 0;
  for (let round = 0; round < 40_000; round++) {
    let text = round % 3 === 0 ? "" : pick(seeds) ?? "";
    for (let edits = Math.floor(next() * 12) + (round % 3 === 0 ? 8 : 0); edits > 0; edits--) {
      const at = Math.floor(next() * (text.length + 1));
      const cut = next() < 0.5 ? Math.floor(next() * 4) : 0;
      const paste = next() < 0.1 ? text.slice(at, at + 40) : next() < 0.8 ? pick(scraps) ?? "" : "";
      text = text.slice(0, at) + paste + text.slice(at + cut);
    }
    try {
      toPlain(parseHcl(text));
      parsed++;
    } catch (error) {
      if (!(error instanceof HclError)) throw new Error(JSON.stringify(text), { cause: error });
      assert(error.line >= 1 && error.column >= 1, JSON.stringify(text));
    }
  }
  assert(parsed > 1000, `only ${parsed} texts were well-formed`);
});

Deno.test("the cost of a text follows its length", () => {
  const started = performance.now();
  for (
    const piece of [
      "a = 1\n",
      '"',
      "<<E\n",
      "${",
      "/*",
      "a ",
      "[",
      "a = <<E\n\n",
      "# x\n",
      "\\",
      "0",
    ]
  ) {
    const text = piece.repeat(Math.floor(500_000 / piece.length));
    for (const whole of [text, `a = "${text}`, `{"a": "${text}`]) {
      try {
        parseHcl(whole);
      } catch (error) {
        assert(error instanceof HclError, String(error));
      }
    }
  }
  assert(performance.now() - started < 10_000);
});
