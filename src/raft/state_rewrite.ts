/** A new state file with what the old one holds and nothing of what it once held. */
import { sameBytes } from "../base/bytes.ts";
import { SetHash } from "./digest.ts";
import { CorruptionError } from "./errors.ts";
import { addWeights, fitsCommit, type Mutation, NO_WEIGHT, weightOf } from "./kv_file.ts";
import { isExternal, type Leaf, LEAF_BYTES_MAX, type Slot } from "./leaf.ts";
import { cutLeaves } from "./leaf_cut.ts";
import { externalRows, StateFile } from "./state_file.ts";

/** Copies every entry, proving each on the way; the new file is whole and durable at the end. */
export async function rewriteState(from: StateFile, path: string): Promise<StateFile> {
  const { meta } = from;
  const to = await StateFile.create({ ...from.options, path }, { ...meta, nextValueId: 1 });
  try {
    const copy = new Copy(from, to);
    let low: string | undefined = "";
    while (low !== undefined) {
      const leaf: Leaf = await from.leafOnDisk(low);
      if (leaf.low !== low) throw new CorruptionError(`${from.path}: no leaf starts at "${low}"`);
      await copy.take(leaf);
      low = leaf.high;
    }
    await copy.finish();
  } catch (error) {
    to.close();
    throw error;
  }
  // Closing writes the WAL back and removes it, else everything would be on disk twice.
  to.close();
  return await StateFile.open(to.options);
}

class Copy {
  readonly #from: StateFile;
  readonly #to: StateFile;
  readonly #hash = new SetHash();
  #rows: Mutation[] = [];
  #weight = NO_WEIGHT;
  #low = "";
  #high: string | undefined;
  #keys: string[] = [];
  #slots: Slot[] = [];
  #bytes = 0;
  #nextId = 1;

  constructor(from: StateFile, to: StateFile) {
    this.#from = from;
    this.#to = to;
  }

  async take(leaf: Leaf): Promise<void> {
    const digests = await this.#from.digests(leaf);
    for (const digest of digests) this.#hash.add(digest);
    for (let i = 0; i < leaf.keys.length; i++) {
      this.#keys.push(leaf.keys[i] ?? "");
      this.#slots.push(await this.#moved(leaf, i));
    }
    this.#bytes += leaf.bytes;
    this.#high = leaf.high;
    // The last one is always cut at the end, so that something reaches to the end of all keys.
    if (this.#bytes >= LEAF_BYTES_MAX * 0.75 && leaf.high !== undefined) await this.#cut();
  }

  async finish(): Promise<void> {
    await this.#cut();
    const { meta } = this.#from;
    if (!sameBytes(this.#hash.toBytes(), meta.hash)) {
      throw new CorruptionError(`${this.#from.path}: the hash over all entries does not fit them`);
    }
    await this.#to.writeAhead(this.#rows);
    await this.#to.commit([], [], { ...meta, nextValueId: this.#nextId });
  }

  async #moved(leaf: Leaf, position: number): Promise<Slot> {
    const slot = leaf.slots[position] ?? new Uint8Array(0);
    if (!isExternal(slot)) return slot;
    const id = this.#nextId++;
    await this.#to.writeAhead(externalRows(id, await this.#from.value(leaf, position)));
    return { ...slot, id };
  }

  async #cut(): Promise<void> {
    for (const written of cutLeaves(this.#low, this.#high, this.#keys, this.#slots)) {
      await this.#write(written);
    }
    this.#low = this.#high ?? "";
    this.#keys = [];
    this.#slots = [];
    this.#bytes = 0;
  }

  async #write({ leaf, row }: { leaf: Leaf; row: Uint8Array }): Promise<void> {
    const key = ["l", leaf.low];
    const weight = addWeights(this.#weight, weightOf(key, row.length));
    this.#rows.push({ key, value: row });
    this.#weight = weight;
    if (fitsCommit(weight)) return;
    await this.#to.writeAhead(this.#rows);
    this.#rows = [];
    this.#weight = NO_WEIGHT;
  }
}
