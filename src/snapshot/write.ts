/**
 * Makes a snapshot file: a gzipped tar of `meta.json`, `state.bin`, `SHA256SUMS` and
 * `SHA256SUMS.sealed`. A file without its last member was cut short; one whose sealed sums do not
 * open belongs to another cluster.
 *
 * It is written as a whole before any of it is sent: who takes it may be slow, and the storage must
 * not wait for that. Sending is the runtime's then, and takes no time of the event loop.
 */
import { createHash } from "node:crypto";
import { type Bytes, concat, utf8 } from "../base/bytes.ts";
import { tarEnd, tarHeader, tarPadding } from "../base/tar.ts";
import type { Entry } from "../storage/storage.ts";
import { EntryPacker } from "./entry_codec.ts";
import type { SnapshotMeta } from "./meta.ts";
import { type SizedStream, SpoolFile } from "./spool.ts";
import { Crc, gzipHeader, storedBlocks, storedBytes } from "./stored_gzip.ts";

/** Seals the sums with the cluster's keyring. */
export type SumsSealer = (sums: Bytes) => Bytes;

/** Bytes of entries that are written at once. */
const chunkBytes = 256 * 1024;

/**
 * Writes the file in `folder`, then returns it as a stream; it has no name any more by then, and is
 * gone when the stream ends, whichever way. An entry's value is not kept beyond the next entry.
 */
export async function writeSnapshot(
  folder: string,
  entries: AsyncIterable<Entry>,
  meta: Omit<SnapshotMeta, "Size">,
  seal: SumsSealer,
): Promise<SizedStream> {
  const spool = await SpoolFile.create(folder);
  try {
    const room = front(meta, 0).bytes.length;
    await spool.append(new Uint8Array(gzipHeader.length + storedBytes(room)));
    const { size, sum, crc } = await writeState(spool, entries);
    const { metaText, bytes } = front(meta, size);
    const metaSum = createHash("sha256").update(metaText).digest("hex");
    const sums = utf8(`${metaSum}  meta.json\n${sum}  state.bin\n`);
    const end = concat(
      tarPadding(size),
      ...member(meta, "SHA256SUMS", sums),
      ...member(meta, "SHA256SUMS.sealed", seal(sums)),
      tarEnd,
    );
    crc.update(end);
    await spool.append(concat(storedBlocks(end, { isLast: true }), crc.trailer(bytes)));
    await spool.flush();
    await spool.writeAt(0, concat(gzipHeader, storedBlocks(bytes)));
    return await spool.handOver();
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

/** Everything before the state. It takes the same room whatever size the state has. */
function front(meta: Omit<SnapshotMeta, "Size">, size: number) {
  const text = JSON.stringify({ ...meta, Size: size });
  const room = JSON.stringify({ ...meta, Size: Number.MAX_SAFE_INTEGER }).length;
  const metaText = utf8(`${text.padEnd(room)}\n`);
  const header = tarHeader({ name: "state.bin", mode: 0o600, size, mtime: madeAt(meta) });
  return { metaText, bytes: concat(...member(meta, "meta.json", metaText), header) };
}

function member(meta: Omit<SnapshotMeta, "Size">, name: string, content: Bytes): Bytes[] {
  const header = tarHeader({ name, mode: 0o600, size: content.length, mtime: madeAt(meta) });
  return [header, content, tarPadding(content.length)];
}

/** Seconds since 1970. */
function madeAt({ CreatedAt }: Pick<SnapshotMeta, "CreatedAt">): number {
  return Math.floor(Date.parse(CreatedAt) / 1000);
}

/** Appends the state; one chunk is written while the next is put together. */
async function writeState(spool: SpoolFile, entries: AsyncIterable<Entry>) {
  const hash = createHash("sha256");
  const crc = new Crc();
  const packer = new EntryPacker(chunkBytes);
  let [into, other] = [0, 0].map(() => new Uint8Array(storedBytes(chunkBytes)));
  let size = 0;
  const write = async () => {
    const chunk = packer.take();
    if (chunk.length === 0) return;
    hash.update(chunk);
    crc.update(chunk);
    size += chunk.length;
    const blocks = storedBlocks(chunk, { into });
    await spool.flush();
    await spool.append(blocks);
    [into, other] = [other, into];
  };
  for await (const entry of entries) {
    if (packer.add(entry)) continue;
    await write();
    packer.add(entry);
  }
  await write();
  return { size, sum: hash.digest("hex"), crc };
}
