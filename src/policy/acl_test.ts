import { assert, assertEquals } from "@std/assert";
import { defaultJsonLimits, parseJsonBody } from "../logical/json.ts";
import { compileAcl } from "./compile.ts";
import { parsePolicy } from "./parse.ts";
import { aclOf, allows } from "./testing.ts";

const rule = (path: string, ...capabilities: string[]) =>
  `path ${JSON.stringify(path)} { capabilities = ${JSON.stringify(capabilities)} }\n`;

Deno.test("each operation needs its own capability; help needs none", () => {
  const operations = ["create", "read", "update", "patch", "delete", "list", "scan"] as const;
  for (const granted of operations) {
    const acl = aclOf(rule("a/*", granted));
    for (const operation of operations) {
      assertEquals(allows(acl, operation, "a/b"), operation === granted);
    }
    assert(allows(acl, "help", "elsewhere"));
  }
});

Deno.test("the examples of Vault's policy documentation", () => {
  const acl = aclOf(`
path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
path "secret/super-secret" { capabilities = ["deny"] }
path "secret/restricted" {
  capabilities = ["create"]
  allowed_parameters = { "foo" = [] "bar" = ["zip", "zap"] }
}
path "kv/bar/*" { capabilities = ["read"] }
path "kv/zip-*" { capabilities = ["read"] }
path "kv/+/teamb" { capabilities = ["read"] }
path "sys/plugins/catalog/+/+" { capabilities = ["read"] }
`);
  assert(allows(acl, "read", "secret/foo"));
  assert(!allows(acl, "read", "secret/super-secret"));
  assert(allows(acl, "create", "secret/restricted", { data: { foo: "x", bar: "zip" } }));
  assert(!allows(acl, "create", "secret/restricted", { data: { bar: "zop" } }));
  assert(allows(acl, "read", "kv/bar/zip/zap"));
  assert(!allows(acl, "read", "kv/bars/zip"));
  assert(allows(acl, "read", "kv/zip-zap/zong"));
  assert(!allows(acl, "read", "kv/zip/zap"));
  assert(allows(acl, "read", "kv/foo/teamb"));
  assert(!allows(acl, "read", "kv/foo/bar/teamb"));
  assert(allows(acl, "read", "sys/plugins/catalog/auth/x"));
});

Deno.test("which rule decides: order of priority, one rule each as probed on the peer", () => {
  const decides = (path: string, ...paths: string[]) =>
    aclOf(paths.map((one) => rule(one, "read")).join("")).check({ path, operation: "read" }).rule
      ?.path;
  assertEquals(decides("a/b", "a/*", "a/b", "a/+"), "a/b");
  assertEquals(decides("a/b/c", "a/*", "a/b/*"), "a/b/*");
  assertEquals(decides("a/b/c", "a/*", "a/+/c"), "a/+/c", "equal position: no star wins");
  assertEquals(decides("a/b/c", "a/*", "a/+/*"), "a/*", "equal position: fewer plus wins");
  assertEquals(decides("a/b/c", "a/+/c*", "a/+/*", "a/b*"), "a/b*", "later wildcard wins");
  assertEquals(decides("a/b/c", "a/+/+", "a/+/*"), "a/+/+");
  assertEquals(decides("a/b/c", "a/+/+", "a/+/c"), "a/+/c");
  assertEquals(decides("a/b", "*", "+/*"), "*");
  assertEquals(decides("a", "*", "+"), "+");
  assertEquals(decides("a/x/cd", "a/+/c*", "a/+/*"), "a/+/c*", "longer wins");
  assertEquals(decides("a/*/c", "a/*/c", "a/*"), "a/*/c", "a star inside is a star");
  assertEquals(decides("a/b/c", "a/*/c", "a/*"), "a/*");
  assertEquals(decides("a/+b", "a/+b", "a/c+"), "a/+b");
  assertEquals(decides("a/xb", "a/+b", "a/c+"), undefined, "a plus inside is a plus");
  assertEquals(decides("x//y", "x/+/y"), "x/+/y", "a plus takes an empty segment");
  assertEquals(decides("ab", "a"), undefined);
  assertEquals(decides("", "*"), "*");
});

