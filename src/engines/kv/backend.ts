/** KV version 1: a value is what was written last. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import { defineBackend } from "../../backend/backend.ts";
import { path } from "../../backend/path.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import { isJsonObject, parseJson } from "../../logical/json.ts";

export function kvBackend(): LogicalBackend {
  return defineBackend({
    type: "kv",
    help: "Keeps secrets at paths of your choice.",
    paths: [
      path("*path", {
        summary: "A secret.",
        arbitrary: true,
        exists: async (call, input) => await call.storage.get(input.path) !== undefined,
        operations: {
          read: {
            summary: "Reads a secret.",
            handler: async (call, input) => {
              const bytes = await call.storage.get(input.path);
              const data = bytes === undefined ? undefined : parseJson(fromUtf8(bytes));
              if (!isJsonObject(data)) throw notFound();
              return { data };
            },
          },
          update: {
            summary: "Writes a secret.",
            handler: (call, input) => {
              if (input.path === "") throw badRequest("missing path");
              call.storage.put(input.path, utf8(JSON.stringify(call.request.data)));
            },
          },
          delete: {
            summary: "Deletes a secret.",
            handler: (call, input) => call.storage.delete(input.path),
          },
          list: {
            summary: "Lists secrets.",
            handler: async (call, input) => ({
              data: { keys: await call.storage.list(input.path) },
            }),
          },
        },
      }),
    ],
  });
}
