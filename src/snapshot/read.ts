/** Reads a snapshot file. Everything is checked before anything of it is used. */
import { createHash, timingSafeEqual } from "node:crypto";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { createGunzip } from "node:zlib";
// @ts-types="./tar_stream.d.ts"
import tar from "tar-stream";
import { type Bytes, concat, fromUtf8, utf8 } from "../base/bytes.ts";
import { badRequest, describeError, Failure } from "../base/failure.ts";
import { isJsonObject, type JsonObject, parseJson } from "../logical/json.ts";
import { isBelowBarrier } from "../barrier/physical.ts";
import { decodeEntries, MalformedStateError, type PlacedEntry } from "./entry_codec.ts";
import { SpoolFile } from "./spool.ts";

/** Members but `state.bin` are small. */
const maxMemberBytes = 4 * 1024 * 1024;

/** Bytes that are read and unpacked at once. */
const chunkBytes = 256 * 1024;

/** A snapshot that has been checked. Must be disposed of. */
export interface ReadSnapshot {
  readonly meta: JsonObject;
  /** The checksums as they were sealed by the cluster that made it. */
  readonly sealedSums: Bytes;
  readonly sums: Bytes;
  readonly entryCount: number;
  /** Bytes of the file as it came. */
  readonly fileBytes: number;
  /** What lies below the barrier: the keyring, and how it is sealed. */
  readonly belowBarrier: ReadonlyMap<string, Bytes>;
  /** A value is good until the next entry is asked for: see `decodeEntries`. */
  entries(): AsyncIterable<PlacedEntry>;
  /** The file that the entries are read from; it goes when this is disposed of. */
  readonly statePath: string;
  dispose(): Promise<void>;
}

/**
 * Spools a file into `folder` and checks it: complete, as it was written, every entry whole. Throws
 * a 400 that says what is wrong.
 */
export async function readSnapshot(
  folder: string,
  stream: AsyncIterable<Uint8Array>,
): Promise<ReadSnapshot> {
  const spool = await SpoolFile.create(folder);
  try {
    const members = await unpack(stream, spool);
    await spool.end();
    const { belowBarrier, entryCount, stateSum } = await survey(members, spool);
    const { meta, sums, sealedSums } = checkSums(members, stateSum);
    const entries = () => spooled(spool.path);
    const dispose = () => spool.remove();
    return {
      meta,
      sums,
      sealedSums,
      entryCount,
      fileBytes: members.fileBytes,
      belowBarrier,
      entries,
      statePath: spool.path,
      dispose,
    };
  } catch (error) {
    await spool.remove();
    if (error instanceof Failure) throw error;
    if (error instanceof MalformedStateError) throw badRequest(`snapshot: ${error.message}`, error);
    throw badRequest(`this is no snapshot, or it is damaged: ${describeError(error)}`, error);
  }
}

interface Members {
  readonly small: ReadonlyMap<string, Bytes>;
  /** Whether `state.bin` was among them. */
  readonly hasState: boolean;
  readonly fileBytes: number;
}

/** Reads the spooled state once: what is proved is what the disk gives back, not what it was given. */
async function survey(members: Members, spool: SpoolFile) {
  const hash = createHash("sha256");
  const belowBarrier = new Map<string, Bytes>();
  let entryCount = 0;
  try {
    for await (const { key, value } of spooled(spool.path, (bytes) => hash.update(bytes))) {
      entryCount++;
      if (isBelowBarrier(key)) belowBarrier.set(key, value.slice());
    }
  } catch (error) {
    // Where the state is not what was written, that is what is wrong.
    if (error instanceof MalformedStateError) checkSums(members, await sumOf(spool));
    throw error;
  }
  return { belowBarrier, entryCount, stateSum: hash.digest("hex") };
}

async function* spooled(
  path: string,
  look: (bytes: Uint8Array) => void = () => {},
): AsyncGenerator<PlacedEntry> {
  using file = await Deno.open(path);
  yield* decodeEntries(async (buffer) => {
    const count = await file.read(buffer);
    if (count !== null) look(buffer.subarray(0, count));
    return count;
  });
}

async function sumOf(spool: SpoolFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of spool.chunks()) hash.update(chunk);
  return hash.digest("hex");
}

async function unpack(stream: AsyncIterable<Uint8Array>, spool: SpoolFile): Promise<Members> {
  const extract = tar.extract();
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  let fileBytes = 0;
  const counted = async function* () {
    for await (const chunk of stream) {
      fileBytes += chunk.length;
      yield chunk;
    }
  };
  const source = Readable.from(counted());
  source.on("error", (error) => gunzip.destroy(error));
  gunzip.on("error", (error) => extract.destroy(error));
  const whole = finished(gunzip);
  whole.catch(() => {});
  source.pipe(gunzip).pipe(extract);
  const small = new Map<string, Bytes>();
  let hasState = false;
  for await (const member of extract) {
    const { name } = member.header;
    if (name === "state.bin") {
      if (hasState) throw badRequest("snapshot: damaged: it has two of state.bin");
      hasState = true;
      for await (const chunk of member) await spool.append(chunk);
    } else small.set(name, await smallMember(name, member));
  }
  // The archive may end before the checksum over all of it has come.
  await whole;
  return { small, hasState, fileBytes };
}

async function smallMember(name: string, member: AsyncIterable<Uint8Array>): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of member) {
    length += chunk.length;
    if (length > maxMemberBytes) throw badRequest(`snapshot: its member ${name} is too large`);
    parts.push(chunk);
  }
  return concat(...parts);
}

function checkSums({ small, hasState }: Members, stateSum: string) {
  const member = (name: string): Bytes => {
    const found = small.get(name);
    if (found === undefined) throw badRequest(`snapshot: cut short: it has no ${name}`);
    return found;
  };
  if (!hasState) throw badRequest("snapshot: cut short: it has no state.bin");
  const metaBytes = member("meta.json");
  const sums = member("SHA256SUMS");
  const sealedSums = member("SHA256SUMS.sealed");
  const metaSum = createHash("sha256").update(metaBytes).digest("hex");
  // Other programs write the lines in either order.
  const lines = [`${metaSum}  meta.json\n`, `${stateSum}  state.bin\n`];
  const orders = [lines, lines.toReversed()].map((order) => utf8(order.join("")));
  if (!orders.some((order) => order.length === sums.length && timingSafeEqual(order, sums))) {
    throw badRequest("snapshot: damaged: its checksums do not match");
  }
  const meta = parseJson(fromUtf8(metaBytes));
  if (!isJsonObject(meta)) throw badRequest("snapshot: its meta.json is no object");
  return { meta, sums, sealedSums };
}
