/** The other program's entries in plain. */
import { type Bytes, fromUtf8 } from "../base/bytes.ts";
import { describeError } from "../base/failure.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import { isJsonObject, type JsonObject, parseJson } from "../logical/json.ts";
import type { Account } from "./account.ts";
import type { Source } from "./source.ts";
import { unpack } from "./unpack.ts";
import { UnreadableError } from "./unreadable.ts";
import { isBesideBarrier, VaultBarrier } from "./vault_barrier.ts";

export class Opened {
  private constructor(
    readonly source: Source,
    readonly barrier: VaultBarrier,
    readonly account: Account,
  ) {}

  /** Throws a 400 `Failure` where the keys are not those of the source. */
  static async open(
    source: Source,
    shares: readonly string[],
    crypto: CryptoProvider,
    account: Account,
  ): Promise<Opened> {
    const barrier = await VaultBarrier.open((key) => source.stored(key), shares, crypto);
    return new Opened(source, barrier, account);
  }

  /** Keys below a prefix, in order. */
  below(prefix: string): string[] {
    const { keys } = this.source;
    let low = 0, high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((keys[middle] ?? "") < prefix) low = middle + 1;
      else high = middle;
    }
    const found: string[] = [];
    for (let i = low; keys[i]?.startsWith(prefix); i++) found.push(keys[i] ?? "");
    return found;
  }

  /** Undefined where there is no such key. Throws `UnreadableError`. */
  async read(key: string): Promise<Bytes | undefined> {
    const frame = await this.source.stored(key);
    if (frame === undefined) return undefined;
    const value = unpack(isBesideBarrier(key) ? frame : this.barrier.decrypt(key, frame));
    this.account.take(key);
    return value;
  }

  /**
   * What `decode` makes of a value; undefined where there is none, or where it can't be read: then
   * the account tells.
   */
  async decoded<T>(key: string, decode: (bytes: Bytes) => T): Promise<T | undefined> {
    try {
      const bytes = await this.read(key);
      return bytes === undefined ? undefined : decode(bytes);
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      this.account.fail(key, describeError(error));
      return undefined;
    }
  }

  /** A value that is a JSON object. */
  object(key: string): Promise<JsonObject | undefined> {
    return this.decoded(key, jsonObject);
  }

  /** Everything below a prefix is left, for a reason. */
  leaveBelow(prefix: string, what: string, reason: string): void {
    const keys = this.below(prefix);
    for (const key of keys) this.account.take(key);
    this.account.leave(what, reason, keys.length);
  }

  async close(): Promise<void> {
    this.barrier.close();
    await this.source.close();
  }
}

/** Throws `UnreadableError`, without a word of what was in it. */
export function jsonObject(bytes: Bytes): JsonObject {
  try {
    const value = parseJson(fromUtf8(bytes));
    if (isJsonObject(value)) return value;
  } catch (error) {
    const told = error instanceof SyntaxError || error instanceof TypeError;
    if (!told) throw error;
  }
  throw new UnreadableError("it is no JSON object");
}
