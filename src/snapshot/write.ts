/**
 * Makes a snapshot file: a gzipped tar of `meta.json`, `state.bin`, `SHA256SUMS` and
 * `SHA256SUMS.sealed`. A file without its last member was cut short; one whose sealed sums do not
 * open belongs to another cluster.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGzip } from "node:zlib";
// @ts-types="./tar_stream.d.ts"
import tar from "tar-stream";
import { type Bytes, utf8 } from "../base/bytes.ts";
import type { Entry } from "../storage/storage.ts";
import { EntryPacker } from "./entry_codec.ts";
import type { SnapshotMeta } from "./meta.ts";
import { SpoolFile } from "./spool.ts";

/** Seals the sums with the cluster's keyring. */
export type SumsSealer = (sums: Bytes) => Bytes;

/** Bytes of entries that are written to the spool file at once. */
const chunkBytes = 256 * 1024;

/**
 * Spools the entries into `folder`, then returns the file as a stream; the spool file goes when the
 * stream ends, whichever way.
 */
export async function writeSnapshot(
  folder: string,
  entries: AsyncIterable<Entry>,
  meta: Omit<SnapshotMeta, "Size">,
  seal: SumsSealer,
): Promise<ReadableStream<Uint8Array>> {
  const spool = await SpoolFile.create(folder);
  try {
    const hash = createHash("sha256");
    let size = 0;
    // One chunk is written while the next is put together in the other's buffer.
    for await (const chunk of chunks(entries)) {
      hash.update(chunk);
      size += chunk.length;
      await spool.flush();
      await spool.append(chunk);
    }
    await spool.end();
    const metaText = utf8(`${JSON.stringify({ ...meta, Size: size })}\n`);
    const metaSum = createHash("sha256").update(metaText).digest("hex");
    const sums = utf8(`${metaSum}  meta.json\n${hash.digest("hex")}  state.bin\n`);
    return packed(spool, size, metaText, sums, seal(sums));
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

/** A chunk may be written over once the one after the next is asked for. */
async function* chunks(entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  const packer = new EntryPacker(chunkBytes);
  let other = new Uint8Array(chunkBytes);
  for await (const entry of entries) {
    if (packer.add(entry)) continue;
    const packed = packer.take(other);
    yield packed;
    other = new Uint8Array(packed.buffer);
    packer.add(entry);
  }
  const last = packer.take(other);
  if (last.length > 0) yield last;
}

function packed(
  spool: SpoolFile,
  size: number,
  meta: Bytes,
  sums: Bytes,
  sealed: Bytes,
): ReadableStream<Uint8Array> {
  const pack = tar.pack();
  // Values are ciphertext: any effort would be lost on them. The form stays gzip for other tools.
  const gzip = createGzip({ level: 0, chunkSize: chunkBytes });
  // Whoever reads `gzip` learns of errors; a reader that goes away is none, and ends all of it.
  pipeline(pack, gzip, () => spool.removeQuietly());
  pack.entry({ name: "meta.json", mode: 0o600 }, Buffer.from(meta));
  const state = pack.entry({ name: "state.bin", size, mode: 0o600 }, (error) => {
    if (error) {
      pack.destroy(error);
      return;
    }
    pack.entry({ name: "SHA256SUMS", mode: 0o600 }, Buffer.from(sums));
    pack.entry({ name: "SHA256SUMS.sealed", mode: 0o600 }, Buffer.from(sealed));
    pack.finalize();
  });
  const content = createReadStream(spool.path, { highWaterMark: chunkBytes });
  pipeline(content, state, (error) => {
    if (error) pack.destroy(error);
  });
  const packed: AsyncIterator<Uint8Array> = gzip[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await packed.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    // Also where nothing was read yet, which an iterator alone would not hear of.
    cancel: () => {
      gzip.destroy();
    },
  });
}
