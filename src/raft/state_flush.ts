/**
 * Brings a memtable into the state file: from left to right, each leaf that a change falls into is
 * read, merged, cut and written, in as many commits as it takes. Each commit leaves a whole file
 * with the hash of what it holds; the last one moves the applied index. A crash in between is made
 * good by replaying the log over it, since changes say what is, not what to add.
 */
import type { Bytes } from "../base/bytes.ts";
import { entryDigest, SetHash } from "./digest.ts";
import { compareKeys } from "./key_order.ts";
import { textBytes } from "./key_text.ts";
import type { Change } from "./keys.ts";
import {
  addWeights,
  fitsCommit,
  type KvKey,
  type Mutation,
  NO_WEIGHT,
  weightOf,
} from "./kv_file.ts";
import {
  covers,
  INLINE_BYTES_MAX,
  isExternal,
  type Leaf,
  LEAF_BYTES_MIN,
  type Slot,
} from "./leaf.ts";
import { cutLeaves, type WrittenLeaf } from "./leaf_cut.ts";
import { externalKeys, externalRows, type StateFile } from "./state_file.ts";
import type { StateMeta } from "./state_meta.ts";
import { StateRows } from "./state_rows.ts";
import type { FairTurns } from "../base/turn.ts";

/** Bytes of changes that are merged into one leaf at a time. */
const STEP_BYTES_MAX = 200_000;
const STEP_ROWS_MAX = 300;
/** Leaves that are read in one go where one after the other is emptied. */
const LEAVES_AHEAD = 8;
/** Others have their turn after so many bytes of leaves, about half a millisecond. */
const TURN_BYTES = 64 * 1024;
/** What every commit holds beside leaves; a membership may be some kilobytes. */
const META_WEIGHT = weightOf(["m"], 100_000);

/** What the file holds as of a commit. */
type Totals = Pick<StateMeta, "hash" | "entries" | "bytes" | "nextValueId">;

/** Writes changes that come in the order of their keys; with the last commit the file says `end`. */
export async function flushChanges(
  file: StateFile,
  changes: Iterator<Change>,
  end: Pick<StateMeta, "applied" | "configuration">,
  turns: FairTurns,
): Promise<void> {
  const source = new Changes(changes);
  const flush = new Flush(file, turns);
  try {
    while (source.head !== undefined) await flush.step(source.head, source);
    await flush.commit(end);
  } finally {
    await flush.close();
  }
}

/** The changes still to be written, the next one in sight. */
class Changes {
  head: Change | undefined;

  constructor(readonly rest: Iterator<Change>) {
    this.shift();
  }

  shift(): void {
    const next = this.rest.next();
    this.head = next.done ? undefined : next.value;
  }
}

