/** Who asks for a certificate, as far as the role's templates depend on it. */
import type { Call } from "../../core/backend.ts";
import { policySubject } from "../../core/acls.ts";
import { fillTemplate } from "../../policy/template.ts";
import type { Engine } from "./engine.ts";
import type { Asker } from "./names.ts";
import type { Role } from "./role.ts";

/** The role's domains and URIs, with its templates filled in; those without a value are left out. */
export async function askerOf(
  { services }: Pick<Engine, "services">,
  call: Call,
  role: Role,
): Promise<Asker & { readonly uris: readonly string[] }> {
  const displayName = call.token?.displayName ?? "";
  const { allowed_domains_template: domains, allowed_uri_sans_template: uris } = role;
  if (!domains && !uris) {
    return { displayName, domains: role.allowed_domains, uris: role.allowed_uri_sans };
  }
  const entityId = call.token?.entityId ?? "";
  const view = entityId === ""
    ? undefined
    : await services().identity.views.get(call.transaction, entityId);
  const subject = policySubject(view);
  const options = { allowSlashes: true, allowWildcards: role.allow_globs_in_identity_templates };
  const fill = (list: readonly string[]) =>
    list.flatMap((text) => {
      if (!text.includes("{{")) return [text];
      const filled = fillTemplate(text, subject, options);
      return filled === undefined ? [] : [filled];
    });
  return {
    displayName,
    domains: domains ? fill(role.allowed_domains) : role.allowed_domains,
    uris: uris ? fill(role.allowed_uri_sans) : role.allowed_uri_sans,
  };
}
