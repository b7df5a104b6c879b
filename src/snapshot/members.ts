/** The members of a snapshot file, unpacked as they come. */
import { createHash, timingSafeEqual } from "node:crypto";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { createGunzip } from "node:zlib";
// @ts-types="./tar_stream.d.ts"
import tar from "tar-stream";
import { type Bytes, concat, fromUtf8, utf8 } from "../base/bytes.ts";
import { badRequest, describeError, Failure } from "../base/failure.ts";
import { isJsonObject, type JsonObject, parseJson } from "../logical/json.ts";
import { MalformedStateError } from "./entry_codec.ts";

/** Brings what comes next of the state, which stays as it is until the next call; undefined at the end. */
export type PullState = () => Promise<Uint8Array | undefined>;

/** Members but `state.bin` are small. */
export const MAX_MEMBER_BYTES = 4 * 1024 * 1024;

/** Bytes that are unpacked at once. */
const chunkBytes = 256 * 1024;

export interface Members {
  readonly small: ReadonlyMap<string, Bytes>;
  /** Whether `state.bin` was among them. */
  readonly hasState: boolean;
  readonly fileBytes: number;
}

/** Unpacks a file, of which `takeState` reads the state to its end. */
export async function unpack(
  stream: AsyncIterable<Uint8Array>,
  takeState: (member: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Members> {
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
      await takeState(member);
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
    if (length > MAX_MEMBER_BYTES) throw badRequest(`snapshot: its member ${name} is too large`);
    parts.push(chunk);
  }
  return concat(...parts);
}

/** What a file says of itself, once its checksums are proved. */
export interface Checked {
  readonly meta: JsonObject;
  /** The checksums as they were sealed by the cluster that made it. */
  readonly sealedSums: Bytes;
  readonly sums: Bytes;
}

/** Throws a 400 where a member is missing, or what came has other checksums than the file says. */
export function checkSums({ small, hasState }: Members, stateSum: string): Checked {
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

/** A 400 that says what is wrong with a file. */
export function refusal(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof MalformedStateError) return badRequest(`snapshot: ${error.message}`, error);
  return badRequest(`this is no snapshot, or it is damaged: ${describeError(error)}`, error);
}
