/** Settings of the API's HTTP side that operators change at run time: CORS, UI headers, and which
 * request headers the audit devices record. Few and small: kept in memory while unsealed. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Transaction } from "../storage/transaction.ts";

export interface CorsConfig {
  readonly allowedOrigins: readonly string[];
  readonly allowedHeaders: readonly string[];
}

export interface AuditedHeader {
  readonly hmac: boolean;
}

interface Stored {
  /** Undefined while CORS is off. */
  readonly cors?: CorsConfig;
  /** Header values by name as it was written. */
  readonly uiHeaders: Readonly<Record<string, readonly string[]>>;
  /** By lower-case name. */
  readonly auditedHeaders: Readonly<Record<string, AuditedHeader>>;
}

const unset: Stored = { uiHeaders: {}, auditedHeaders: {} };

const key = "core/http-settings";

export class HttpSettings {
  #current: Stored = unset;

  async load(transaction: Transaction): Promise<void> {
    const bytes = await transaction.get(key);
    this.#current = bytes === undefined ? unset : JSON.parse(fromUtf8(bytes));
  }

  get current(): Stored {
    return this.#current;
  }

  /** In force once the transaction is durable. */
  change(transaction: Transaction, changed: Partial<Stored>): void {
    const next = { ...this.#current, ...changed };
    transaction.put(key, utf8(JSON.stringify(next)));
    transaction.afterCommit(() => {
      this.#current = next;
    });
  }
}
