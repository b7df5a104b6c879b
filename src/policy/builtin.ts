/**
 * Policies that every node has. The paths and capabilities are the API's; clients rely on them.
 */

/** Text of `default` as a new node gets it. Operators may change it. */
export const defaultPolicyText = `# What every token may do with itself.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# Ask which capabilities the token has.
path "sys/capabilities-self" {
  capabilities = ["update"]
}

# The same for all paths at once, for the web page. Internal, its form may change.
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# The token's own entity.
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# Leases whose ID the token knows.
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/leases/lookup" {
  capabilities = ["update"]
}
path "sys/renew" {
  capabilities = ["update"]
}

# The token's private storage.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Response wrapping.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}
path "sys/wrapping/lookup" {
  capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Hashing.
path "sys/tools/hash" {
  capabilities = ["update"]
}
path "sys/tools/hash/*" {
  capabilities = ["update"]
}

# Signing in to applications through the OIDC provider.
path "identity/oidc/provider/+/authorize" {
  capabilities = ["read", "update"]
}
`;

/** Text of `response-wrapping`, which the tokens of wrapped answers carry. */
export const responseWrappingPolicyText = `path "cubbyhole/response" {
  capabilities = ["create", "read"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
`;

/** Can't be written or deleted. `root` has no text. */
export const immutablePolicyNames: ReadonlySet<string> = new Set(["root", "response-wrapping"]);

/** Can be written but not deleted. */
export const undeletablePolicyNames: ReadonlySet<string> = new Set([
  "root",
  "response-wrapping",
  "default",
]);

/** Not shown when policies are listed. */
export const hiddenPolicyNames: ReadonlySet<string> = new Set(["response-wrapping"]);

/** Can't be given to a token by name when it is created. */
export const unassignablePolicyNames: ReadonlySet<string> = new Set(["response-wrapping"]);

/** Policy names are compared in lower case. */
export function normalizePolicyName(name: string): string {
  return name.trim().toLowerCase();
}
