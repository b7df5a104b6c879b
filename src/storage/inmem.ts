/** Storage in memory, for dev mode and tests: the same promises but for durability. */
import type { Bytes } from "../base/bytes.ts";
import { compareKeys } from "../raft/key_order.ts";
import { checkBatch, DEFAULT_LIMITS, type SizeLimits } from "../raft/keys.ts";
import { listNames, scanRange } from "../raft/folder_walk.ts";
import { OrderedMap } from "../raft/ordered_map.ts";
import type { Entry, ListOptions, ScanOptions, Storage, Write } from "./storage.ts";
import { StorageError } from "./storage.ts";

export class InmemStorage implements Storage {
  readonly #entries = new OrderedMap<Bytes>();
  readonly #limits: SizeLimits;
  #closed = false;

  constructor(limits: Partial<SizeLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get(key: string): Bytes | undefined {
    return this.#entries.get(key);
  }

  list(prefix: string, options: ListOptions = {}): string[] {
    return listNames((from) => this.#entries.ceiling(from), prefix, options);
  }

  scan(prefix: string, options: ScanOptions): Entry[] {
    const { from, before } = scanRange(prefix, options);
    const found: Entry[] = [];
    if (options.limit <= 0) return found;
    for (const [key, value] of this.#entries.entries(from)) {
      if (!key.startsWith(prefix)) break;
      if (before !== undefined && compareKeys(key, before) >= 0) break;
      found.push({ key, value: options.keysOnly ? new Uint8Array(0) : value });
      if (found.length >= options.limit) break;
    }
    return found;
  }

  /** Checked and copied at once; visible when the promise is made. */
  // deno-lint-ignore require-await -- an async function turns what it throws into a rejection
  async write(batch: readonly Write[]): Promise<void> {
    if (this.#closed) throw new StorageError("the storage is closed");
    checkBatch(batch, this.#limits);
    for (const { key, value } of batch) {
      if (value === null) this.#entries.delete(key);
      else this.#entries.set(key, value.slice());
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