Deno.test("a list may name a folder with or without its slash", () => {
  const list = (path: string, ...texts: string[]) => allows(aclOf(...texts), "list", path);
  assert(list("d/", rule("d", "list")));
  assert(list("d/", rule("d/", "list")));
  assert(!list("d", rule("d/", "list")));
  assert(list("k/d/", rule("k/+", "list")));
  assert(!list("d/", rule("d", "list") + rule("d/", "deny")));
  assert(list("d/", rule("d", "deny") + rule("d/", "list")));
  assert(!list("d/", rule("d", "read") + rule("d/*", "list")));
  assert(!list("k/d/", rule("k/+", "list") + rule("k/d/*", "read")));
  assert(!allows(aclOf(rule("d", "read")), "read", "d/"));
  assert(allows(aclOf(rule("d", "scan")), "scan", "d/"));
});

Deno.test("stanzas of one path merge over policies; deny wins in any order", () => {
  const caps = (...texts: string[]) => aclOf(...texts).capabilities("a");
  assertEquals(caps(rule("a", "read"), rule("a", "update")), ["read", "update"]);
  assertEquals(caps(rule("a", "read"), rule("a", "deny")), ["deny"]);
  assertEquals(caps(rule("a", "deny"), rule("a", "read")), ["deny"]);
  assertEquals(caps(rule("a", "read") + rule("a", "list")), ["list", "read"]);
  assertEquals(caps(rule("a", "read"), rule("a*", "list", "sudo")), ["read"], "no mixing of paths");
  assertEquals(caps(rule("a")), ["deny"]);
  assertEquals(caps(""), ["deny"]);
  assertEquals(aclOf(rule("a", "read")).capabilities("a/"), ["read"]);
});

Deno.test("root may do everything; sudo is told apart from being allowed", () => {
  const root = compileAcl([parsePolicy("", "root")], { nowMs: 0 });
  assertEquals(root.capabilities("x"), ["root"]);
  assertEquals(root.check({ path: "x", operation: "delete" }), {
    allowed: true,
    isRoot: true,
    sudo: true,
  });
  const acl = aclOf(rule("sys/raw", "read", "sudo") + rule("sys/*", "read"));
  assertEquals(acl.check({ path: "sys/raw", operation: "read" }).sudo, true);
  assertEquals(acl.check({ path: "sys/raw", operation: "update" }).sudo, true);
  assertEquals(acl.check({ path: "sys/x", operation: "read" }).sudo, false);
});

