import { assert, assertEquals } from "@std/assert";
import { compileAcl } from "./compile.ts";
import { explain } from "./explain.ts";
import { parsePolicy } from "./parse.ts";
import { aclOf, allows, seeded } from "./testing.ts";

const acl = aclOf(
  'path "secret/*" { capabilities = ["read", "update"] }\n' +
    'path "secret/app" { capabilities = ["read"] }',
  'path "secret/app" { capabilities = ["list"] }\npath "secret/no" { capabilities = ["deny"] }\n' +
    'path "kv/p" { capabilities = ["update"] required_parameters = ["a"] }',
);

Deno.test("a denial names the rule, its policies, what is missing and a stanza that helps", () => {
  const found = explain(acl, { path: "secret/app", operation: "update" });
  assertEquals(found.decision.allowed, false);
  assertEquals(found.missing, ["update"]);
  assertEquals(found.considered.map(({ path, decides, grants }) => ({ path, decides, grants })), [
    { path: "secret/app", decides: true, grants: false },
    { path: "secret/*", decides: false, grants: true },
  ]);
  assertEquals(found.considered[0]?.sources, [{ policy: "p0", line: 2 }, {
    policy: "p1",
    line: 1,
  }]);
  assertEquals(
    found.summary,
    'update on "secret/app" is denied: ' +
      'path "secret/app" of policy "p0", "p1" lacks update',
  );
  assertEquals(
    found.stanza,
    'path "secret/app" {\n  capabilities = ["list", "read", "update"]\n}\n',
  );
  assert(found.hints[0]?.includes('"secret/*" would grant it'));
});

Deno.test("no rule, a deny, a parameter, sudo, root: each is explained for what it is", () => {
  const none = explain(acl, { path: "x", operation: "read" });
  assertEquals([none.considered, none.missing], [[], ["read"]]);
  const deny = explain(acl, { path: "secret/no", operation: "read" });
  assertEquals([deny.stanza, deny.considered[0]?.sources[0]?.policy], ["", "p1"]);
  const parameter = explain(acl, { path: "kv/p", operation: "update", data: { b: "hush" } });
  assert(parameter.summary.includes('required parameter "a" is missing'));
  assert(!JSON.stringify(parameter.summary).includes("hush"));
  const sudo = explain(acl, { path: "secret/app", operation: "read" }, true);
  assertEquals(sudo.missing, ["sudo"]);
  assert(sudo.stanza.includes('["list", "read", "sudo"]'));
  const root = compileAcl([parsePolicy("", "root")], { nowMs: 0 });
  assert(explain(root, { path: "x", operation: "read" }).summary.includes("root policy"));
});

Deno.test("the usual mistake with version 2 of kv is pointed out", () => {
  const { hints } = explain(acl, { path: "secret/data/app", operation: "list" });
  assert(hints.some((hint) => hint.includes('"secret/app"')));
});

Deno.test("the stanza does help, and the rule said to decide is the one that does", () => {
  const next = seeded(3);
  const pick = <T>(items: readonly T[], fallback: T) =>
    items[Math.floor(next() * items.length)] ?? fallback;
  const path = () => [1, 2, 3].map(() => pick(["a", "b", "c"], "a")).join("/");
  for (let round = 0; round < 500; round++) {
    const texts = Array.from({ length: 4 }, () => {
      const pattern = pick(["+/", "a/", ""], "") + path() + pick(["*", "/*", ""], "");
      return `path "${pattern}" { capabilities = ["${pick(["read", "list", "update"], "read")}"] }`;
    });
    const request = { path: path(), operation: pick(["read", "list", "update"] as const, "read") };
    const made = aclOf(...texts);
    const found = explain(made, request);
    assertEquals(found.considered.findIndex(({ decides }) => decides) <= 0, true);
    assertEquals(found.considered[0]?.path, found.decision.rule?.path ?? found.considered[0]?.path);
    if (found.decision.allowed) continue;
    assert(allows(aclOf(...texts, found.stanza), request.operation, request.path));
  }
});
