/**
 * How far the log was known to be on disk, kept outside of it. SQLite drops everything behind the
 * first bad frame of its WAL without a word; the marker tells a tail that was torn while it was
 * written, which nobody was told of, from one that was acknowledged and is now gone.
 *
 * Written after each durable commit and not synced: it may lag behind the log after a power
 * failure, which only makes it know less. It must never run ahead of it: before the log becomes
 * shorter, `lower` says so durably.
 */
import { describeError } from "../base/failure.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk, NoteFile } from "./disk.ts";
import type { Position } from "./log_entry.ts";
import { START } from "./log_entry.ts";
import { SUM_BYTES } from "./digest.ts";
import { StorageFatalError } from "./errors.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";

const BODY_BYTES = 24;
const SLOT_BYTES = BODY_BYTES + SUM_BYTES;

export class AckMarker {
  readonly #file: NoteFile;
  #sequence: number;

  private constructor(
    readonly path: string,
    file: NoteFile,
    sequence: number,
    /** The last position known at open; undefined where the file is there but tells nothing. */
    readonly found: Position | undefined,
  ) {
    this.#file = file;
    this.#sequence = sequence;
  }

  static async open(path: string, disk: Disk = denoDisk): Promise<AckMarker> {
    const file = await disk.openNote(path, 2 * SLOT_BYTES);
    const { content } = file;
    const { length } = content;
    let best: { sequence: number; position: Position } | undefined;
    for (const at of [0, SLOT_BYTES]) {
      const slot = decodeSlot(content.subarray(at, at + SLOT_BYTES));
      if (slot !== undefined && slot.sequence > (best?.sequence ?? -1)) best = slot;
    }
    const found = length === 0 ? START : best?.position;
    const marker = new AckMarker(path, file, best?.sequence ?? 0, found);
    if (length === 0) {
      // Both slots take their space now, not when the disk is full.
      marker.note(START);
      marker.note(START);
    }
    return marker;
  }

  /**
   * Notes that no more than up to `index` is durable; so does the disk when it resolves. Throws
   * `StorageFatalError` where the disk fails: nobody knows then what it notes.
   */
  async lower(index: number): Promise<void> {
    this.note({ index, term: 0 });
    try {
      await this.#file.sync();
    } catch (cause) {
      throw new StorageFatalError(`${this.path}: ${describeError(cause)}`, { cause });
    }
  }

  /** Notes that everything up to `position` is durable. */
  note({ index, term }: Position): void {
    this.#sequence += 1;
    const body = new Uint8Array(BODY_BYTES);
    const view = new DataView(body.buffer);
    view.setBigUint64(0, BigInt(this.#sequence));
    view.setBigUint64(8, BigInt(index));
    view.setBigUint64(16, BigInt(term));
    // Two slots in turn: a torn write spoils only the newer one.
    this.#file.write((this.#sequence % 2) * SLOT_BYTES, sealRecord("acknowledged", body));
  }

  close(): void {
    this.#file.close();
  }
}

function decodeSlot(slot: Uint8Array): { sequence: number; position: Position } | undefined {
  const body = openRecord("acknowledged", slot);
  if (body === undefined || body.length !== BODY_BYTES) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return {
    sequence: Number(view.getBigUint64(0)),
    position: { index: Number(view.getBigUint64(8)), term: Number(view.getBigUint64(16)) },
  };
}