class Flush {
  readonly #file: StateFile;
  readonly #rows: StateRows;
  readonly #turns: FairTurns;
  /** Bytes of leaves since others had their turn. */
  #read = 0;
  /** To the right of all that is changed so far, so that nothing of it is out of date. */
  #ahead: Leaf[] = [];
  readonly #hash: SetHash;
  #entries: number;
  #bytes: number;
  #nextValueId: number;
  #leaves: WrittenLeaf[] = [];
  #removed: KvKey[] = [];
  /** Of what is pending. */
  #weight = NO_WEIGHT;
  /**
   * The commit under way. What lies further to the right is read and merged meanwhile: it does not
   * touch that. Never rejects; `#failure` tells.
   */
  #underWay: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(file: StateFile, turns: FairTurns) {
    this.#file = file;
    this.#turns = turns;
    this.#rows = new StateRows(file.path, file.disk);
    const { hash, entries, bytes, nextValueId } = file.meta;
    this.#hash = SetHash.fromBytes(hash);
    this.#entries = entries;
    this.#bytes = bytes;
    this.#nextValueId = nextValueId;
  }

  /** Merges the changes from `first` on that fall into its leaf. */
  async step(first: Change, source: Changes): Promise<void> {
    const leaf = await this.#leafFor(first.key);
    const merged = new Merged(leaf);
    const { low } = leaf;
    const chunks: Mutation[] = [];
    const before = this.#totals();
    let bytes = 0;
    const isFull = () => bytes > STEP_BYTES_MAX || merged.removed.length > STEP_ROWS_MAX;
    do {
      for (; source.head !== undefined && !merged.isPast(source.head.key); source.shift()) {
        if (isFull()) break;
        const change = source.head;
        bytes += (change.value?.length ?? 0) + change.key.length * 3 + 50;
        this.#merge(merged, change, chunks);
      }
    } while (!isFull() && await this.#joinNext(merged));
    const leaves = cutLeaves(low, merged.high, ...merged.finish());
    const weights = [
      ...leaves.map(({ row, leaf }) => weightOf(["l", leaf.low], row.length)),
      ...merged.removed.map((key) => weightOf(key, 0)),
    ];
    const weight = weights.reduce(addWeights, NO_WEIGHT);
    const together = addWeights(addWeights(this.#weight, weight), META_WEIGHT);
    if (this.#weight.mutations > 0 && !fitsCommit(together)) await this.#commit(before);
    await this.#file.writeAhead(chunks);
    this.#leaves.push(...leaves);
    this.#removed.push(...merged.removed);
    this.#weight = addWeights(this.#weight, weight);
    // The rest of this leaf's changes must find it as it is now.
    if (source.head !== undefined && !merged.isPast(source.head.key)) await this.commit();
  }

  /** Commits what is pending; with `end` as the last commit of the flush. */
  async commit(end?: Pick<StateMeta, "applied" | "configuration">): Promise<void> {
    await this.#commit(this.#totals(), end);
    await this.#committed();
  }

  /** Resolves when nothing is under way, however it ended. */
  async close(): Promise<void> {
    this.#rows.close();
    await this.#underWay;
  }

  /** Reading is synchronous, and does not wait for the commit under way. */
  async #leafFor(key: string): Promise<Leaf> {
    const ahead = this.#ahead;
    while (ahead[0]?.high !== undefined && compareKeys(ahead[0].high, key) <= 0) ahead.shift();
    const next = ahead[0];
    if (next === undefined || !covers(next, key)) return await this.#taken(this.#rows.leafFor(key));
    ahead.shift();
    return await this.#taken(next);
  }

  /** The leaf that starts at `low`, of which some are read at a time: the next ones are asked for soon. */
  async #leafAt(low: string): Promise<Leaf> {
    if (this.#ahead[0]?.low !== low) this.#ahead = this.#rows.ahead(low, LEAVES_AHEAD);
    return await this.#taken(this.#ahead.shift() ?? this.#rows.leafFor(low));
  }

  async #taken(leaf: Leaf): Promise<Leaf> {
    this.#read += leaf.bytes;
    if (this.#read >= TURN_BYTES) {
      this.#read = 0;
      await this.#turns.giveWay();
    }
    return leaf;
  }

  /** Throws why a commit failed. */
  async #committed(): Promise<void> {
    await this.#underWay;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #totals(): Totals {
    return {
      hash: this.#hash.toBytes(),
      entries: this.#entries,
      bytes: this.#bytes,
      nextValueId: this.#nextValueId,
    };
  }

  /** Begins a commit of what is pending, once the one before it is durable. */
  async #commit(
    totals: Totals,
    end: Pick<StateMeta, "applied" | "configuration"> = this.#file.meta,
  ): Promise<void> {
    const { applied, configuration } = end;
    const { replacedAt = 0 } = this.#file.meta;
    const meta = { ...totals, applied, configuration, replacedAt };
    await this.#committed();
    this.#underWay = this.#file.commit(this.#leaves, this.#removed, meta).catch((error) => {
      this.#failure = { error };
    });
    this.#leaves = [];
    this.#removed = [];
    this.#weight = NO_WEIGHT;
  }

  #merge(merged: Merged, { key, value }: Change, chunks: Mutation[]): void {
    const { sha256 } = this.#file;
    const old = merged.take(key);
    const before = old === undefined || isExternal(old)
      ? old?.digest
      : entryDigest(sha256, key, old);
    const after = value === null ? undefined : entryDigest(sha256, key, value);
    const keyBytes = textBytes(key);
    if (old !== undefined && before !== undefined) {
      this.#hash.remove(before);
      this.#entries -= 1;
      this.#bytes -= keyBytes + (isExternal(old) ? old.bytes : old.length);
      if (isExternal(old)) merged.removed.push(...externalKeys(old));
    }
    if (value !== null && after !== undefined) {
      this.#hash.add(after);
      this.#entries += 1;
      this.#bytes += keyBytes + value.length;
      merged.put(key, this.#slot(value, after, chunks));
    }
    this.#file.onChange?.(key, before, after);
  }

  #slot(value: Bytes, digest: Uint8Array, chunks: Mutation[]): Slot {
    if (value.length <= INLINE_BYTES_MAX) return value;
    const id = this.#nextValueId++;
    chunks.push(...externalRows(id, value));
    return { id, bytes: value.length, digest };
  }

  /**
   * Takes in the neighbour of a leaf that has become small, whose own changes come next: of many
   * leaves that are emptied one is left, and each is read once.
   */
  async #joinNext(merged: Merged): Promise<boolean> {
    const { high } = merged;
    if (high === undefined || merged.bytes() >= LEAF_BYTES_MIN) return false;
    const next = await this.#leafAt(high);
    merged.append(next);
    merged.removed.push(["l", next.low]);
    return true;
  }
}

