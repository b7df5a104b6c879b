/**
 * `sys/raw`: storage entries as they are, for surgery. Only where the configuration says so
 * (`raw_storage_endpoint`) or in recovery mode.
 */
import { fromBase64, fromUtf8, toBase64, utf8 } from "../base/bytes.ts";
import { badRequest, Failure, notFound } from "../base/failure.ts";
import { gunzipSync } from "node:zlib";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Bytes } from "../base/bytes.ts";
import { isBelowBarrier } from "../barrier/physical.ts";
import type { View } from "../storage/transaction.ts";

/** Of all operations on an entry. */
export const rawFields = {
  value: field.string("The value to write."),
  encoding: field.string('"base64", or nothing for text.', ""),
  compressed: field.bool("Whether values are unpacked on reading.", true),
  compression_type: field.string("Accepted for compatibility.", ""),
};

/** Keys that the barrier can't decrypt, because they are what it is opened with. */
function checkKey(key: string): void {
  if (key === "" || key.endsWith("/")) throw badRequest("a key is needed");
  if (isBelowBarrier(key)) throw new Failure(400, `cannot reach "${key}" through the barrier`);
}

function isGzip(bytes: Bytes): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** A value as text, or in base64 where that was asked for or it is none. */
export function rawValue(bytes: Bytes, encoding: string, unpack: boolean): string {
  const plain = unpack && isGzip(bytes) ? new Uint8Array(gunzipSync(bytes)) : bytes;
  if (encoding === "base64") return toBase64(plain);
  if (encoding !== "") throw badRequest(`invalid encoding "${encoding}"`);
  try {
    return fromUtf8(plain);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw badRequest("the value is no text; ask for it with encoding=base64", error);
  }
}

/** The bytes of a value as it was given. */
export function parseRawValue(text: string, encoding: string): Bytes {
  if (encoding === "") return utf8(text);
  if (encoding !== "base64") throw badRequest(`invalid encoding "${encoding}"`);
  const bytes = fromBase64(text);
  if (bytes === undefined) throw badRequest("the value is not base64");
  return bytes;
}

/** The operations on any view of the storage, for both modes. */
export const raw = {
  async read(storage: View, key: string, encoding: string, unpack: boolean) {
    checkKey(key);
    const bytes = await storage.get(key);
    if (bytes === undefined) throw notFound();
    return { data: { value: rawValue(bytes, encoding, unpack) } };
  },
  write(storage: View, key: string, value: string | undefined, encoding: string): void {
    checkKey(key);
    if (value === undefined) throw badRequest("the value is missing");
    storage.put(key, parseRawValue(value, encoding));
  },
  delete(storage: View, key: string): void {
    checkKey(key);
    storage.delete(key);
  },
  async list(storage: View, folder: string) {
    return { data: { keys: await storage.list(folder) } };
  },
};

/** `enabled` tells whether the configuration allows it; else the path is as if it were not there. */
export function rawPaths(enabled: () => boolean): Path[] {
  const check = () => {
    if (!enabled()) throw notFound();
  };
  return [
    path("raw/*path", {
      summary: "A storage entry, as it is.",
      sudo: true,
      fields: rawFields,
      query: ["encoding", "compressed"],
      operations: {
        read: {
          summary: "Reads an entry.",
          handler: (call, input) => {
            check();
            return raw.read(call.transaction, input.path, input.encoding, input.compressed);
          },
        },
        update: {
          summary: "Writes an entry.",
          handler: (call, input) => {
            check();
            raw.write(call.transaction, input.path, input.value, input.encoding);
          },
        },
        delete: {
          summary: "Deletes an entry.",
          handler: (call, input) => {
            check();
            raw.delete(call.transaction, input.path);
          },
        },
        list: {
          summary: "Lists entries.",
          handler: (call, input) => {
            check();
            return raw.list(call.transaction, input.path);
          },
        },
      },
    }),
  ];
}
