/** Opens what a snapshot is sealed with: its own keyring, by its own unseal keys, apart from any node. */
import { Barrier, type BarrierParts } from "../barrier/barrier.ts";
import { wipe } from "../base/bytes.ts";
import { ShamirSeal } from "../seal/shamir_seal.ts";
import { UnsealProgress, type UnsealStatus } from "../seal/unseal.ts";
import type { Storage } from "../storage/storage.ts";

export class SnapshotKeys {
  readonly #barrier: Barrier;
  readonly #seal: ShamirSeal;
  readonly #progress: UnsealProgress;

  /** `physical` holds at least what lies below the snapshot's barrier. */
  constructor(physical: Storage, machine: Omit<BarrierParts, "physical">) {
    const { crypto, random } = machine;
    this.#barrier = new Barrier({ physical, ...machine });
    this.#seal = new ShamirSeal(crypto, random);
    this.#progress = new UnsealProgress({ physical, seal: this.#seal, crypto, random });
  }

  status(): Promise<UnsealStatus> {
    return this.#progress.status();
  }

  /**
   * Takes a share. With the last that is needed it returns the barrier, open, which stays this
   * object's to close; before that undefined. Throws a 400 `Failure` for wrong ones.
   */
  async submit(share: string): Promise<Barrier | undefined> {
    const rootKey = await this.#progress.submit(share);
    if (rootKey === undefined) return undefined;
    try {
      await this.#barrier.unseal(rootKey);
      return this.#barrier;
    } finally {
      wipe(rootKey);
      this.#seal.forget();
    }
  }

  /** Forgets the shares that wait. */
  reset(): void {
    this.#progress.reset();
  }

  /** Destroys all keys; the physical storage stays open. */
  close(): void {
    this.reset();
    this.#seal.forget();
    this.#barrier.seal();
  }
}
