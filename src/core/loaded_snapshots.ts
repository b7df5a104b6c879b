/**
 * The snapshot that is loaded beside the storage, so that single secrets can be read and recovered
 * from it. One at a time, for a limited time; it goes when the node seals or stands by.
 */
import type { Cancel, Clock } from "../base/clock.ts";
import { badRequest, describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { Storage } from "../storage/storage.ts";
import { type Mounts, readMountEntries } from "./mounts.ts";
import { Router } from "./router.ts";

/** Plain values, and what was mounted then of what can be read from a snapshot. */
export interface OpenedSnapshot {
  readonly storage: Storage;
  readonly router: Router;
}

export interface LoadedSnapshot {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Undefined until its keys were given, where it takes others than this cluster's. */
  readonly opened: OpenedSnapshot | undefined;
  /** Lets go of its file and its keys. */
  close(): Promise<void>;
}

/** Reads the mount tables of a snapshot's plain values. Throws a 400 where they can't be read. */
export async function openSnapshot(mounts: Mounts, storage: Storage): Promise<OpenedSnapshot> {
  const router = new Router();
  let entries;
  try {
    entries = await readMountEntries(storage);
  } catch (cause) {
    throw badRequest(`the snapshot's mounts can't be read: ${describeError(cause)}`, cause);
  }
  for (const entry of entries) {
    const backend = mounts.factory(entry.table, entry.type);
    if (backend?.readsFromSnapshot !== undefined && !entry.tainted) router.add(entry, backend);
  }
  return { storage, router };
}

export class LoadedSnapshots {
  #current: LoadedSnapshot | undefined;
  #cancelExpiry: Cancel = () => {};
  #isLoading = false;
  #isClosed = false;

  constructor(readonly clock: Clock, readonly log: Logger) {}

  get current(): LoadedSnapshot | undefined {
    return this.#current;
  }

  find(id: string): LoadedSnapshot | undefined {
    return this.#current?.id === id ? this.#current : undefined;
  }

  /** The one that a request names, to look into. Throws a 400 where that can't be. */
  opened(id: string): OpenedSnapshot {
    const found = this.find(id);
    if (found === undefined) throw badRequest(`no snapshot is loaded that has the id "${id}"`);
    if (found.opened === undefined) {
      throw badRequest("the snapshot still waits for its unseal keys");
    }
    return found.opened;
  }

  /** Takes what `load` makes. Throws a 400 where one is there, or on its way. */
  async load<T extends LoadedSnapshot>(load: () => Promise<T>): Promise<T> {
    if (this.#current !== undefined) {
      throw badRequest(`a snapshot is loaded already, ${this.#current.id}; unload it first`);
    }
    if (this.#isLoading) throw badRequest("another snapshot is being loaded");
    this.#isLoading = true;
    try {
      const loaded = await load();
      if (this.#isClosed) {
        await loaded.close();
        throw badRequest("the node stopped to serve while the snapshot was being loaded");
      }
      this.#current = loaded;
      this.#cancelExpiry = this.clock.after(loaded.expiresAt - this.clock.now(), () => {
        this.log.info("a loaded snapshot has expired", { snapshot_id: loaded.id });
        this.unload(loaded.id).catch((error) =>
          this.log.error("a snapshot was not unloaded", { error: describeError(error) })
        );
      });
      return loaded;
    } finally {
      this.#isLoading = false;
    }
  }

  /** Harmless where it is gone already. */
  async unload(id: string): Promise<void> {
    const found = this.find(id);
    if (found === undefined) return;
    this.#current = undefined;
    this.#cancelExpiry();
    await found.close();
  }

  /** For the end of the services. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#current !== undefined) await this.unload(this.#current.id);
  }
}
