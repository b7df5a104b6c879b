/**
 * `X-Vault-Index`: how far the log was applied when a request was answered. A client that sends it
 * with its next request, to whatever node, is answered from a state that has at least that:
 * base64 of `v1:<cluster id>:<index>:<index>:<hex HMAC-SHA256 of what is before it>`.
 */
import { fromUtf8, toHex, utf8 } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import type { CryptoProvider, HmacKey } from "../crypto/provider.ts";
import type { Transaction } from "../storage/transaction.ts";

const storageKey = "core/index-header-hmac-key";
/** Values that one request may carry; the longest is far below the length. */
const VALUES_MAX = 16;
const VALUE_LENGTH_MAX = 512;

export class StateIndex {
  readonly #crypto: CryptoProvider;
  readonly #key: HmacKey;
  #last = { clusterId: "", index: -1, text: "" };

  private constructor(crypto: CryptoProvider, key: Uint8Array) {
    this.#crypto = crypto;
    this.#key = crypto.hmacKey("sha256", key);
  }

  /** Opens it, making the cluster's key on first use. */
  static async open(
    transaction: Transaction,
    crypto: CryptoProvider,
    random: Random,
  ): Promise<StateIndex> {
    let key = await transaction.get(storageKey);
    if (key === undefined) {
      key = random.bytes(32);
      transaction.put(storageKey, key);
    }
    return new StateIndex(crypto, key);
  }

  close(): void {
    this.#key.destroy();
  }

  /** The header's value. */
  write(clusterId: string, index: number): string {
    const last = this.#last;
    if (last.index === index && last.clusterId === clusterId) return last.text;
    const body = `v1:${clusterId}:${index}:${index}`;
    const text = btoa(`${body}:${toHex(this.#key.sign(utf8(body)))}`);
    this.#last = { clusterId, index, text };
    return text;
  }

  /**
   * The greatest index that a request's values name, 0 where they are of other clusters only. Throws
   * a 400 for what this cluster has not written.
   */
  read(header: string, clusterId: string): number {
    const values = header.split(",").map((value) => value.trim()).filter((value) => value !== "");
    if (values.length > VALUES_MAX) throw badRequest("too many X-Vault-Index values");
    return Math.max(0, ...values.map((value) => this.#readOne(value, clusterId)));
  }

  #readOne(value: string, clusterId: string): number {
    const malformed = () => badRequest("malformed X-Vault-Index value");
    if (value.length > VALUE_LENGTH_MAX) throw malformed();
    let text: string;
    try {
      text = fromUtf8(Uint8Array.fromBase64(value));
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
      throw malformed();
    }
    const at = text.lastIndexOf(":");
    const body = text.slice(0, Math.max(0, at));
    const [form, cluster, index, , ...more] = body.split(":");
    if (form !== "v1" || more.length > 0 || !/^\d{1,15}$/.test(index ?? "")) throw malformed();
    if (cluster !== clusterId) return 0;
    const given = utf8(text.slice(at + 1)), own = utf8(toHex(this.#key.sign(utf8(body))));
    if (!this.#crypto.equal(given, own)) throw malformed();
    return Number(index);
  }
}
