/**
 * The unit in which the state lies on disk: all entries from `low` up to, not including, `high`.
 * Because a leaf states its whole range under its checksum, the absence of a key is proved too: a
 * row that SQLite lost is an error here, where a row a key would be a wrong "not found".
 */
import { type Bytes, sameBytes } from "../base/bytes.ts";
import { CorruptionError } from "./errors.ts";
import { refuseNewer } from "./formats.ts";
import { labelledSum, SUM_BYTES } from "./digest.ts";
import { compareKeys } from "./key_order.ts";
import { TextRun, writeText } from "./key_text.ts";

/** A value too large to lie in its leaf: where its chunks are. */
export interface External {
  readonly id: number;
  readonly bytes: number;
  /** The entry's digest, of key and value. */
  readonly digest: Uint8Array;
}

export type Slot = Uint8Array | External;

export interface Leaf {
  /** "" in the first leaf. */
  readonly low: string;
  /** Undefined in the last leaf. */
  readonly high: string | undefined;
  readonly keys: readonly string[];
  readonly slots: readonly Slot[];
  /** Length on disk. */
  readonly bytes: number;
}

/** Leaves are cut above this and aim at three quarters of it. */
export const LEAF_BYTES_MAX = 16 * 1024;
/** A smaller leaf is joined with its neighbour when it is written. */
export const LEAF_BYTES_MIN = 3 * 1024;
/** Larger values lie outside of the leaf. */
export const INLINE_BYTES_MAX = 4 * 1024;

const VERSION = 1;
const NO_HIGH = 0xffff;
const EXTERNAL = 0xffffffff;
const EXTERNAL_BYTES = 44;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function isExternal(slot: Slot): slot is External {
  return !(slot instanceof Uint8Array);
}

/** Bytes that an entry takes in a leaf, at most. */
export function slotBytes(key: string, slot: Slot): number {
  return 6 + key.length * 3 + (isExternal(slot) ? EXTERNAL_BYTES : slot.length);
}

/** The position of `key` in the leaf, or that of the first key after it. */
export function positionIn(leaf: Leaf, key: string): number {
  let low = 0, high = leaf.keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const candidate = leaf.keys[middle];
    if (candidate !== undefined && compareKeys(candidate, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function covers(leaf: Leaf, key: string): boolean {
  return compareKeys(leaf.low, key) <= 0 &&
    (leaf.high === undefined || compareKeys(key, leaf.high) < 0);
}

/** u8 version, u32 count, high, then for each entry u16 key bytes, u32 value bytes, key, value. */
export function encodeLeaf(
  low: string,
  high: string | undefined,
  keys: readonly string[],
  slots: readonly Slot[],
): { leaf: Leaf; row: Bytes } {
  let most = 7 + (high?.length ?? 0) * 3 + SUM_BYTES;
  for (let i = 0; i < keys.length; i++) most += slotBytes(keys[i] ?? "", slots[i] ?? NOTHING);
  const buffer = new Uint8Array(most);
  const view = new DataView(buffer.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(1, keys.length);
  let at = 7;
  if (high === undefined) view.setUint16(5, NO_HIGH);
  else {
    const written = writeText(buffer, 7, high);
    view.setUint16(5, written);
    at += written;
  }
  for (let i = 0; i < keys.length; i++) {
    at = putSlot(buffer, view, at, keys[i] ?? "", slots[i] ?? NOTHING);
  }
  buffer.set(labelledSum(low, buffer.subarray(0, at)), at);
  const row = buffer.slice(0, at + SUM_BYTES);
  return { leaf: { low, high, keys, slots, bytes: row.length }, row };
}

const NOTHING = new Uint8Array(0);

function putSlot(
  buffer: Uint8Array,
  view: DataView,
  start: number,
  key: string,
  slot: Slot,
): number {
  const written = writeText(buffer, start + 6, key);
  view.setUint16(start, written);
  const at = start + 6 + written;
  if (isExternal(slot)) {
    view.setUint32(start + 2, EXTERNAL);
    view.setBigUint64(at, BigInt(slot.id));
    view.setUint32(at + 8, slot.bytes);
    buffer.set(slot.digest, at + 12);
    return at + EXTERNAL_BYTES;
  }
  view.setUint32(start + 2, slot.length);
  buffer.set(slot, at);
  return at + slot.length;
}

/**
 * The leaf of a row; undefined where it is not what was written under `low`. Throws
 * `UnknownFormatError` where a later version wrote it.
 */
export function decodeLeaf(low: string, row: Uint8Array): Leaf | undefined {
  const end = row.length - SUM_BYTES;
  if (end < 7) return undefined;
  if (!sameBytes(labelledSum(low, row.subarray(0, end)), row.subarray(end))) return undefined;
  refuseNewer(`the stored entries from "${low}" on`, row[0], VERSION);
  if (row[0] !== VERSION) return undefined;
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const count = view.getUint32(1);
  const highBytes = view.getUint16(5);
  let at = 7;
  let high: string | undefined;
  if (highBytes !== NO_HIGH) {
    high = decoder.decode(row.subarray(7, 7 + highBytes));
    at += highBytes;
  }
  const keys = new TextRun(row.length);
  const slots: Slot[] = [];
  for (let i = 0; i < count; i++) {
    const keyEnd = at + 6 + view.getUint16(at);
    keys.add(row, at + 6, keyEnd);
    const bytes = view.getUint32(at + 2);
    if (bytes === EXTERNAL) {
      slots.push({
        id: Number(view.getBigUint64(keyEnd)),
        bytes: view.getUint32(keyEnd + 8),
        digest: row.slice(keyEnd + 12, keyEnd + EXTERNAL_BYTES),
      });
      at = keyEnd + EXTERNAL_BYTES;
    } else {
      slots.push(row.subarray(keyEnd, keyEnd + bytes));
      at = keyEnd + bytes;
    }
  }
  return { low, high, keys: keys.decode(), slots, bytes: row.length };
}

/**
 * The leaf of the row that was found for `key`; both are undefined where none was. Throws
 * `CorruptionError` naming the file and the key where it is not whole or does not hold the key.
 */
export function leafHolding(
  path: string,
  key: string,
  low: string | undefined,
  row: Uint8Array | undefined,
): Leaf {
  const leaf = low === undefined || row === undefined ? undefined : decodeLeaf(low, row);
  if (leaf !== undefined && covers(leaf, key)) return leaf;
  throw new CorruptionError(`${path}: the entries around "${key}" are damaged or missing`);
}