/** Rows: restrictions, parameters as JSON, allowed. Probed on the peer, except where noted. */
const parameterRows: [string, string, boolean][] = [
  ['required_parameters = ["a", "B"]', "{}", false],
  ['required_parameters = ["a", "B"]', '{"a":1}', false],
  ['required_parameters = ["a", "B"]', '{"a":1,"b":2,"c":3}', true],
  ['required_parameters = ["a"]', '{"A":1}', false],
  ['allowed_parameters = { a = ["x", "y*"] b = [] }', '{"a":"x"}', true],
  ['allowed_parameters = { a = ["x", "y*"] b = [] }', '{"A":"yes","b":[1]}', true],
  ['allowed_parameters = { a = ["x", "y*"] b = [] }', '{"a":"z"}', false],
  ['allowed_parameters = { a = ["x", "y*"] b = [] }', '{"a":["x"]}', false],
  ['allowed_parameters = { a = ["x", "y*"] b = [] }', '{"c":1}', false],
  ['allowed_parameters = { a = ["x", "y*"] b = [] }', "{}", true],
  ['allowed_parameters = { a = ["1"] "*" = [] }', '{"a":"2"}', false],
  ['allowed_parameters = { a = ["1"] "*" = [] }', '{"q":"2"}', true],
  ['allowed_parameters = { "*" = ["x"] }', '{"n":"y"}', true],
  ["allowed_parameters = {}", '{"n":"y"}', true],
  ['allowed_parameters = { a = ["*mid*", "*end", "a*b"] }', '{"a":"xmidx"}', true],
  ['allowed_parameters = { a = ["*mid*", "*end", "a*b"] }', '{"a":"the end"}', true],
  ['allowed_parameters = { a = ["*mid*", "*end", "a*b"] }', '{"a":"axb"}', false],
  ['allowed_parameters = { "a*" = [] }', '{"abc":1}', false],
  ['allowed_parameters = { a = [["p", "q"], { k = "v" }] }', '{"a":["p","q"]}', true],
  ['allowed_parameters = { a = [["p", "q"], { k = "v" }] }', '{"a":["p"]}', false],
  ['allowed_parameters = { a = [["p", "q"], { k = "v" }] }', '{"a":{"k":"v"}}', true],
  ["allowed_parameters = { a = [true] }", '{"a":true}', true],
  ["allowed_parameters = { a = [true] }", '{"a":"true"}', false],
  // Numbers by value: better than the peer, which never matches one.
  ["allowed_parameters = { a = [5, 1.5] }", '{"a":5.0}', true],
  ["allowed_parameters = { a = [5, 1.5] }", '{"a":1.5}', true],
  ["allowed_parameters = { a = [5] }", '{"a":"5"}', false],
  ["denied_parameters = { a = [5] }", '{"a":5}', false],
  ['denied_parameters = { a = ["bad", "no*"] z = [] }', '{"a":"ok"}', true],
  ['denied_parameters = { a = ["bad", "no*"] z = [] }', '{"A":"nope"}', false],
  ['denied_parameters = { a = ["bad", "no*"] z = [] }', '{"z":null}', false],
  ['denied_parameters = { a = ["bad"] }', '{"a":["bad"]}', true],
  ['denied_parameters = { "*" = [] }', '{"q":1}', false],
  ['denied_parameters = { "*" = [] }', "{}", true],
  ['allowed_parameters = { "*" = [] } denied_parameters = { q = [] }', '{"q":1}', false],
  ['allowed_parameters = { a = ["x"] } denied_parameters = { a = ["x"] }', '{"a":"x"}', false],
];

Deno.test("parameters: required, denied, allowed", () => {
  for (const [restriction, json, allowed] of parameterRows) {
    const acl = aclOf(`path "a" { capabilities = ["update"] ${restriction} }`);
    const data = parseJsonBody(json, defaultJsonLimits);
    assertEquals(allows(acl, "update", "a", { data }), allowed, `${restriction} ${json}`);
  }
});

Deno.test("parameters bind reads and writes, not deletes and lists", () => {
  const acl = aclOf(
    `path "a" { capabilities = ["create", "update", "patch", "read", "delete", "list"]
    allowed_parameters = { x = [] } }`,
  );
  const data = { y: 1 };
  for (const operation of ["create", "update", "patch", "read"] as const) {
    assert(!allows(acl, operation, "a", { data }));
  }
  for (const operation of ["delete", "list"] as const) {
    assert(allows(acl, operation, "a", { data }));
  }
});

Deno.test("merged parameters add up, and an empty list means any value", () => {
  const ok = (data: Record<string, string>, ...restrictions: string[]) => {
    const texts = restrictions.map((one) => `path "a" { capabilities = ["update"] ${one} }`);
    return allows(aclOf(...texts), "update", "a", { data });
  };
  const [x, y, any] = ["x", "y", ""].map((v) =>
    `allowed_parameters = { a = [${v && JSON.stringify(v)}] }`
  );
  assert(x !== undefined && y !== undefined && any !== undefined);
  assert(ok({ a: "x" }, x, y) && ok({ a: "y" }, x, y) && !ok({ a: "z" }, x, y));
  assert(ok({ a: "z" }, x, any) && ok({ a: "z" }, any, x));
  assert(!ok({ b: "z" }, x, ""), "a policy without restriction does not lift one");
  assert(!ok({ a: "1" }, 'required_parameters = ["a"]', 'required_parameters = ["b"]'));
  assert(!ok({ a: "x" }, 'denied_parameters = { a = ["x"] }', 'denied_parameters = { a = ["y"] }'));
});

