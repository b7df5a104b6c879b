/**
 * A stretch of the log in a Deno KV file of its own, so that compaction is the removal of a file.
 *
 * Rows: `["h"]` what the segment starts from; `["e", index]` an entry's head with its payload, or
 * the head alone where the payload is over one chunk; `["c", index, n]` such a payload's chunks,
 * written before the head and void without it.
 */
import { concat, fromHex, fromUtf8, sameBytes, toHex, utf8 } from "../base/bytes.ts";
import type { Sha256 } from "./digest.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError } from "./errors.ts";
import { refuseNewer } from "./formats.ts";
import {
  addWeights,
  CHUNK_BYTES,
  fitsCommit,
  KvFile,
  type KvRow,
  type Mutation,
  NO_WEIGHT,
  weightOf,
} from "./kv_file.ts";
import type { LogEntry } from "./log_entry.ts";
import type { ChainLink, RecordHead } from "./log_record.ts";
import {
  decodeHead,
  encodeRecord,
  RECORD_HEAD_BYTES,
  refuseNewerRecord,
  sumFits,
} from "./log_record.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";

export interface SegmentHeader {
  /** The link of the entry before the first one here. */
  readonly before: ChainLink;
  /** Wall-clock milliseconds at which the segment was begun. */
  readonly createdAt: number;
}

/** Of a segment's header. */
const SEGMENT_VERSION = 1;
const INDEX_END = Number.MAX_SAFE_INTEGER;

export class LogSegment {
  private constructor(
    readonly file: KvFile,
    readonly disk: Disk,
    readonly sha256: Sha256,
    readonly header: SegmentHeader,
    /** The link of the last entry here, or that of the header. */
    public last: ChainLink,
    /** Bytes on disk, estimated between two looks at the file. */
    public bytes: number,
  ) {}

  get path(): string {
    return this.file.path;
  }

  get firstIndex(): number {
    return this.header.before.index + 1;
  }

  static async create(
    path: string,
    header: SegmentHeader,
    disk: Disk,
    sha256: Sha256,
  ): Promise<LogSegment> {
    const file = await KvFile.open(path, disk);
    try {
      await file.commit([{ key: ["h"], value: encodeHeader(header) }]);
    } catch (error) {
      file.close();
      throw error;
    }
    const bytes = await disk.kvBytes(path);
    return new LogSegment(file, disk, sha256, header, header.before, bytes);
  }

