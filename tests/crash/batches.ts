/** What the writer writes, so that the parent knows what has to be there. */
import type { Write } from "../../src/storage/storage.ts";

/** A slot is overwritten again and again; the latest acknowledged batch or a later one is there. */
export const SLOTS = 12;

/** Values of a batch all tell its number; sizes range over the ways a value is stored. */
export function batchOf(round: number, writer: number, n: number): Write[] {
  const slot = n % SLOTS;
  const sizes = [12, 300, 5000, n % 7 === 0 ? 150_000 : 900];
  const writes: Write[] = sizes.map((size, part) => ({
    key: keyOf(writer, slot, part),
    value: valueOf(round, n, size),
  }));
  // One that comes and goes with every batch.
  const comes = n % 2 === 0 ? valueOf(round, n, 100) : null;
  return [...writes, { key: keyOf(writer, slot, 4), value: comes }];
}

export function keyOf(writer: number, slot: number, part: number): string {
  return `crash/${writer}/${slot}/${part}`;
}

function valueOf(round: number, n: number, size: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(Math.max(12, size)).fill((round + n) % 251);
  const view = new DataView(value.buffer);
  view.setUint32(0, round);
  view.setUint32(4, n);
  view.setUint32(8, size);
  return value;
}

/** The round and number that a value tells; undefined where it is not as it was written. */
export function read(value: Uint8Array): { round: number; n: number } | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const round = view.getUint32(0), n = view.getUint32(4), size = view.getUint32(8);
  if (value.length !== Math.max(12, size)) return undefined;
  const filler = (round + n) % 251;
  return value.subarray(12).every((byte) => byte === filler) ? { round, n } : undefined;
}
