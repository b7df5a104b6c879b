/** What key holders do together: unseal, rekey, make root tokens. One set a node. */
import type { Barrier } from "../barrier/barrier.ts";
import { WrongRootKeyError } from "../barrier/errors.ts";
import { type Bytes, wipe } from "../base/bytes.ts";
import { DecryptError } from "../crypto/provider.ts";
import { readRootKey } from "../seal/stored.ts";
import { type InitOptions, prepareInit } from "../seal/init.ts";
import { GenerateRoot } from "../seal/generate_root.ts";
import { Rekey } from "../seal/rekey.ts";
import { ShamirSeal } from "../seal/shamir_seal.ts";
import { UnsealProgress } from "../seal/unseal.ts";
import { UnsealKey } from "../seal/unseal_key.ts";
import type { Storage } from "../storage/storage.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import { joinThrough } from "../ha/join_through.ts";
import type { Platform } from "./backend.ts";

/** Bytes of a root token's text: the one-time password is as long. */
const rootTokenLength = 28;

export class Ceremonies {
  readonly seal: ShamirSeal;
  readonly progress: UnsealProgress;
  readonly rekey: Rekey;
  readonly generateRoot: GenerateRoot;
  readonly #holders: UnsealKey;

  constructor(
    readonly platform: Platform,
    readonly physical: Storage,
    readonly barrier: Barrier,
    createRootToken: () => Promise<string>,
    readonly ha?: HighAvailability,
  ) {
    const { crypto, random, clock } = platform;
    this.seal = new ShamirSeal(crypto, random);
    const joining = ha === undefined ? undefined : joinThrough(ha, physical);
    this.progress = new UnsealProgress({ physical, seal: this.seal, crypto, random, joining });
    const holders = new UnsealKey({ physical, barrier, seal: this.seal, random });
    this.#holders = holders;
    this.rekey = new Rekey({ target: holders, crypto, clock, random });
    this.generateRoot = new GenerateRoot({
      holders,
      crypto,
      clock,
      random,
      strategy: { tokenLength: rootTokenLength, createToken: createRootToken },
    });
  }

  /** Checks the numbers of an initialisation and returns what does it. */
  async prepareInit(options: InitOptions) {
    const { clock, random } = this.platform;
    const parts = { barrier: this.barrier, seal: this.seal, clock, random };
    const run = await prepareInit(parts, options);
    return async () => {
      await this.ha?.bootstrap();
      return await run();
    };
  }

  /**
   * Takes up the keyring as another node left it, also where that has replaced the root key under
   * the same unseal key. Throws `WrongRootKeyError` where the unseal key is another too.
   */
  async reload(): Promise<void> {
    try {
      await this.barrier.reload();
    } catch (error) {
      if (!(error instanceof WrongRootKeyError)) throw error;
      await this.#reopen(error);
    }
  }

  async #reopen(wrong: WrongRootKeyError): Promise<void> {
    let rootKey: Bytes | undefined;
    try {
      rootKey = await readRootKey(this.physical, this.seal);
      this.barrier.seal();
      await this.barrier.unseal(rootKey);
    } catch (error) {
      throw error instanceof DecryptError ? wrong : error;
    } finally {
      wipe(rootKey);
    }
  }

  /** Replaces the root key under the unseal key in force. */
  async rotateRootKey(): Promise<void> {
    await this.#holders.rotateRoot();
  }

  /** Forgets everything that is under way, and the seal's key. */
  reset(): void {
    this.progress.reset();
    this.rekey.reset();
    this.generateRoot.cancel();
    this.seal.forget();
  }
}
