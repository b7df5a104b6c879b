/** KV version 1: a value is what was written last. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import { defineBackend } from "../../backend/backend.ts";
import { path } from "../../backend/path.ts";
import { parseDuration } from "../../config/units.ts";
import type { Call, LogicalBackend } from "../../core/backend.ts";
import { v1Prefix } from "./record.ts";
import { recoveredValue } from "./recover.ts";
import { isJsonObject, isRawNumber, type JsonObject, parseJson } from "../../logical/json.ts";

/** Paths that one scan answers at the most. */
export const scanLimit = 100_000;

/** The seconds that a value's own `ttl` or `lease` names; the mount's default where it is odd. */
function hintedTtl(data: JsonObject, fallback: number): number {
  const hint = "ttl" in data ? data.ttl : "lease" in data ? data.lease : fallback;
  if (hint === null) return 0;
  if (typeof hint === "number") return hint;
  if (isRawNumber(hint)) return Number(hint.rawJSON);
  if (typeof hint !== "string") return fallback;
  return parseDuration(hint) ?? fallback;
}

/** All paths below a folder, relative to it. */
async function scanAll(call: Call, folder: string): Promise<string[]> {
  const found = await call.storage.scan(v1Prefix + folder, { limit: scanLimit });
  return found.map(({ key }) => key.slice(v1Prefix.length + folder.length));
}

function checkPath(name: string): void {
  if (name === "") throw badRequest("missing path");
  if (name.endsWith("/")) throw badRequest("cannot write to a path ending in '/'");
}

/** `now` tells milliseconds since the epoch. */
export const v1Backend = (now: () => number): LogicalBackend =>
  defineBackend({
    type: "kv",
    help: "Keeps secrets at paths of your choice; the last value written is the one there is.",
    paths: [
      path("*path", {
        summary: "A secret.",
        params: { path: "Where the secret lies" },
        arbitrary: true,
        exists: async (call, input) => await call.storage.get(v1Prefix + input.path) !== undefined,
        operations: {
          read: {
            summary: "Reads a secret.",
            handler: async (call, input) => {
              const bytes = await call.storage.get(v1Prefix + input.path);
              const data = bytes === undefined ? undefined : parseJson(fromUtf8(bytes));
              if (!isJsonObject(data)) throw notFound();
              const durationSeconds = hintedTtl(data, call.mount.defaultLeaseTtl);
              return { data, lease: { id: "", durationSeconds, renewable: false } };
            },
          },
          update: {
            summary: "Writes a secret, in place of what was there.",
            handler: (call, input) => {
              checkPath(input.path);
              const data = call.request.data;
              if (Object.keys(data).length === 0) throw badRequest("missing data fields");
              call.storage.put(v1Prefix + input.path, utf8(JSON.stringify(data)));
            },
          },
          recover: {
            summary: "Brings a secret back from a loaded snapshot, in place of what is there.",
            handler: async (call, input) => {
              checkPath(input.path);
              const data = await recoveredValue(call, now());
              call.storage.put(v1Prefix + input.path, utf8(JSON.stringify(data)));
            },
          },
          delete: {
            summary: "Deletes a secret.",
            handler: (call, input) => {
              if (!input.path.endsWith("/") && input.path !== "") {
                call.storage.delete(v1Prefix + input.path);
              }
            },
          },
          scan: {
            summary: "Lists secrets at all depths.",
            handler: async (call, input) => ({ data: { keys: await scanAll(call, input.path) } }),
          },
          list: {
            summary: "Lists secrets and folders.",
            handler: async (call, input) => ({
              data: { keys: await call.storage.list(v1Prefix + input.path) },
            }),
          },
        },
      }),
    ],
  });
