/** `roles/`. */
import { badRequest, notFound } from "../../base/failure.ts";
import { pageFields } from "../../backend/page.ts";
import { patchFields } from "../../backend/field.ts";
import { type Path, path, standbyReads } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { findIssuer } from "./issuer_store.ts";
import {
  deleteRole,
  listRoles,
  makeRole,
  putRole,
  readRole,
  type Role,
  roleBody,
  roleFields,
} from "./role.ts";

async function saved(call: Call, name: string, asked: Role): Promise<LogicalResponse> {
  const role = settled(asked);
  putRole(call.storage, name, role);
  const warnings: string[] = [];
  if (role.generate_lease) {
    warnings.push("a lease for each certificate costs more than tidy, which does without them");
  } else if (asked.generate_lease) {
    warnings.push("generate_lease was turned off: certificates that are not kept can't be revoked");
  }
  if (await findIssuer(call, role.issuer_ref) === undefined && role.issuer_ref !== "default") {
    warnings.push(`the issuer ${role.issuer_ref} is not there (yet)`);
  }
  return { data: roleBody(role), ...(warnings.length === 0 ? {} : { warnings }) };
}

/** A lease would promise a revocation that can't be. */
function settled(role: Role): Role {
  return role.no_store && role.generate_lease ? { ...role, generate_lease: false } : role;
}

/** The role as it was, with what is given changed. */
function patched(call: Call, before: Role): Role {
  const known = { ...before, policy_identifiers: [...before.policy_identifiers] };
  return makeRole(patchFields(roleFields, known, call.request.data));
}

export function rolePaths(): Path[] {
  return standbyReads([
    path("roles/?", {
      summary: "The roles.",
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: {
          summary: "Lists the roles.",
          handler: async (call, page) => ({
            data: { keys: await listRoles(call.storage, page) },
          }),
        },
      },
    }),
    path("roles/:name", {
      summary: "A role: what may stand in certificates that are issued by it.",
      params: { name: "The role" },
      fields: roleFields,
      exists: async (call, { name }) => await readRole(call, name) !== undefined,
      operations: {
        read: {
          summary: "Reads a role.",
          handler: async (call, { name }) => {
            const role = await readRole(call, name);
            if (role === undefined) throw notFound();
            return { data: roleBody(role) };
          },
        },
        update: {
          summary: "Makes a role anew: what is not given gets its default.",
          handler: (call, input) => saved(call, input.name, makeRole(input)),
        },
        patch: {
          summary: "Changes what is given.",
          handler: async (call, { name }) => {
            const before = await readRole(call, name);
            if (before === undefined) throw badRequest(`unable to find the role: ${name}`);
            return await saved(call, name, patched(call, before));
          },
        },
        delete: {
          summary: "Deletes a role. What it issued stays.",
          handler: (call, { name }) => deleteRole(call.storage, name),
        },
      },
    }),
  ]);
}
