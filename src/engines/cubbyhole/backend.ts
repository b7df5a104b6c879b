/** Cubbyhole: storage that only its token can see, and that goes with it. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest, notFound, permissionDenied } from "../../base/failure.ts";
import { defineBackend } from "../../backend/backend.ts";
import { path, standbyReads } from "../../backend/path.ts";
import type { Call, LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { isWrapping } from "../../core/wrapping.ts";
import { isJsonObject, parseJson } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";

/** The part of the mount that belongs to the caller's token. */
function own(call: Call) {
  if (call.token === undefined) throw permissionDenied();
  if (call.token.id === "") {
    throw badRequest("cubbyhole operations are not supported by batch tokens");
  }
  return call.storage.within(`${call.token.id}/`);
}

function checkPath(name: string): void {
  if (name === "" || name.endsWith("/")) throw badRequest("missing path");
}

/** How wrapped answers were read before `sys/wrapping/unwrap`; some clients still do. */
function oldUnwrap(kept: string): LogicalResponse {
  const parsed = parseJson(kept);
  const body = isJsonObject(parsed) ? parsed.body : null;
  return {
    data: { response: JSON.stringify(body) },
    warnings: ["Reading cubbyhole/response is outdated; use sys/wrapping/unwrap instead."],
  };
}

export function cubbyholeBackend(services: () => Services): LogicalBackend {
  return defineBackend({
    type: "cubbyhole",
    readsFromSnapshot: () => true,
    help: "Keeps secrets for a single token. They are gone when the token is.",
    paths: standbyReads([
      path("*path", {
        summary: "A secret of the caller's token.",
        params: { path: "Where the secret lies" },
        arbitrary: true,
        exists: async (call, input) => await own(call).get(input.path) !== undefined,
        operations: {
          read: {
            summary: "Reads a secret.",
            handler: async (call, input) => {
              checkPath(input.path);
              const bytes = await own(call).get(input.path);
              const wrapped = call.token !== undefined && isWrapping(call.token);
              if (bytes !== undefined && wrapped && input.path === "response") {
                return oldUnwrap(fromUtf8(bytes));
              }
              const data = bytes === undefined ? undefined : parseJson(fromUtf8(bytes));
              if (!isJsonObject(data)) throw notFound();
              return { data };
            },
          },
          update: {
            summary: "Writes a secret.",
            handler: async (call, input) => {
              checkPath(input.path);
              const data = call.request.data;
              if (Object.keys(data).length === 0) throw badRequest("missing data fields");
              const cubbyhole = own(call);
              if (call.token !== undefined) {
                await services().tokens.burden(call.transaction, call.token.id);
              }
              cubbyhole.put(input.path, utf8(JSON.stringify(data)));
            },
          },
          recover: {
            summary: "Brings a secret back from a loaded snapshot.",
            handler: async (call, input) => {
              checkPath(input.path);
              if (call.recovered === undefined || call.recovered.mount.path !== call.mount.path) {
                throw badRequest("a cubbyhole takes back only what was in it");
              }
              const bytes = await own({ ...call, storage: call.recovered.storage })
                .get(call.recovered.path);
              if (bytes === undefined) throw notFound("the snapshot has no such secret");
              own(call).put(input.path, bytes);
            },
          },
          delete: {
            summary: "Deletes a secret.",
            handler: (call, input) => {
              checkPath(input.path);
              own(call).delete(input.path);
            },
          },
          list: {
            summary: "Lists secrets.",
            handler: async (call, input) => ({ data: { keys: await own(call).list(input.path) } }),
          },
        },
      }),
    ]),
  });
}
