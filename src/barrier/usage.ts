/**
 * How often the active key was used. The count is written ahead in blocks, inside a batch that is
 * written anyway: after a crash it may be too high by a block, never too low.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Bytes } from "../base/bytes.ts";
import { MAX_OPERATIONS } from "./rotation.ts";

/** Where the count lies, behind the barrier. */
export const USAGE_KEY = "core/keyring-usage";

/** Encryptions that are counted ahead. */
export const USAGE_BLOCK = 65_536;

export class Usage {
  #count = 0;
  #stored = 0;

  /** Encryptions under the active term. */
  get encryptions(): number {
    return this.#count;
  }

  /** Whether the stored count no longer covers what was used. */
  get exceedsStored(): boolean {
    return this.#count >= this.#stored;
  }

  add(encryptions: number): void {
    this.#count += encryptions;
  }

  /** The record to store now: the count, and with `ahead` a block more. */
  record(term: number, ahead: boolean): { value: Bytes; stored: () => void } {
    const encryptions = this.#count + (ahead ? USAGE_BLOCK : 0);
    const value = utf8(JSON.stringify({ term, encryptions }));
    return { value, stored: () => this.#stored = Math.max(this.#stored, encryptions) };
  }

  /** A new term was installed. */
  reset(): void {
    this.#count = 0;
    this.#stored = 0;
  }

  /** The stored count is lost: the key counts as used up, which makes a rotation due. */
  assumeWorst(): void {
    this.#count = MAX_OPERATIONS;
    this.#stored = MAX_OPERATIONS;
  }

  /** Takes up a stored record of the active term; one of an older term counts for nothing. */
  load(value: Bytes | undefined, activeTerm: number): void {
    this.reset();
    if (value === undefined) return;
    const record: unknown = JSON.parse(fromUtf8(value));
    if (!isRecord(record) || record.term !== activeTerm) return;
    this.#count = record.encryptions;
    this.#stored = record.encryptions;
  }
}

function isRecord(value: unknown): value is { term: number; encryptions: number } {
  return typeof value === "object" && value !== null && "term" in value &&
    typeof value.term === "number" && "encryptions" in value &&
    typeof value.encryptions === "number";
}
