import { assertEquals } from "@std/assert";
import { defaultPolicyText, responseWrappingPolicyText } from "./builtin.ts";
import { compileAcl } from "./compile.ts";
import { parsePolicy } from "./parse.ts";
import { expandTemplates } from "./template.ts";

Deno.test("default grants what clients rely on, to the token's own entity", () => {
  const metadata = {};
  const entity = { id: "e", name: "n", metadata, aliases: [] };
  const { policy } = expandTemplates(parsePolicy(defaultPolicyText, "default"), {
    entity,
    groups: [],
  });
  const acl = compileAcl([policy], { nowMs: 0 });
  const expected: Record<string, string[]> = {
    "auth/token/lookup-self": ["read"],
    "auth/token/renew-self": ["update"],
    "auth/token/revoke-self": ["update"],
    "sys/capabilities-self": ["update"],
    "identity/entity/id/e": ["read"],
    "identity/entity/id/f": ["deny"],
    "identity/entity/name/n": ["read"],
    "sys/internal/ui/resultant-acl": ["read"],
    "sys/leases/renew": ["update"],
    "sys/leases/lookup": ["update"],
    "cubbyhole/x/y": ["create", "delete", "list", "read", "update"],
    "sys/wrapping/wrap": ["update"],
    "sys/wrapping/lookup": ["update"],
    "sys/wrapping/unwrap": ["update"],
    "sys/tools/hash": ["update"],
    "sys/tools/hash/sha2-256": ["update"],
    "identity/oidc/provider/p/authorize": ["read", "update"],
    "sys/mounts": ["deny"],
  };
  for (const [path, capabilities] of Object.entries(expected)) {
    assertEquals(acl.capabilities(path), capabilities, path);
  }
});

Deno.test("response-wrapping grants one answer", () => {
  const acl = compileAcl([parsePolicy(responseWrappingPolicyText, "response-wrapping")], {
    nowMs: 0,
  });
  assertEquals(acl.capabilities("cubbyhole/response"), ["create", "read"]);
  assertEquals(acl.capabilities("cubbyhole/x"), ["deny"]);
});
