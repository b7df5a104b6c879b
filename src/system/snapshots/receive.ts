/** Takes the snapshot file that a request carries, and checks it. */
import { badRequest, describeError, Failure } from "../../base/failure.ts";
import { KEYRING_KEY, SEAL_CONFIG_KEY } from "../../barrier/physical.ts";
import type { ContentReplacement, IntegratedStorage } from "../../core/integrated_storage.ts";
import type { Node } from "../../core/node.ts";
import { checkOwn } from "../../snapshot/meta.ts";
import type { CheckedSnapshot, ReadSnapshot } from "../../snapshot/read.ts";
import type { SpoolFile } from "../../snapshot/spool.ts";
import type { Entry } from "../../storage/storage.ts";

/** Only integrated storage can be read at one moment and replaced in one go. */
export function integrated(node: Node): IntegratedStorage {
  if (node.integrated === undefined) throw badRequest("raft storage is not in use");
  return node.integrated;
}

/** Spools the file that a request carries and checks it. Throws a 400; must be disposed of. */
export async function receivedSnapshot(
  { spoolFolder }: IntegratedStorage,
  body: ReadableStream<Uint8Array> | undefined,
): Promise<ReadSnapshot> {
  const { readSnapshot } = await import("../../snapshot/read.ts");
  const spool = await spooled(spoolFolder, body, () => {});
  let read: ReadSnapshot | undefined;
  try {
    read = await readSnapshot(spoolFolder, spool.chunks());
    checkWhole(read);
    return read;
  } catch (error) {
    await read?.dispose();
    throw error;
  } finally {
    await spool.remove();
  }
}

/**
 * Lays what is in the file down as a replacement, and checks it meanwhile. Throws a 400, and what
 * `goOn` throws where the request is of no use any more.
 */
export async function stagedSnapshot(
  { spoolFolder }: IntegratedStorage,
  replacement: ContentReplacement,
  body: ReadableStream<Uint8Array> | undefined,
  goOn: () => void,
): Promise<CheckedSnapshot> {
  const { takeSnapshot } = await import("../../snapshot/take.ts");
  const spool = await spooled(spoolFolder, body, goOn);
  try {
    const take = (entries: AsyncIterable<Entry>) => replacement.stage(entries, goOn);
    return await takeSnapshot(spool, take, checkWhole);
  } finally {
    await spool.remove();
  }
}

/** Brings the body to the disk as it comes (see `SpoolFile.take`); a slow client holds nothing up then. */
async function spooled(
  folder: string,
  body: ReadableStream<Uint8Array> | undefined,
  goOn: () => void,
): Promise<SpoolFile> {
  if (body === undefined) throw badRequest("the body must be a snapshot file");
  const { SpoolFile } = await import("../../snapshot/spool.ts");
  try {
    const ownsBuffers = isByteStream(body);
    return await SpoolFile.take(folder, whileWanted(body, goOn), { ownsBuffers });
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw badRequest(`the snapshot did not come whole: ${describeError(cause)}`, cause);
  }
}

/** Whether it hands over each chunk with the whole buffer in which that lies, as byte streams do. */
function isByteStream(body: ReadableStream<Uint8Array>): boolean {
  try {
    body.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

async function* whileWanted<T>(items: AsyncIterable<T>, goOn: () => void): AsyncGenerator<T> {
  for await (const item of items) {
    goOn();
    yield item;
  }
}

/** Throws a 400 where a snapshot is of another program, or lacks what it would be unsealed with. */
function checkWhole({ meta, belowBarrier }: CheckedSnapshot): void {
  checkOwn(meta);
  for (const key of [KEYRING_KEY, SEAL_CONFIG_KEY]) {
    if (!belowBarrier.has(key)) {
      throw badRequest(`the snapshot could not be unsealed: it has no ${key}`);
    }
  }
}
