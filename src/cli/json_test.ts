import { assertEquals } from "@std/assert";
import { parseJson, sortKeys, writeJson } from "./json.ts";

Deno.test("numbers keep the digits they came with", () => {
  const text = '{"big":18446744073709551615,"small":1e-7,"zero":1.0,"n":12}';
  assertEquals(writeJson(parseJson(text) ?? null), text);
});

Deno.test("one line or indented, in the order it came", () => {
  const value = parseJson('{"b":[1,{"c":null}],"a":{},"l":[]}') ?? null;
  assertEquals(writeJson(value), '{"b":[1,{"c":null}],"a":{},"l":[]}');
  assertEquals(writeJson(value, 2), JSON.stringify(JSON.parse(writeJson(value)), null, 2));
  assertEquals(Object.keys(Object(sortKeys(value))), ["a", "b", "l"]);
});

Deno.test("what is no JSON is undefined", () => {
  assertEquals(parseJson("<html>"), undefined);
  assertEquals(parseJson(""), undefined);
});
