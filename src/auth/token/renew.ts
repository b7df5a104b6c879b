/** More time for a token, within its limits of today. */
import { badRequest, permissionDenied } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { findNamedToken } from "../../core/find_token.ts";
import type { Services } from "../../core/services.ts";
import { renewToken } from "../../core/renew.ts";
import { isBatchText } from "../../token/text.ts";
import { findAccessor } from "./lookup.ts";

const increment = field.duration("Seconds that are asked for.", 0);

export function renewPaths(services: () => Services): Path[] {
  return [
    path("renew-self", {
      summary: "Renews the caller's own token.",
      fields: { token: field.string("Not used."), increment },
      operations: {
        update: {
          summary: "Renews the caller's own token.",
          handler: (call, input) => {
            if (call.token === undefined) throw permissionDenied();
            if (call.token.numUses === 1) throw badRequest("this was the token's last use");
            const text = call.request.clientToken;
            return renewToken(services(), call.transaction, call.token, text, input.increment);
          },
        },
      },
    }),
    path("renew-accessor", {
      summary: "Renews the token with an accessor.",
      fields: { accessor: field.string("The token's accessor.", ""), increment },
      operations: {
        update: {
          summary: "Renews the token with an accessor.",
          handler: async (call, input) => {
            const entry = await findAccessor(services(), call, input.accessor);
            return await renewToken(services(), call.transaction, entry, "", input.increment);
          },
        },
      },
    }),
    path("renew", {
      summary: "Renews a token.",
      fields: { token: field.string("The token to renew.", ""), increment },
      operations: {
        update: {
          summary: "Renews a token.",
          handler: (call, input) => renewNamed(services(), call, input.token, input.increment),
        },
      },
    }),
  ];
}

async function renewNamed(services: Services, call: Call, token: string, seconds: number) {
  if (token === "") throw badRequest("missing token ID");
  if (isBatchText(token)) throw badRequest("batch tokens cannot be renewed");
  const entry = await findNamedToken(services, call.transaction, token);
  if (entry === undefined) throw badRequest("token not found");
  return await renewToken(services, call.transaction, entry, token, seconds);
}
