/** `sys/wrapping/*`. */
import { badRequest, Failure } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Call } from "../core/backend.ts";
import type { Services } from "../core/services.ts";
import { isWrapping } from "../core/wrapping.ts";
import { rfc3339 } from "../logical/envelope.ts";
import { isJsonObject, type JsonObject } from "../logical/json.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { TokenEntry } from "../token/entry.ts";

const token = field.string("The wrapping token; the caller's own where it is missing.", "");

async function named(services: Services, call: Call, text: string): Promise<TokenEntry> {
  const given = text === "" ? call.request.clientToken : text;
  return await services.wrapping.find(call.transaction, given);
}

/** The kept answer, as it would have been sent, with the id of this request. */
function unwrapped(call: Call, body: JsonObject): LogicalResponse {
  const text = JSON.stringify({ ...body, request_id: call.request.id });
  return { raw: { status: 200, contentType: "application/json", body: text } };
}

async function unwrap(services: Services, call: Call, text: string): Promise<LogicalResponse> {
  const entry = await named(services, call, text);
  const { body } = await services.wrapping.read(call.transaction, entry);
  await services.revoker.revokeTree(call.transaction, entry);
  return unwrapped(call, body);
}

async function lookup(services: Services, call: Call, text: string): Promise<LogicalResponse> {
  if (text === "" && call.request.clientToken === "") throw new Failure(403, "permission denied");
  const entry = await named(services, call, text);
  const kept = await services.wrapping.read(call.transaction, entry);
  return {
    data: {
      creation_path: kept.creationPath,
      creation_time: rfc3339(kept.creationTime),
      creation_ttl: kept.ttlSeconds,
    },
  };
}

export function wrappingPaths(services: () => Services): Path[] {
  return [
    path("wrapping/wrap", {
      summary: "Wraps what is sent.",
      arbitrary: true,
      operations: {
        update: {
          summary: "Wraps what is sent.",
          handler: (call) => {
            if (call.request.wrap === undefined) {
              throw badRequest("endpoint requires response wrapping to be used");
            }
            return { data: { ...call.request.data } };
          },
        },
      },
    }),
    path("wrapping/unwrap", {
      summary: "Gives what waits behind a wrapping token, once.",
      fields: { token },
      operations: {
        read: {
          summary: "Unwraps the caller's own token.",
          undocumented: true,
          handler: (call) => unwrap(services(), call, ""),
        },
        update: {
          summary: "Unwraps a token.",
          handler: (call, input) => unwrap(services(), call, input.token),
        },
      },
    }),
    path("wrapping/lookup", {
      summary: "Tells where and when a wrapping token was made.",
      unauthenticated: true,
      fields: { token },
      operations: {
        read: {
          summary: "Tells of the caller's own token.",
          handler: (call) => lookup(services(), call, ""),
        },
        update: {
          summary: "Tells of a wrapping token.",
          handler: (call, input) => lookup(services(), call, input.token),
        },
      },
    }),
    path("wrapping/rewrap", {
      summary: "Puts what waits behind a token behind a new one.",
      fields: { token },
      operations: {
        update: {
          summary: "Rewraps a token.",
          handler: async (call, input) => {
            if (input.token === "" && !(call.token !== undefined && isWrapping(call.token))) {
              throw badRequest("missing wrapping token");
            }
            const entry = await named(services(), call, input.token);
            const kept = await services().wrapping.read(call.transaction, entry);
            await services().revoker.revokeTree(call.transaction, entry);
            const { ttlSeconds, creationPath, body } = kept;
            const auth = isJsonObject(body.auth) ? body.auth : undefined;
            return await services().wrapping.wrapBody(call.transaction, body, {
              ttlSeconds,
              creationPath,
              format: "",
              ...(typeof auth?.accessor === "string" ? { wrappedAccessor: auth.accessor } : {}),
            });
          },
        },
      },
    }),
  ];
}
