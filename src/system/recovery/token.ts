/** The one token of a recovery session: made once, kept as a hash in memory, gone at the end. */
import { utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { Platform } from "../../core/backend.ts";
import type { TokenStrategy } from "../../seal/generate_root.ts";
import { randomBase62 } from "../../base/base62.ts";
import { recoveryPrefix } from "../../token/text.ts";

const randomLength = 24;

export class RecoveryToken implements TokenStrategy {
  readonly tokenLength = recoveryPrefix.length + randomLength;
  #hash: Uint8Array | undefined;

  constructor(readonly platform: Platform) {}

  get isMade(): boolean {
    return this.#hash !== undefined;
  }

  /** Throws a 400 where there is one: who lost it starts the node anew. */
  createToken(): Promise<string> {
    this.checkNotMade();
    const text = recoveryPrefix + randomBase62(this.platform.random, randomLength);
    this.#hash = this.platform.crypto.hash("sha256", utf8(text));
    return Promise.resolve(text);
  }

  checkNotMade(): void {
    if (this.isMade) {
      throw badRequest("the recovery token has been made already; a restart forgets it");
    }
  }

  /** Whether a text is the token; takes as long for any text of its length. */
  is(text: string): boolean {
    const { crypto } = this.platform;
    const given = crypto.hash("sha256", utf8(text));
    return this.#hash !== undefined && crypto.equal(this.#hash, given);
  }
}
