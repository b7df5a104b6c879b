import { assertEquals } from "@std/assert";
import { compileAcl } from "./compile.ts";
import { inNamespace } from "./namespace.ts";
import { parsePolicy } from "./parse.ts";
import { resultantAcl } from "./resultant.ts";
import { aclOf, allows } from "./testing.ts";

Deno.test("the resultant ACL has the peer's shape", () => {
  const acl = aclOf(`path "a" { capabilities = ["read", "deny"] }
path "b/*" {
  capabilities = ["update", "list"]
  allowed_parameters = { x = ["y"] }
  required_parameters = ["x"]
  min_wrapping_ttl = "1m"
}
path "c/+/d*" { capabilities = ["sudo"] }
path "e" {}`);
  assertEquals(resultantAcl(acl), {
    root: false,
    exact_paths: { a: { capabilities: ["deny"] }, e: { capabilities: ["deny"] } },
    glob_paths: {
      "b/": {
        capabilities: ["list", "update"],
        allowed_parameters: { x: ["y"] },
        required_parameters: ["x"],
        min_wrapping_ttl: 60,
      },
    },
    segment_wildcard_paths: { "c/+/d*": { capabilities: ["sudo"] } },
  });
  assertEquals(resultantAcl(compileAcl([parsePolicy("", "root")], { nowMs: 0 })), { root: true });
});

Deno.test("a policy reaches only into its namespace", () => {
  const policy = parsePolicy('path "*" { capabilities = ["read"] }', "p");
  const acl = compileAcl([inNamespace(policy, "team/")], { nowMs: 0 });
  assertEquals([allows(acl, "read", "team/kv/a"), allows(acl, "read", "kv/a")], [true, false]);
});
