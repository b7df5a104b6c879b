/** `sys/capabilities*`: what a token may do on some paths. */
import { badRequest, permissionDenied } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Call } from "../core/backend.ts";
import { findByAccessor, findNamedToken } from "../core/find_token.ts";
import type { Services } from "../core/services.ts";
import type { JsonObject } from "../logical/json.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { TokenEntry } from "../token/entry.ts";

const paths = {
  paths: field.list("Paths to tell of."),
  path: field.list("Former name of paths."),
};

async function answer(
  services: Services,
  call: Call,
  entry: TokenEntry,
  asked: readonly string[] | undefined,
): Promise<LogicalResponse> {
  if (asked === undefined || asked.length === 0 || asked.includes("")) {
    throw badRequest("paths must be supplied");
  }
  const acl = await services.acls.forToken(call.transaction, entry);
  const data: JsonObject = {};
  for (const one of asked) data[one] = acl.capabilities(one.replace(/^\//, ""));
  const [only] = asked;
  if (asked.length === 1 && only !== undefined) data.capabilities = data[only];
  return { data, topLevel: data };
}

export function capabilityPaths(services: () => Services): Path[] {
  return [
    path("capabilities-self", {
      summary: "What the caller's own token may do.",
      fields: { ...paths, token: field.string("Not used.") },
      operations: {
        update: {
          summary: "Tells what the caller's own token may do.",
          standby: true,
          handler: (call, input) => {
            if (call.token === undefined) throw permissionDenied();
            return answer(services(), call, call.token, input.paths ?? input.path);
          },
        },
      },
    }),
    path("capabilities-accessor", {
      summary: "What the token with an accessor may do.",
      fields: { ...paths, accessor: field.string("The token's accessor.", "") },
      operations: {
        update: {
          summary: "Tells what the token with an accessor may do.",
          standby: true,
          handler: async (call, input) => {
            const entry = await findByAccessor(services(), call.transaction, input.accessor);
            if (entry === undefined) throw badRequest("invalid accessor");
            return await answer(services(), call, entry, input.paths ?? input.path);
          },
        },
      },
    }),
    path("capabilities", {
      summary: "What a token may do.",
      fields: { ...paths, token: field.string("The token.", "") },
      operations: {
        update: {
          summary: "Tells what a token may do.",
          standby: true,
          handler: async (call, input) => {
            const entry = await findNamedToken(services(), call.transaction, input.token);
            if (entry === undefined) throw badRequest("invalid token");
            return await answer(services(), call, entry, input.paths ?? input.path);
          },
        },
      },
    }),
  ];
}
