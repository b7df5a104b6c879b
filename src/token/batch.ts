/**
 * Batch tokens: no storage at all. The token is the entry itself, sealed with the barrier's keyring
 * so that only this cluster can have made it.
 */
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { Bytes } from "../base/bytes.ts";
import type { TokenEntry } from "./entry.ts";
import { batchPrefix } from "./text.ts";
import type { NewToken } from "./store.ts";

/** Seals bytes with the cluster's keyring, bound to a context. */
export interface BatchSeal {
  encrypt(context: string, plaintext: Bytes): Bytes;
  /** Throws where the bytes were not made by `encrypt` with the same context. */
  decrypt(context: string, sealed: Bytes): Bytes;
}

const context = "core/batch-token";

/** A sealed entry is far below this; longer text is not worth decoding. */
const maxTextLength = 8192;

export class BatchTokens {
  constructor(readonly seal: BatchSeal, readonly clock: Clock) {}

  create(made: NewToken): { token: string; entry: TokenEntry } {
    const entry: TokenEntry = {
      ...made,
      id: "",
      accessor: "",
      numUses: 0,
      renewable: false,
      creationTime: this.clock.now(),
      lastRenewal: 0,
      type: "batch",
    };
    const sealed = this.seal.encrypt(context, utf8(JSON.stringify(entry)));
    return { token: batchPrefix + toBase64Url(sealed), entry };
  }

  /** The entry, or undefined for a text that is no batch token of this cluster. */
  open(text: string): TokenEntry | undefined {
    const body = text.slice(text.indexOf(".") + 1);
    const sealed = text.length > maxTextLength ? undefined : fromBase64Url(body);
    if (sealed === undefined) return undefined;
    let plaintext: Bytes;
    try {
      plaintext = this.seal.decrypt(context, sealed);
    } catch {
      // Not made here, or altered: to the caller, no token at all.
      return undefined;
    }
    const entry: TokenEntry = JSON.parse(fromUtf8(plaintext));
    return entry;
  }
}
