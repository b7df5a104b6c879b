/** Cuts a run of entries into leaves of a good size. */
import { encodeLeaf, type Leaf, LEAF_BYTES_MAX, type Slot, slotBytes } from "./leaf.ts";

export interface WrittenLeaf {
  readonly leaf: Leaf;
  readonly row: Uint8Array;
}

/** The leaves that together cover `low` up to `high` with exactly these entries. */
export function cutLeaves(
  low: string,
  high: string | undefined,
  keys: readonly string[],
  slots: readonly Slot[],
): WrittenLeaf[] {
  const sizes = keys.map((key, i) => slotBytes(key, slots[i] ?? new Uint8Array(0)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const pieces = total <= LEAF_BYTES_MAX ? 1 : Math.ceil(total / (LEAF_BYTES_MAX * 0.75));
  const target = total / pieces;
  const leaves: WrittenLeaf[] = [];
  let start = 0, from = low, bytes = 0;
  for (let i = 0; i < keys.length; i++) {
    const size = sizes[i] ?? 0;
    if (bytes > 0 && bytes + size / 2 > target && leaves.length < pieces - 1) {
      const next = keys[i] ?? "";
      leaves.push(encodeLeaf(from, next, keys.slice(start, i), slots.slice(start, i)));
      start = i;
      from = next;
      bytes = 0;
    }
    bytes += size;
  }
  leaves.push(encodeLeaf(from, high, keys.slice(start), slots.slice(start)));
  return leaves;
}
