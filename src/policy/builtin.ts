/**
 * Policies that every node has. The paths and capabilities are the API's; clients rely on them.
 */

/** Text of `default` as a new node gets it. Operators may change it. */
export const defaultPolicyText = `
# See what the token itself is
path "auth/token/lookup-self" {
    capabilities = ["read"]
}

# Give the token itself more time
path "auth/token/renew-self" {
    capabilities = ["update"]
}

# End the token itself, for good
path "auth/token/revoke-self" {
    capabilities = ["update"]
}

# Ask which capabilities the token has on some paths
path "sys/capabilities-self" {
    capabilities = ["update"]
}

# Read the entity the token belongs to
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# All rules that apply to the token, for the web page. The form is internal.
path "sys/internal/ui/resultant-acl" {
    capabilities = ["read"]
}

# Renew a lease whose ID is known
path "sys/leases/renew" {
    capabilities = ["update"]
}

# Look up a lease whose ID is known; shows no secret
path "sys/leases/lookup" {
    capabilities = ["update"]
}

# Use the storage that only this token sees
path "cubbyhole/*" {
    capabilities = ["create", "read", "update", "delete", "list"]
}

# Put any data behind a wrapping token
path "sys/wrapping/wrap" {
    capabilities = ["update"]
}

# Ask how old a wrapped answer is and how long it stays, by its
# response-wrapping token
path "sys/wrapping/lookup" {
    capabilities = ["update"]
}

# Unwrap with the token in the body; wrapping tokens may do it by their own
# policy.
path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}

# Hash data of one's own
path "sys/tools/hash" {
    capabilities = ["update"]
}
path "sys/tools/hash/*" {
    capabilities = ["update"]
}

# Sign in to applications through an OIDC provider
path "identity/oidc/provider/+/authorize" {
    capabilities = ["read", "update"]
}
`;

/** Text of `response-wrapping`, which the tokens of wrapped answers carry. */
export const responseWrappingPolicyText = `
path "cubbyhole/response" {
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
