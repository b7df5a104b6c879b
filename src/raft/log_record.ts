/**
 * A log entry as bytes: a head with the chained checksum, then the payload. The checksum covers
 * the one before it, so an entry that is out of place is noticed like one that is damaged.
 */
import { type Bytes, sameBytes } from "../base/bytes.ts";
import { checksum, type Sha256, SUM_BYTES } from "./digest.ts";
import { refuseNewer, unknownFormat } from "./formats.ts";
import { entryType, LAST_TYPE, type LogEntry } from "./log_entry.ts";

const VERSION = 1;
/** u8 version, u8 type, u64 index, u64 term, u64 first index of the term, u32 payload bytes. */
const HEAD_BYTES = 30;
const SUMS_AT = HEAD_BYTES;
export const RECORD_HEAD_BYTES = HEAD_BYTES + 2 * SUM_BYTES;

/** What the entry before leaves behind for the next. */
export interface ChainLink {
  readonly index: number;
  readonly term: number;
  /** Index of the first entry of `term`. */
  readonly termStart: number;
  readonly sum: Uint8Array;
}

/** The link before the first entry of all. */
export const CHAIN_START: ChainLink = {
  index: 0,
  term: 0,
  termStart: 0,
  sum: new Uint8Array(SUM_BYTES),
};

export interface RecordHead extends ChainLink {
  readonly type: LogEntry["type"];
  readonly payloadBytes: number;
  readonly previousSum: Uint8Array;
}

/**
 * The entry as a record, its head with the payload after it, and the link for the one after it. The
 * head is the first `RECORD_HEAD_BYTES` of the record.
 */
export function encodeRecord(
  { index, term, type, payload }: LogEntry,
  previous: ChainLink,
  sha256: Sha256,
): { record: Bytes; link: ChainLink } {
  const record = new Uint8Array(RECORD_HEAD_BYTES + payload.length);
  record.set(payload, RECORD_HEAD_BYTES);
  // What is summed is put together in one piece: the head, which moves to the front afterwards.
  const start = SUM_BYTES;
  const view = new DataView(record.buffer, start);
  const termStart = term === previous.term ? previous.termStart : index;
  view.setUint8(0, VERSION);
  view.setUint8(1, type);
  view.setBigUint64(2, BigInt(index));
  view.setBigUint64(10, BigInt(term));
  view.setBigUint64(18, BigInt(termStart));
  view.setUint32(26, payload.length);
  record.set(previous.sum, start + SUMS_AT);
  const sum = sha256(record.subarray(start)).slice(0, SUM_BYTES);
  record.copyWithin(0, start, RECORD_HEAD_BYTES);
  record.set(sum, SUMS_AT + SUM_BYTES);
  return { record, link: { index, term, termStart, sum } };
}

/** Reads a head; undefined where it can't be one. Its checksum is proved by `sumFits`. */
export function decodeHead(record: Uint8Array): RecordHead | undefined {
  if (record.length < RECORD_HEAD_BYTES || record[0] !== VERSION) return undefined;
  const type = entryType(record[1] ?? 0);
  if (type === undefined) return undefined;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  return {
    type,
    index: Number(view.getBigUint64(2)),
    term: Number(view.getBigUint64(10)),
    termStart: Number(view.getBigUint64(18)),
    payloadBytes: view.getUint32(26),
    previousSum: record.slice(SUMS_AT, SUMS_AT + SUM_BYTES),
    sum: record.slice(SUMS_AT + SUM_BYTES, RECORD_HEAD_BYTES),
  };
}

/**
 * Throws `UnknownFormatError` where the row of an entry is whole, and yet of a version or a type
 * that this build does not know.
 */
export function refuseNewerRecord(what: string, row: Uint8Array): void {
  if (row.length < RECORD_HEAD_BYTES) return;
  const sum = row.subarray(SUMS_AT + SUM_BYTES, RECORD_HEAD_BYTES);
  if (!sameBytes(sum, chainedSum(row, row.subarray(RECORD_HEAD_BYTES)))) return;
  refuseNewer(what, row[0], VERSION);
  const type = row[1] ?? 0;
  if (entryType(type) === undefined) throw unknownFormat(`the type of ${what}`, type, LAST_TYPE);
}

/** Whether head and payload are what was written. */
export function sumFits(record: Uint8Array, head: RecordHead, payload: Uint8Array): boolean {
  return sameBytes(head.sum, chainedSum(record, payload));
}

function chainedSum(head: Uint8Array, payload: Uint8Array): Uint8Array {
  return checksum(head.subarray(0, SUMS_AT + SUM_BYTES), payload);
}
