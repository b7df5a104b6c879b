import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { capabilityNames } from "./capability.ts";
import { formatPolicy } from "./format.ts";
import { parsePolicy } from "./parse.ts";
import { seeded } from "./testing.ts";

Deno.test("a stanza is read with all its keys", () => {
  const { rules, templated } = parsePolicy(`
# comment
path "/secret/{{identity.entity.id}}/*" {
  comment = "own folder"
  capabilities = ["read", "create", "create"]
  allowed_parameters = { "Foo" = ["a*", 5, true], bar = [] }
  denied_parameters { baz = [["x"], { k = "v" }] }
  required_parameters = ["Foo"]
  min_wrapping_ttl = "1m"
  max_wrapping_ttl = 3600
  expiration = "2030-01-01T00:00:00Z"
  pagination_limit = 10
  list_scan_response_keys_filter_path = "{{ .path }}{{.key}}"
}
name = "x"
path "old" { policy = "write" }
path "no" { capabilities = ["deny", "read"] }
`);
  assertEquals(templated, true);
  const [own, old, no] = rules;
  assert(own !== undefined && old !== undefined && no !== undefined);
  assertEquals(own.path, "secret/{{identity.entity.id}}/*");
  assertEquals(own.at, { line: 3, column: 6 });
  assertEquals(capabilityNames(own.capabilities), ["create", "read"]);
  assertEquals(own.allowedParameters, new Map([["foo", ["a*", 5, true]], ["bar", []]]));
  assertEquals(own.deniedParameters, new Map([["baz", [["x"], { k: "v" }]]]));
  assertEquals(own.requiredParameters, ["foo"]);
  assertEquals([own.minWrappingTtl, own.maxWrappingTtl], [60, 3600]);
  assertEquals(own.expiresAt, Date.UTC(2030, 0, 1));
  assertEquals(own.paginationLimit, 10);
  assertEquals(capabilityNames(old.capabilities), ["create", "delete", "list", "read", "update"]);
  assertEquals(capabilityNames(no.capabilities), ["deny"]);
});

Deno.test("the JSON form, also with a list of paths, means the same", () => {
  const paths = (text: string) => parsePolicy(text).rules.map(({ path }) => path);
  assertEquals(paths('{"path": {"a": {"capabilities": ["read"]}, "b/*": {}}}'), ["a", "b/*"]);
  assertEquals(paths('{"path": [{"a": {"capabilities": ["read"]}}, {"b": {}}]}'), ["a", "b"]);
  assertEquals(paths(" # nothing"), []);
});

Deno.test("what is wrong is refused with 400, line and column", () => {
  const cases: [string, RegExp][] = [
    ['path "x" {', /line 1, column 11: expected a name/],
    ['path "x" {\n capabilities = ["fly"] }', /line 2, column 18: .*invalid capability "fly"/],
    ['path "x" { capabilities = "read" }', /column 27: expected a list, found a string/],
    ['path "x" { nope = 1 }', /column 12: .*invalid key "nope"/],
    ['nope "x" { }', /column 1: invalid key "nope"/],
    ['path "x/+*" { }', /'\+\*' is forbidden/],
    ['path "x" { policy = "odd" }', /invalid policy "odd"/],
    ['path "x" { min_wrapping_ttl = "zz" }', /expected a duration/],
    ['path "x" { min_wrapping_ttl = "2h" max_wrapping_ttl = "1h" }', /cannot be less than/],
    ['path "x" { capabilities = ["read"] capabilities = ["list"] }', /set twice/],
    ['path "x" { allowed_parameters = ["a"] }', /expected a map/],
    ['path "x" { allowed_parameters = { a = "x" } }', /expected a list/],
    ['path "x" { required_parameters = [["a"]] }', /expected a string/],
    ['path "x" { expiration = "2030-01-01" }', /date and time/],
    ['path "x" { pagination_limit = "q" }', /above 0/],
    ['path "x" { list_scan_response_keys_filter_path = "a" }', /needs \{\{ \.key \}\}/],
    ['path "x" { control_group = { } }', /control_group/],
    ['path "a{{identity.entity.id" { }', /unbalanced templating characters/],
    ['path "a" "b" { }', /one label/],
    ["path { }", /one label/],
    ['path = "a"', /needs one label and a block/],
    ['path "a" = { }', /after the labels/],
    ["{{{", /expected a name/],
  ];
  for (const [text, pattern] of cases) {
    const error = assertThrows(() => parsePolicy(text), Failure);
    assertEquals(error.status, 400);
    assert(pattern.test(error.message), `${text}: ${error.message}`);
    assert(error.message.startsWith("failed to parse policy: line "));
  }
});

Deno.test("policy fmt refuses what is no policy", () => {
  assertEquals(
    formatPolicy('path "a" {capabilities=["read"]}'),
    'path "a" {\n' +
      '  capabilities = ["read"]\n}\n',
  );
  assertThrows(() => formatPolicy('nope "a" {}'), Failure);
});

Deno.test("no input crashes the parser", () => {
  const next = seeded(7);
  const seed =
    'path "a/+/{{identity.entity.id}}*" { capabilities = ["read"] min_wrapping_ttl = 5 ' +
    'allowed_parameters = { "*" = [], a = ["x", 1, { b = [] }] } expiration = 9 comment = "" }\n';
  const scraps = [...'{}[]=,"#*+/ 1a\n', "{{", "}}", "path", "deny", "1e999", "-1", "null"];
  for (let round = 0; round < 10_000; round++) {
    let text = seed;
    for (let edits = 1 + Math.floor(next() * 6); edits > 0; edits--) {
      const at = Math.floor(next() * text.length);
      const scrap = scraps[Math.floor(next() * scraps.length)] ?? "";
      text = text.slice(0, at) + scrap + text.slice(at + Math.floor(next() * 8));
    }
    try {
      parsePolicy(text);
      formatPolicy(text);
    } catch (error) {
      if (!(error instanceof Failure)) throw new Error(JSON.stringify(text), { cause: error });
    }
  }
});
