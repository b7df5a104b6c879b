/**
 * Batches that this node has submitted and that are not applied yet, by the payload that they became:
 * who applies them need not decode what was encoded a moment ago.
 */
import type { Bytes } from "../base/bytes.ts";
import { decodeBatch } from "./batch_codec.ts";
import type { Change } from "./keys.ts";

export class Submitted {
  readonly #batches = new Map<Uint8Array, readonly Change[]>();

  get size(): number {
    return this.#batches.size;
  }

  /** Remembers a batch until `forget`. Its values must not be altered from now on. */
  note(payload: Bytes, batch: readonly Change[]): void {
    this.#batches.set(payload, batch.map(withOwnBuffer));
  }

  forget(payload: Bytes): void {
    this.#batches.delete(payload);
  }

  /** What a committed entry changes. Throws as `decodeBatch` does. */
  changesOf(payload: Uint8Array): readonly Change[] {
    return this.#batches.get(payload) ?? decodeBatch(payload);
  }
}

/** A value that is part of something larger would keep all of that in memory. */
function withOwnBuffer(change: Change): Change {
  const { key, value } = change;
  if (value === null || value.length === value.buffer.byteLength) return change;
  return { key, value: value.slice() };
}
