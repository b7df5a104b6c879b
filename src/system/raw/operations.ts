/** The operations of `sys/raw` on any view of the storage, for a node that serves and for recovery. */
import { gunzipSync } from "node:zlib";
import { type Bytes, fromBase64, fromUtf8, toBase64, utf8 } from "../../base/bytes.ts";
import { badRequest, Failure, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { isBelowBarrier } from "../../barrier/physical.ts";
import type { Node } from "../../core/node.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import type { View } from "../../storage/transaction.ts";
import { inspectEntry } from "../entries/inspect.ts";
import { knownTypes } from "../entries/kinds.ts";
import { plainEntries, survey } from "../entries/survey.ts";
import { type Change, changeEntry, changes, forgetChanges, undoChange } from "./undo.ts";

/** Of all operations on an entry. */
export const rawFields = {
  value: field.string("The value to write."),
  encoding: field.string('"base64", or nothing for text.', ""),
  compressed: field.bool("Whether values are unpacked on reading.", true),
  compression_type: field.string("Accepted for compatibility.", ""),
  decoded: field.bool("Tells what the entry is, and shows what is in it.", false),
  force: field.bool("Writes what a node could not read; takes back what has changed since.", false),
};

export interface ReadOptions {
  readonly encoding: string;
  readonly compressed: boolean;
  readonly decoded: boolean;
}

export interface WriteOptions {
  readonly value: string | undefined;
  readonly encoding: string;
  readonly force: boolean;
}

/** Keys that the barrier can't decrypt, because they are what it is opened with. */
function checkKey(key: string): void {
  if (key === "" || key.endsWith("/")) throw badRequest("a key is needed");
  if (isBelowBarrier(key)) throw new Failure(400, `cannot reach "${key}" through the barrier`);
}

function isGzip(bytes: Bytes): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function unpacked(bytes: Bytes, unpack: boolean): Bytes {
  return unpack && isGzip(bytes) ? new Uint8Array(gunzipSync(bytes)) : bytes;
}

/** A value as text, or in base64 where that was asked for. Throws a 400 where it is no text. */
function rawValue(plain: Bytes, encoding: string): string {
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
function parseRawValue(text: string, encoding: string): Bytes {
  if (encoding === "") return utf8(text);
  if (encoding !== "base64") throw badRequest(`invalid encoding "${encoding}"`);
  const bytes = fromBase64(text);
  if (bytes === undefined) throw badRequest("the value is not base64");
  return bytes;
}

function changeBody({ key, operation, at, existed, bytes }: Change): JsonObject {
  return { key, operation, time: rfc3339(at), existed, bytes };
}

/** `node` tells what can be mounted; its services need not be open. */
export class RawOperations {
  constructor(readonly node: () => Node) {}

  get #known() {
    const { backendTypes, auditDeviceTypes } = this.node();
    return knownTypes(backendTypes, auditDeviceTypes);
  }

  async read(storage: View, key: string, options: ReadOptions): Promise<LogicalResponse> {
    checkKey(key);
    const bytes = await storage.get(key);
    if (bytes === undefined) throw notFound();
    const plain = unpacked(bytes, options.compressed);
    if (!options.decoded) return { data: { value: rawValue(plain, options.encoding) } };
    const { type, decoded, problem } = await inspectEntry(storage, key, plain, this.#known);
    return { data: { type, decoded, problem, bytes: plain.length } };
  }

  /** Refuses what a node could not read, unless it is forced. */
  async write(
    storage: View,
    key: string,
    { value, encoding, force }: WriteOptions,
  ): Promise<void> {
    checkKey(key);
    if (value === undefined) throw badRequest("the value is missing");
    const bytes = parseRawValue(value, encoding);
    const plain = isGzip(bytes) ? unpackedOrAsItIs(bytes) : bytes;
    const { type, problem } = await inspectEntry(storage, key, plain, this.#known);
    if (problem !== "" && !force) {
      throw badRequest(
        `a node could not read this ${type}: ${problem}; with force=true it is written all the same`,
      );
    }
    await changeEntry(storage, key, bytes, this.node().platform);
  }

  async delete(storage: View, key: string): Promise<void> {
    checkKey(key);
    await changeEntry(storage, key, null, this.node().platform);
  }

  async list(storage: View, folder: string): Promise<LogicalResponse> {
    return { data: { keys: await storage.list(folder) } };
  }

  async changes(storage: View): Promise<LogicalResponse> {
    return { data: { changes: (await changes(storage)).map(changeBody) } };
  }

  async forget(storage: View): Promise<LogicalResponse> {
    return { data: { forgotten: await forgetChanges(storage) } };
  }

  async undo(storage: View, force: boolean): Promise<LogicalResponse> {
    return { data: changeBody(await undoChange(storage, force, this.node().platform)) };
  }

  /** Looks at every entry there is. */
  async check(storage: View): Promise<LogicalResponse> {
    const { physical, barrier } = this.node();
    const all = plainEntries(physical, (key, frame) => barrier.decryptRaw(key, frame));
    const { entries, damaged, damages } = await survey(all, storage, this.#known);
    return {
      data: {
        entries,
        damaged,
        damages: damages.map(({ key, type, problem, isNeeded }) => ({
          key,
          type,
          problem,
          keeps_from_starting: isNeeded,
        })),
      },
    };
  }
}

/** Bytes that only begin as gzip does are what they are. */
function unpackedOrAsItIs(bytes: Bytes): Bytes {
  try {
    return unpacked(bytes, true);
  } catch (error) {
    if (error instanceof Error) return bytes;
    throw error;
  }
}