/** A leaf, and the neighbours it is joined with, while changes are merged in the order of their keys. */
class Merged {
  readonly removed: KvKey[] = [];
  readonly #keys: string[] = [];
  readonly #slots: Slot[] = [];
  #bytes = 0;
  /** The last one, up to where it has been copied. */
  #leaf: Leaf;
  #at = 0;

  constructor(leaf: Leaf) {
    this.#leaf = leaf;
  }

  get high(): string | undefined {
    return this.#leaf.high;
  }

  isPast(key: string): boolean {
    return this.high !== undefined && compareKeys(key, this.high) >= 0;
  }

  /** Copies what lies before `key` and takes out what lies at it. */
  take(key: string): Slot | undefined {
    while (this.#at < this.#leaf.keys.length) {
      const order = compareKeys(this.#leaf.keys[this.#at] ?? "", key);
      if (order > 0) return undefined;
      if (order === 0) return this.#leaf.slots[this.#at++];
      this.#copyOne();
    }
    return undefined;
  }

  put(key: string, slot: Slot): void {
    this.#keys.push(key);
    this.#slots.push(slot);
    this.#bytes += key.length + size(slot);
  }

  /** Bytes of what is merged so far and of what is still to be copied, roughly and where they are few. */
  bytes(): number {
    let bytes = this.#bytes;
    for (let i = this.#at; i < this.#leaf.keys.length && bytes < LEAF_BYTES_MIN; i++) {
      bytes += (this.#leaf.keys[i]?.length ?? 0) + size(this.#leaf.slots[i]);
    }
    return bytes;
  }

  append(next: Leaf): void {
    this.finish();
    this.#leaf = next;
    this.#at = 0;
  }

  finish(): [readonly string[], readonly Slot[]] {
    while (this.#at < this.#leaf.keys.length) this.#copyOne();
    return [this.#keys, this.#slots];
  }

  #copyOne(): void {
    this.put(this.#leaf.keys[this.#at] ?? "", this.#leaf.slots[this.#at] ?? new Uint8Array(0));
    this.#at += 1;
  }
}

function size(slot: Slot | undefined): number {
  return slot === undefined ? 0 : isExternal(slot) ? 50 : slot.length + 6;
}
