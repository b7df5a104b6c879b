/** ACL policies and password policies. */
import type { Item } from "./items.ts";
import type { Opened } from "./opened.ts";
import { flagAt, numberAt, textAt } from "./read_json.ts";

/** Every node has its own of these. */
const own: ReadonlySet<string> = new Set(["root", "response-wrapping", "control-group"]);

export async function* policyItems(opened: Opened): AsyncGenerator<Item> {
  const prefix = "sys/policy/";
  for (const key of opened.below(prefix)) {
    const name = key.slice(prefix.length);
    const entry = await opened.object(key);
    if (entry === undefined || own.has(name)) continue;
    if (numberAt(entry, "Type") !== 0) {
      opened.account.leave(`policy ${name}`, "it is no ACL policy");
      continue;
    }
    yield {
      kind: "policy",
      path: name,
      data: {
        policy: textAt(entry, "Raw"),
        cas_required: flagAt(entry, "CASRequired"),
        allow_slashes_in_identity_templates: flagAt(entry, "AllowSlashesInIdentityTemplates"),
        allow_wildcards_in_identity_templates: flagAt(entry, "AllowWildcardsInIdentityTemplates"),
      },
    };
  }
  for (const kind of ["sys/policy-rgp/", "sys/policy-egp/"]) {
    opened.leaveBelow(kind, "Sentinel policies", "there are only ACL policies here");
  }
}

export async function* passwordPolicyItems(opened: Opened): AsyncGenerator<Item> {
  const prefix = "sys/password_policy/";
  for (const key of opened.below(prefix)) {
    const entry = await opened.object(key);
    if (entry === undefined) continue;
    yield {
      kind: "write",
      path: `sys/policies/password/${key.slice(prefix.length)}`,
      data: { policy: textAt(entry, "policy") },
    };
  }
}
