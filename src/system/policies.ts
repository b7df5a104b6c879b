/** `sys/policies/acl` and its older form `sys/policy`; `sys/policies/explain`. */
import { badRequest, notFound } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { PolicySettings } from "../core/acls.ts";
import type { Call } from "../core/backend.ts";
import type { Services } from "../core/services.ts";
import { rfc3339 } from "../logical/envelope.ts";
import type { JsonObject } from "../logical/json.ts";
import {
  hiddenPolicyNames,
  immutablePolicyNames,
  normalizePolicyName,
  undeletablePolicyNames,
} from "../policy/builtin.ts";
import { plainText } from "./plain_text.ts";

async function names(services: Services, call: Call): Promise<string[]> {
  const found = await services.acls.names(call.transaction);
  return [...found.filter((name) => !hiddenPolicyNames.has(name)).sort(), "root"];
}

/** A policy as both forms show it, but for the name of its text. */
async function read(services: Services, call: Call, name: string) {
  const stored = name === "root" ? undefined : await services.acls.get(call.transaction, name);
  if (stored === undefined && name !== "root") throw notFound();
  const body: JsonObject = {
    name,
    version: stored?.version ?? 0,
    cas_required: stored?.casRequired ?? false,
    allow_slashes_in_identity_templates: stored?.allowSlashes ?? false,
    allow_wildcards_in_identity_templates: stored?.allowWildcards ?? false,
    ...(stored === undefined ? {} : { modified: rfc3339(stored.modified) }),
  };
  return { body, text: stored?.text ?? "" };
}

/** Without one of these nothing is a policy. */
const signs = /[{"\s]/;

const fields = {
  policy: field.string("The policy's text, HCL or JSON, plain or in base64."),
  rules: field.string("Former name of policy."),
  cas: field.int("The version that must be the current one; 0 for a policy that is not there."),
  cas_required: field.bool("Whether changes must say which version they replace."),
  allow_slashes_in_identity_templates: field.bool("Lets template values reach into folders."),
  allow_wildcards_in_identity_templates: field.bool("Lets template values be wildcards."),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

function settingsOf(given: Given): Partial<PolicySettings> & { readonly cas?: number } {
  const { cas, cas_required } = given;
  const slashes = given.allow_slashes_in_identity_templates;
  const wildcards = given.allow_wildcards_in_identity_templates;
  return {
    ...(cas === undefined ? {} : { cas }),
    ...(cas_required === undefined ? {} : { casRequired: cas_required }),
    ...(slashes === undefined ? {} : { allowSlashes: slashes }),
    ...(wildcards === undefined ? {} : { allowWildcards: wildcards }),
  };
}

async function write(services: Services, call: Call, name: string, given: Given): Promise<void> {
  if (immutablePolicyNames.has(name)) throw badRequest(`cannot update "${name}" policy`);
  const text = given.policy ?? given.rules ?? "";
  if (text === "") throw badRequest("'policy' parameter not supplied or empty");
  await services.acls.put(call.transaction, name, plainText(text, signs), settingsOf(given));
}

async function patch(services: Services, call: Call, name: string, given: Given): Promise<void> {
  if (immutablePolicyNames.has(name)) throw badRequest(`cannot update "${name}" policy`);
  const { text } = await read(services, call, name);
  const changed = given.policy ?? given.rules;
  const next = changed === undefined ? text : plainText(changed, signs);
  await services.acls.put(call.transaction, name, next, settingsOf(given));
}

function remove(services: Services, call: Call, name: string): void {
  if (undeletablePolicyNames.has(name)) throw badRequest(`cannot delete "${name}" policy`);
  services.acls.delete(call.transaction, name);
}

/** One declaration for both forms; they differ in what a read and a list answer. */
function forms(services: () => Services, prefix: string, older: boolean): Path[] {
  const list = async (call: Call) => {
    const keys = await names(services(), call);
    const both = { keys, policies: keys };
    return older ? { data: both, topLevel: both } : { data: { keys } };
  };
  const summary = "Lists the ACL policies.";
  return [
    path(`${prefix}/?`, {
      summary,
      operations: {
        list: { summary, handler: list },
        ...(older ? { read: { summary, handler: list } } : {}),
        update: {
          summary: "Writes a policy; a name is needed.",
          handler: () => {
            throw badRequest("the policy needs a name");
          },
        },
      },
    }),
    path(`${prefix}/+name`, {
      summary: "An ACL policy.",
      fields,
      operations: {
        read: {
          summary: "Reads a policy.",
          handler: async (call, input) => {
            const name = normalizePolicyName(String(input.name));
            const { body, text } = await read(services(), call, name);
            if (!older) return { data: { ...body, policy: text } };
            const data = { ...body, rules: text };
            return { data, topLevel: data };
          },
        },
        update: {
          summary: "Writes a policy.",
          handler: (call, input) =>
            write(services(), call, normalizePolicyName(String(input.name)), input),
        },
        patch: {
          summary: "Changes a policy's text or settings.",
          handler: (call, input) =>
            patch(services(), call, normalizePolicyName(String(input.name)), input),
        },
        delete: {
          summary: "Deletes a policy.",
          handler: (call, input) =>
            remove(services(), call, normalizePolicyName(String(input.name))),
        },
      },
    }),
  ];
}

export function policyPaths(services: () => Services): Path[] {
  return [...forms(services, "policies/acl", false), ...forms(services, "policy", true)];
}
