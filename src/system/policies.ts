/** `sys/policies/acl` and its older form `sys/policy`. */
import { badRequest, notFound } from "../base/failure.ts";
import { fromBase64, fromUtf8 } from "../base/bytes.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Services } from "../core/services.ts";
import { immutablePolicyNames, undeletablePolicyNames } from "../policy/builtin.ts";
import { hiddenPolicyNames, normalizePolicyName } from "../policy/builtin.ts";
import type { Call } from "../core/backend.ts";

async function names(services: Services, call: Call): Promise<string[]> {
  const found = await services.acls.names(call.transaction);
  return [...found.filter((name) => !hiddenPolicyNames.has(name)).sort(), "root"];
}

async function text(services: Services, call: Call, name: string): Promise<string> {
  if (name === "root") return "";
  const stored = await services.acls.get(call.transaction, name);
  if (stored === undefined) throw notFound();
  return stored.text;
}

function write(services: Services, call: Call, name: string, given: string | undefined): void {
  if (immutablePolicyNames.has(name)) throw badRequest(`cannot update "${name}" policy`);
  if (given === undefined || given === "") {
    throw badRequest("'policy' parameter not supplied or empty");
  }
  const decoded = fromBase64(given);
  // Policies may come in base64, which is never the text of one.
  const plain = decoded === undefined || /[{"]/.test(given) ? given : fromUtf8(decoded);
  services.acls.put(call.transaction, name, plain);
}

function remove(services: Services, call: Call, name: string): void {
  if (undeletablePolicyNames.has(name)) throw badRequest(`cannot delete "${name}" policy`);
  services.acls.delete(call.transaction, name);
}

/** One declaration for both forms; they differ in what a read and a list answer. */
function forms(services: () => Services, prefix: string, older: boolean): Path[] {
  const shown = (name: string, policy: string) =>
    older ? { name, rules: policy } : { name, policy };
  return [
    path(`${prefix}/?`, {
      summary: "Lists the ACL policies.",
      operations: {
        ...(older
          ? {
            read: {
              summary: "Lists the ACL policies.",
              handler: async (call: Call) => {
                const keys = await names(services(), call);
                return { data: { keys, policies: keys }, topLevel: { keys, policies: keys } };
              },
            },
          }
          : {}),
        list: {
          summary: "Lists the ACL policies.",
          handler: async (call) => {
            const keys = await names(services(), call);
            const both = { keys, policies: keys };
            return older ? { data: both, topLevel: both } : { data: { keys } };
          },
        },
      },
    }),
    path(`${prefix}/+name`, {
      summary: "An ACL policy.",
      fields: {
        policy: field.string("The policy's text, HCL or JSON, plain or in base64."),
        rules: field.string("Former name of policy."),
      },
      operations: {
        read: {
          summary: "Reads a policy.",
          handler: async (call, input) => {
            const name = normalizePolicyName(String(input.name));
            const body = shown(name, await text(services(), call, name));
            return older ? { data: body, topLevel: body } : { data: body };
          },
        },
        update: {
          summary: "Writes a policy.",
          handler: (call, input) =>
            write(
              services(),
              call,
              normalizePolicyName(String(input.name)),
              input.policy ?? input.rules,
            ),
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
