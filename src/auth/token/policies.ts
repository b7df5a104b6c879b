/** Which policies a new token gets: what was asked for, within what parent and role allow. */
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import type { TokenEntry } from "../../token/entry.ts";
import { globMatches, type TokenRole } from "./role.ts";

/** Policies that are given only by the system itself. */
const notAssignable = ["response-wrapping", "control-group"];

export interface PolicyChoice {
  readonly services: Services;
  readonly call: Call;
  readonly parent: TokenEntry;
  readonly role: TokenRole | undefined;
  readonly sudo: boolean;
  readonly warnings: string[];
  readonly asked: readonly string[];
  readonly wanted: { readonly no_default_policy: boolean };
}

/** The policies, sorted; warns of those that do not exist. Throws a 400 for what is not allowed. */
export async function choosePolicies(choice: PolicyChoice): Promise<string[]> {
  const { parent, role, sudo, wanted } = choice;
  const asked = clean(choice.asked);
  const policies = role === undefined
    ? ofParent(parent, asked, sudo, wanted.no_default_policy)
    : ofRole(parent, role, asked, wanted.no_default_policy);
  if (policies.some((name) => notAssignable.includes(name))) {
    throw badRequest(`cannot assign policy ${notAssignable.join(" or ")}`);
  }
  if (policies.includes("root")) {
    if (!parent.policies.includes("root")) {
      throw badRequest("root tokens may not be created without parent token being root");
    }
    return ["root"];
  }
  await warnOfMissing(choice, policies);
  return policies;
}

function clean(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.trim().toLowerCase()))].filter((n) => n !== "")
    .sort();
}

function withDefault(names: readonly string[], without: boolean): string[] {
  return without || names.includes("root") ? [...names] : clean([...names, "default"]);
}

function ofParent(
  parent: TokenEntry,
  asked: readonly string[],
  sudo: boolean,
  noDefault: boolean,
): string[] {
  if (asked.length === 0) {
    const inherited = parent.policies.filter((name) => !noDefault || name !== "default");
    return noDefault ? inherited : withDefault(inherited, !parent.policies.includes("default"));
  }
  const beyond = asked.filter((name) => name !== "default" && !parent.policies.includes(name));
  if (!sudo && beyond.length > 0) {
    throw badRequest("child policies must be subset of parent");
  }
  const addDefault = !noDefault &&
    (sudo || parent.policies.includes("default") || asked.includes("default"));
  return withDefault(asked, !addDefault);
}

function ofRole(
  parent: TokenRole | TokenEntry,
  role: TokenRole,
  asked: readonly string[],
  noDefault: boolean,
): string[] {
  const bounded = role.allowedPolicies.length > 0 || role.allowedPoliciesGlob.length > 0;
  const dropDefault = noDefault || role.noDefaultPolicy ||
    matches("default", role.disallowedPolicies, role.disallowedPoliciesGlob);
  let policies = clean(asked);
  if (policies.length === 0) {
    policies = bounded
      ? clean(role.allowedPolicies)
      : "policies" in parent
      ? clean(parent.policies)
      : [];
  }
  const allowedAnyway = (name: string) => name === "default" && !dropDefault;
  for (const name of policies) {
    if (bounded && !allowedAnyway(name)) {
      if (!matches(name, role.allowedPolicies, role.allowedPoliciesGlob)) {
        throw badRequest(`token policies must be subset of the role's allowed policies`);
      }
    }
    if (matches(name, role.disallowedPolicies, role.disallowedPoliciesGlob)) {
      throw badRequest(`token policy ${name} is disallowed by this role`);
    }
  }
  return withDefault(policies, dropDefault);
}

function matches(name: string, exact: readonly string[], globs: readonly string[]): boolean {
  return exact.some((item) => item.toLowerCase() === name) ||
    globs.some((glob) => globMatches(glob.toLowerCase(), name));
}

async function warnOfMissing(choice: PolicyChoice, policies: readonly string[]): Promise<void> {
  for (const name of policies) {
    if (await choice.services.acls.get(choice.call.transaction, name) === undefined) {
      choice.warnings.push(`Policy "${name}" does not exist`);
    }
  }
}