  /** Opens a segment; undefined where its creation was never finished. */
  static async open(
    path: string,
    disk: Disk,
    sha256: Sha256,
  ): Promise<LogSegment | undefined> {
    const file = await KvFile.open(path, disk);
    try {
      const row = await file.get(["h"]);
      if (row === undefined) {
        const rows = await file.list({ start: ["e", 0], end: ["e", INDEX_END], limit: 1 });
        if (rows.length > 0) throw new CorruptionError(`${path}: the segment's header is missing`);
        file.close();
        return undefined;
      }
      const header = decodeHeader(path, row);
      const bytes = await disk.kvBytes(path);
      const segment = new LogSegment(file, disk, sha256, header, header.before, bytes);
      const tail = await segment.#tail();
      if (tail !== undefined) segment.last = tail;
      return segment;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** What a segment starts from. Its entries are not looked at. */
  static async headerOf(path: string, disk: Disk): Promise<SegmentHeader> {
    const file = await KvFile.open(path, disk);
    try {
      const row = await file.get(["h"]);
      if (row === undefined) throw new CorruptionError(`${path}: the segment's header is missing`);
      return decodeHeader(path, row);
    } finally {
      file.close();
    }
  }

  /**
   * Appends entries that follow `last`, durably, all or none. They must fit one commit: see
   * `commitGroup`.
   */
  async append(entries: readonly LogEntry[]): Promise<void> {
    const chunks: Mutation[] = [];
    const heads: Mutation[] = [];
    let link = this.last;
    let bytes = 0;
    for (const entry of entries) {
      if (entry.index !== link.index + 1) throw new Error("log entries must follow each other");
      const encoded = encodeRecord(entry, link, this.sha256);
      const inline = isInline(entry);
      if (!inline) chunks.push(...payloadChunks(entry));
      const value = inline ? encoded.record : encoded.record.slice(0, RECORD_HEAD_BYTES);
      heads.push({ key: ["e", entry.index], value });
      link = encoded.link;
      bytes += entry.payload.length + 100;
    }
    // Chunks are void without their head, so that the one commit of the heads decides.
    await this.file.commitInParts(chunks);
    await this.file.commit(heads);
    this.last = link;
    this.bytes += bytes;
  }

  /** Removes the entries from `index` on. */
  async truncate(index: number): Promise<void> {
    const before = index === this.firstIndex
      ? this.header.before
      : (await this.read(index - 1, index - 1)).at(-1)?.link;
    if (before === undefined) throw new CorruptionError(`${this.path}: no entry ${index - 1}`);
    const from: number = index;
    const rows: KvRow[] = [
      // From the end, so that an interruption leaves no gap.
      ...(await this.file.list({ start: ["e", from], end: ["e", INDEX_END], reverse: true })),
      ...(await this.file.list({ start: ["c", from], end: ["c", INDEX_END] })),
    ];
    await this.file.commitInParts(rows.map((row) => ({ key: ownKey(row.key), value: null })));
    this.last = before;
  }

  /** The entries from `from` to `to`, both included, each proved against its checksum. */
  async read(from: number, to: number): Promise<{ entry: LogEntry; link: ChainLink }[]> {
    const limit = to - from + 1;
    const rows = await this.file.list({ start: ["e", from], end: ["e", to + 1], limit });
    const read: { entry: LogEntry; link: ChainLink }[] = [];
    let previous = from === this.firstIndex ? this.header.before.sum : undefined;
    for (const row of rows) {
      const index = from + read.length;
      const { head, payload } = await this.#decode(index, row);
      if (previous !== undefined && !sameBytes(previous, head.previousSum)) {
        throw new CorruptionError(
          `${this.path}: log entry ${index} does not follow the one before`,
        );
      }
      previous = head.sum;
      read.push({ entry: { index, term: head.term, type: head.type, payload }, link: head });
    }
    return read;
  }

  async measure(): Promise<number> {
    this.bytes = await this.disk.kvBytes(this.path);
    return this.bytes;
  }

  close(): void {
    this.file.close();
  }

  /** Closes it once the reads that are under way have ended. */
  retire(): Promise<void> {
    return this.file.retire();
  }

  async #tail(): Promise<ChainLink | undefined> {
    const [row] = await this.file.list({
      start: ["e", 0],
      end: ["e", INDEX_END],
      limit: 1,
      reverse: true,
    });
    if (row === undefined) return undefined;
    const index = row.key[1];
    if (typeof index !== "number") {
      throw new CorruptionError(`${this.path}: a row without an index`);
    }
    return (await this.#decode(index, row)).head;
  }

  async #decode(index: number, row: KvRow): Promise<{ head: RecordHead; payload: Uint8Array }> {
    const head = decodeHead(row.value);
    if (head === undefined) refuseNewerRecord(`${this.path}: log entry ${index}`, row.value);
    if (head === undefined || row.key[1] !== index || head.index !== index) {
      throw new CorruptionError(`${this.path}: log entry ${index} is missing or damaged`);
    }
    const payload = row.value.length === RECORD_HEAD_BYTES + head.payloadBytes
      ? row.value.subarray(RECORD_HEAD_BYTES)
      : await this.#chunks(index, head.payloadBytes);
    if (!sumFits(row.value, head, payload)) {
      throw new CorruptionError(`${this.path}: log entry ${index} is damaged (checksum)`);
    }
    return { head, payload };
  }

  async #chunks(index: number, bytes: number): Promise<Uint8Array> {
    const count = Math.ceil(bytes / CHUNK_BYTES);
    const rows = await this.file.list({
      start: ["c", index, 0],
      end: ["c", index, count],
      limit: Math.max(1, count),
    });
    return concat(...rows.map((row) => row.value));
  }
}

function isInline({ payload }: LogEntry): boolean {
  return payload.length <= CHUNK_BYTES - RECORD_HEAD_BYTES;
}

/** How many of the entries, from `start` on, go into one commit. */
export function commitGroup(entries: readonly LogEntry[], start: number): number {
  let weight = NO_WEIGHT;
  for (let i = start; i < entries.length; i++) {
    const entry = entries[i];
    if (entry === undefined) break;
    const bytes = 200 + (isInline(entry) ? entry.payload.length : 0);
    const more = addWeights(weight, weightOf(["e", entry.index], bytes));
    if (weight.mutations > 0 && !fitsCommit(more)) break;
    weight = more;
  }
  return weight.mutations;
}

function payloadChunks({ index, payload }: LogEntry): Mutation[] {
  const chunks: Mutation[] = [];
  for (let at = 0; at < payload.length; at += CHUNK_BYTES) {
    const value = payload.subarray(at, at + CHUNK_BYTES);
    chunks.push({ key: ["c", index, at / CHUNK_BYTES], value });
  }
  return chunks;
}

function ownKey(key: readonly Deno.KvKeyPart[]): (string | number)[] {
  return key.filter((part) => typeof part === "string" || typeof part === "number");
}

function encodeHeader({ before, createdAt }: SegmentHeader): Uint8Array {
  const { index, term, termStart, sum } = before;
  return sealRecord(
    "segment",
    utf8(JSON.stringify([SEGMENT_VERSION, index, term, termStart, toHex(sum), createdAt])),
  );
}

function decodeHeader(path: string, row: Uint8Array): SegmentHeader {
  const body = openRecord("segment", row);
  if (body !== undefined) {
    const parsed: unknown = JSON.parse(fromUtf8(body));
    if (Array.isArray(parsed)) {
      const [version, index, term, termStart, sum, createdAt]: unknown[] = parsed;
      refuseNewer(path, version, SEGMENT_VERSION);
      const bytes = typeof sum === "string" ? fromHex(sum) : undefined;
      if (
        version === SEGMENT_VERSION && typeof index === "number" && typeof term === "number" &&
        typeof termStart === "number" && bytes !== undefined && typeof createdAt === "number"
      ) return { before: { index, term, termStart, sum: bytes }, createdAt };
    }
  }
  throw new CorruptionError(`${path}: the segment's header is damaged`);
}