Deno.test("wrapping bounds hold for every operation; of two limits the lower counts", () => {
  const ok = (ttl: number | undefined, ...restrictions: string[]) => {
    const texts = restrictions.map((one) => `path "a" { capabilities = ["list"] ${one} }`);
    const rest = ttl === undefined ? {} : { wrapTtlSeconds: ttl };
    return allows(aclOf(...texts), "list", "a", rest);
  };
  const both = 'min_wrapping_ttl = "1m" max_wrapping_ttl = "1h"';
  assertEquals([undefined, 30, 60, 3600, 3601].map((ttl) => ok(ttl, both)), [
    false,
    false,
    true,
    true,
    false,
  ]);
  assert(!ok(undefined, "max_wrapping_ttl = 60"), "a maximum alone demands wrapping, too");
  assert(!ok(90, "max_wrapping_ttl = 60", "max_wrapping_ttl = 120"));
  assert(!ok(30, "min_wrapping_ttl = 60 max_wrapping_ttl = 90", "max_wrapping_ttl = 40"));
  assert(ok(undefined, "min_wrapping_ttl = 0"));
});

Deno.test("lists: pagination limits and hidden keys", () => {
  const acl = aclOf(
    'path "kv/q/" { capabilities = ["list"] pagination_limit = 2 ' +
      'list_scan_response_keys_filter_path = "{{.path}}{{.key}}" }\n' + rule("kv/q/f/", "list") +
      rule("kv/q/g/", "read") + rule("kv/q/r", "read") + rule("kv/q/c", "create"),
  );
  const decision = acl.check({ path: "kv/q/", operation: "list" });
  assertEquals(acl.visibleKeys(decision, "kv/q/", ["c", "f/", "g/", "r", "z"]), ["f/", "r"]);
  assertEquals(decision.rule?.paginationLimit, 2);
  for (const [limit, allowed] of [["1", true], ["2", true], ["3", false], ["-1", false]] as const) {
    assertEquals(allows(acl, "list", "kv/q/", { data: { limit } }), allowed);
  }
});

Deno.test("a rule expires, and the ACL knows when to compile anew", () => {
  const text = 'path "a*" { capabilities = ["list"] }\n' +
    'path "a" { capabilities = ["read"] expiration = 100 }';
  const policies = [parsePolicy(text, "p")];
  const before = compileAcl(policies, { nowMs: 99_999 });
  assertEquals([before.capabilities("a"), before.validUntil], [["read"], 100_000]);
  const after = compileAcl(policies, { nowMs: 100_000 });
  assertEquals([after.capabilities("a"), after.validUntil], [["list"], undefined]);
});

Deno.test("a check costs about a microsecond with hundreds of rules", () => {
  const many = Array.from(
    { length: 300 },
    (_, i) => rule(`team${i}/*`, "read") + rule(`team${i}/+/x`, "list") + rule(`kv/${i}`, "read"),
  ).join("");
  const acl = aclOf(many, rule("secret/data/+/app*", "read"));
  const paths = ["team200/data/a/b", "team17/q/x", "secret/data/f/app1", "kv/77", "nothing/here"];
  const run = (rounds: number) => {
    for (let i = 0; i < rounds; i++) {
      acl.check({ path: paths[i % paths.length] ?? "", operation: "read" });
    }
  };
  run(50_000);
  const started = performance.now();
  run(100_000);
  const microseconds = (performance.now() - started) / 100;
  assert(microseconds < 10, `${microseconds} µs a check`);
});
