/**
 * `sys/policies/explain`: why a token may or may not do something. Tells more than a refusal ever
 * does, so it takes a policy of its own to ask; about one's own token too.
 */
import { badRequest, permissionDenied } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Call } from "../core/backend.ts";
import { findByAccessor, findNamedToken } from "../core/find_token.ts";
import type { Services } from "../core/services.ts";
import type { Operation } from "../logical/request.ts";
import type { TokenEntry } from "../token/entry.ts";
import { explain, type Explanation } from "../policy/explain.ts";

const operations: readonly Operation[] = [
  "create",
  "read",
  "update",
  "patch",
  "delete",
  "list",
  "scan",
  "recover",
];

function isOperation(text: string): text is Operation {
  return operations.some((operation) => operation === text);
}

async function subject(
  services: Services,
  call: Call,
  token: string,
  accessor: string,
): Promise<TokenEntry> {
  const found = token !== ""
    ? await findNamedToken(services, call.transaction, token)
    : accessor !== ""
    ? await findByAccessor(services, call.transaction, accessor)
    : call.token;
  if (found === undefined) throw badRequest("there is no such token");
  return found;
}

function body({ decision, summary, considered, missing, stanza, hints }: Explanation) {
  return {
    allowed: decision.allowed && missing.length === 0,
    summary,
    missing: [...missing],
    stanza,
    hints: [...hints],
    considered: considered.map((rule) => ({
      path: rule.path,
      capabilities: [...rule.capabilities],
      policies: rule.sources.map(({ policy, line }) => ({ policy, line })),
      decides: rule.decides,
      grants: rule.grants,
    })),
    ...(decision.problem === undefined ? {} : { problem: decision.problem }),
  };
}

export function explainPaths(services: () => Services): Path[] {
  return [
    path("policies/explain", {
      summary: "Why a token may or may not do something.",
      fields: {
        token: field.string("The token; the caller's own where none is named.", ""),
        accessor: field.string("Its accessor instead.", ""),
        path: field.string("The path, without /v1/.", ""),
        operation: field.lowercase("create, read, update, patch, delete, list…", "read"),
        wrap_ttl: field.duration("Seconds of wrapping that the request would ask for.", 0),
      },
      operations: {
        update: {
          summary: "Explains a decision.",
          handler: async (call, input) => {
            if (call.token === undefined) throw permissionDenied();
            if (input.path === "") throw badRequest("path is missing");
            const { operation } = input;
            if (!isOperation(operation)) {
              throw badRequest(`operation must be one of ${operations.join(", ")}`);
            }
            const entry = await subject(services(), call, input.token, input.accessor);
            const acl = await services().acls.forToken(call.transaction, entry);
            const asked = input.path.replace(/^\/?(v1\/)?/, "");
            const route = services().mounts.router.find(asked);
            const needsSudo = route !== undefined && route.mounted.isRoot(route.path);
            const request = { path: asked, operation, wrapTtlSeconds: input.wrap_ttl };
            return {
              data: {
                path: asked,
                operation,
                policies: [...entry.policies],
                ...body(explain(acl, request, needsSudo)),
              },
            };
          },
        },
      },
    }),
  ];
}
