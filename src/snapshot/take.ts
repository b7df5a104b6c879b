/**
 * Takes the entries of a snapshot file to where they are to be, in one pass: they go there while the
 * file is still being checked, so nobody may use them before this has ended well.
 */
import { createHash } from "node:crypto";
import type { Bytes } from "../base/bytes.ts";
import { isBelowBarrier } from "../barrier/physical.ts";
import type { Entry } from "../storage/storage.ts";
import { decodeEntries, MalformedStateError } from "./entry_codec.ts";
import { checkSums, type PullState, refusal, unpack } from "./members.ts";
import { OtherFormError, unpackPlain } from "./plain_archive.ts";
import type { CheckedSnapshot } from "./read.ts";
import type { SpoolFile } from "./spool.ts";

/** Takes all entries. A value is good until the next entry is asked for. */
export type TakeEntries = (entries: AsyncIterable<Entry>) => Promise<void>;

/**
 * Resolves when the file is checked, complete and as it was written, `check` finds nothing wrong with
 * it, and `take` has taken every entry. Throws a 400 that says what is wrong with the file, however
 * `take` fared with it; else what `take` throws.
 */
export async function takeSnapshot(
  spool: SpoolFile,
  take: TakeEntries,
  check: (snapshot: CheckedSnapshot) => void,
): Promise<CheckedSnapshot> {
  let state = new TakenState();
  try {
    const members = await spool.reading((read) =>
      unpackPlain(read, (pull) => state.take(pull, take))
    ).catch((error) => {
      if (!(error instanceof OtherFormError)) throw error;
      // As another program packs it, or damaged: from the beginning, by those who know all forms.
      state = new TakenState();
      return unpack(spool.chunks(), (member) => state.take(pulled(member), take));
    });
    const { belowBarrier, entryCount, stateSum } = state;
    const checked = { ...checkSums(members, stateSum), belowBarrier, entryCount };
    const snapshot = { ...checked, fileBytes: members.fileBytes };
    if (state.failure?.error instanceof MalformedStateError) throw state.failure.error;
    check(snapshot);
    if (state.failure === undefined) return snapshot;
  } catch (error) {
    throw refusal(error);
  }
  throw state.failure.error;
}

function pulled(member: AsyncIterable<Uint8Array>): PullState {
  const chunks = member[Symbol.asyncIterator]();
  return async () => {
    const next = await chunks.next();
    return next.done === true ? undefined : next.value;
  };
}

/** `state.bin` on its way. What is hashed is what is decoded, byte by byte. */
class TakenState {
  readonly belowBarrier = new Map<string, Bytes>();
  entryCount = 0;
  /** Of taking the entries; the rest of the file came all the same. */
  failure: { readonly error: unknown } | undefined;
  readonly #hash = createHash("sha256");
  /** What came last and was not asked for yet. */
  #chunk: Uint8Array = new Uint8Array(0);
  #hasBroken = false;

  get stateSum(): string {
    return this.#hash.copy().digest("hex");
  }

  async take(pull: PullState, take: TakeEntries): Promise<void> {
    try {
      await take(this.#entries(pull));
    } catch (error) {
      if (this.#hasBroken) throw error;
      this.failure = { error };
    }
    while (await this.#next(pull));
  }

  async *#entries(pull: PullState): AsyncGenerator<Entry> {
    for await (const entry of decodeEntries((buffer) => this.#read(pull, buffer))) {
      this.entryCount++;
      if (isBelowBarrier(entry.key)) this.belowBarrier.set(entry.key, entry.value.slice());
      yield entry;
    }
  }

  async #read(pull: PullState, buffer: Bytes): Promise<number | null> {
    while (this.#chunk.length === 0) if (!await this.#next(pull)) return null;
    const part = this.#chunk.subarray(0, buffer.length);
    buffer.set(part);
    this.#chunk = this.#chunk.subarray(part.length);
    return part.length;
  }

  /** Whether there was one. */
  async #next(pull: PullState): Promise<boolean> {
    try {
      const next = await pull();
      if (next === undefined) return false;
      this.#hash.update(next);
      this.#chunk = next;
      return true;
    } catch (error) {
      this.#hasBroken = true;
      throw error;
    }
  }
}
