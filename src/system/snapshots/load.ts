/**
 * Loads a snapshot beside the running storage. Its file, still encrypted, lies in the data directory
 * without a name; values are decrypted one by one as they are asked for, with this cluster's keyring
 * or, where the file is sealed with another, with its own once its unseal keys are given.
 */
import type { BarrierParts } from "../../barrier/barrier.ts";
import { isBelowBarrier } from "../../barrier/physical.ts";
import type { Bytes } from "../../base/bytes.ts";
import { badRequest, describeError } from "../../base/failure.ts";
import {
  type LoadedSnapshot,
  type OpenedSnapshot,
  openSnapshot,
} from "../../core/loaded_snapshots.ts";
import type { Mounts } from "../../core/mounts.ts";
import type { Node } from "../../core/node.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import { SnapshotKeys } from "../../snapshot/keys.ts";
import { metaText } from "../../snapshot/meta.ts";
import type { ReadSnapshot } from "../../snapshot/read.ts";
import { StateFile } from "../../snapshot/state_file.ts";
import { ReadOnlyStorage } from "../../storage/read_only.ts";
import type { Entry, ListOptions, ScanOptions, Storage } from "../../storage/storage.ts";
import { opensSums } from "./restore.ts";

/** Milliseconds until a loaded snapshot goes by itself. */
export const LOADED_FOR = 72 * 3600 * 1000;

type Decrypt = (key: string, frame: Bytes) => Bytes;

/** Plain values of a snapshot. */
class DecryptedState extends ReadOnlyStorage {
  readonly #file: Storage;
  readonly #decrypt: Decrypt;

  constructor(file: Storage, decrypt: Decrypt) {
    super(file);
    this.#file = file;
    this.#decrypt = decrypt;
  }

  override async get(key: string): Promise<Bytes | undefined> {
    if (isBelowBarrier(key)) throw new RangeError(`${key} lies below the barrier`);
    const frame = await this.#file.get(key);
    return frame === undefined ? undefined : this.#decrypt(key, frame);
  }

  override list(prefix: string, options?: ListOptions) {
    return this.#file.list(prefix, options);
  }

  override async scan(prefix: string, options: ScanOptions): Promise<Entry[]> {
    const found = await this.#file.scan(prefix, options);
    return found.filter(({ key }) => !isBelowBarrier(key))
      .map(({ key, value }) => ({ key, value: this.#decrypt(key, value) }));
  }
}

export class SnapshotBeside implements LoadedSnapshot {
  readonly #file: StateFile;
  readonly #mounts: Mounts;
  readonly #sums: Pick<ReadSnapshot, "sums" | "sealedSums">;
  readonly #machine: Omit<BarrierParts, "physical">;
  #keys: SnapshotKeys | undefined;
  #opened: OpenedSnapshot | undefined;

  private constructor(
    readonly id: string,
    readonly createdAt: number,
    /** What is told of the file beside its state. */
    readonly details: JsonObject,
    parts: {
      readonly file: StateFile;
      readonly mounts: Mounts;
      readonly read: ReadSnapshot;
      readonly machine: Omit<BarrierParts, "physical">;
    },
  ) {
    this.#file = parts.file;
    this.#mounts = parts.mounts;
    this.#sums = { sums: parts.read.sums, sealedSums: parts.read.sealedSums };
    this.#machine = parts.machine;
  }

  /** Takes over a file that has been checked. */
  static async load(node: Node, read: ReadSnapshot): Promise<SnapshotBeside> {
    const { clock, random, crypto } = node.platform;
    const { mounts } = node.services;
    const file = await StateFile.open(read);
    const loaded = new SnapshotBeside(random.uuid(), clock.now(), detailsOf(read), {
      file,
      mounts,
      read,
      machine: { clock, random, crypto },
    });
    try {
      const { barrier } = node;
      if (opensSums(barrier, read)) {
        await loaded.#open((key, frame) => barrier.decryptRaw(key, frame));
      } else loaded.#keys = new SnapshotKeys(file, loaded.#machine);
      return loaded;
    } catch (error) {
      await loaded.close();
      throw error;
    }
  }

  get opened(): OpenedSnapshot | undefined {
    return this.#opened;
  }

  get expiresAt(): number {
    return this.createdAt + LOADED_FOR;
  }

  /** Takes an unseal key of the time of the snapshot. Throws a 400 where it is of no use. */
  async unseal(share: string): Promise<void> {
    const keys = this.#keys;
    if (keys === undefined) throw badRequest("the snapshot is open: it needs no keys");
    const barrier = await keys.submit(share);
    if (barrier === undefined) return;
    if (!opensSums(barrier, this.#sums)) {
      this.forgetShares();
      throw badRequest(
        "the keys open the snapshot's keyring, but its checksums were not made by it",
      );
    }
    await this.#open((key, frame) => barrier.decryptRaw(key, frame));
  }

  forgetShares(): void {
    this.#keys?.reset();
  }

  async status(): Promise<JsonObject> {
    const shown = {
      ...this.details,
      created_at: rfc3339(this.createdAt),
      expires_at: rfc3339(this.expiresAt),
      snapshot_id: this.id,
    };
    if (this.#opened !== undefined || this.#keys === undefined) {
      return { ...shown, status: "ready" };
    }
    const { threshold, shares, progress } = await this.#keys.status();
    return { ...shown, status: "sealed", t: threshold, n: shares, progress };
  }

  async close(): Promise<void> {
    this.#opened = undefined;
    this.#keys?.close();
    await this.#file.close();
  }

  async #open(decrypt: Decrypt): Promise<void> {
    const storage = new DecryptedState(this.#file, decrypt);
    try {
      this.#opened = await openSnapshot(this.#mounts, storage);
    } catch (error) {
      throw badRequest(`the snapshot can't be looked at: ${describeError(error)}`, error);
    }
  }
}

function detailsOf({ meta, entryCount, fileBytes }: ReadSnapshot): JsonObject {
  return {
    cluster_id: metaText(meta, "ClusterID"),
    snapshot_created_at: metaText(meta, "CreatedAt"),
    snapshot_index: Number(metaText(meta, "Index")),
    entries: entryCount,
    size: fileBytes,
  };
}
