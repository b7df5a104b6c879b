/** Shares that were handed in one by one, until there are enough of them. */
import { type Bytes, wipe } from "../base/bytes.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import { combineShares } from "./shares.ts";

export class ShareCollector {
  readonly #crypto: CryptoProvider;
  #shares: Bytes[] = [];

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  /** Shares that wait. */
  get progress(): number {
    return this.#shares.length;
  }

  /** Keeps a share, which it owns from now on; false (and wiped) where it has it already. */
  add(share: Bytes): boolean {
    if (this.#shares.some((known) => this.#crypto.equal(known, share))) {
      wipe(share);
      return false;
    }
    this.#shares.push(share);
    return true;
  }

  /**
   * Combines what waits and starts again, whatever comes of it. The caller wipes the key. Throws a
   * 400 `Failure` where the shares can't belong together.
   */
  async combine(): Promise<Bytes> {
    const shares = this.#shares;
    this.#shares = [];
    try {
      return await combineShares(shares);
    } finally {
      wipe(...shares);
    }
  }

  /** Wipes what waits. */
  reset(): void {
    wipe(...this.#shares);
    this.#shares = [];
  }
}
