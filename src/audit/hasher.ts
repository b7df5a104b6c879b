/**
 * Values in audit logs are keyed hashes: two entries can be matched, a value that is known can be
 * searched for, and nothing can be read back. Each device has a key of its own.
 */
import { toHex, utf8 } from "../base/bytes.ts";
import type { HmacKey } from "../crypto/provider.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "../logical/json.ts";

/** Hashes of tokens and accessors, which come again and again. */
const cacheSize = 1024;

export class ValueHasher {
  readonly #recent = new Map<string, string>();
  /** Of "", which is what most fields hold that hold nothing. */
  readonly #ofNothing: string;

  constructor(readonly key: HmacKey) {
    this.#ofNothing = this.hash("");
  }

  /** `hmac-sha256:` and the hash in hexadecimal, as sys/audit-hash answers it. */
  hash(text: string): string {
    return `hmac-sha256:${toHex(this.key.sign(utf8(text)))}`;
  }

  /** The same for a text that comes often. */
  hashOften(text: string): string {
    const known = this.#recent.get(text);
    if (known !== undefined) return known;
    if (this.#recent.size >= cacheSize) this.#recent.clear();
    const hashed = this.hash(text);
    this.#recent.set(text, hashed);
    return hashed;
  }

  /** All texts of a document hashed, but for the named fields at its top. */
  object(data: JsonObject, plain: readonly string[]): JsonObject {
    const hashed: JsonObject = {};
    for (const [name, value] of Object.entries(data)) {
      if (value === undefined) continue;
      hashed[name] = plain.includes(name) ? value : this.#value(value);
    }
    return hashed;
  }

  #value(value: JsonValue): JsonValue {
    if (typeof value === "string") return value === "" ? this.#ofNothing : this.hash(value);
    if (Array.isArray(value)) return value.map((item) => this.#value(item));
    if (isRawNumber(value) || !isJsonObject(value)) return value;
    return this.object(value, []);
  }
}
