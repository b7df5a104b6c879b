/** Enabled devices in storage, and opening them when the node unseals. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { badRequest, describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { Registry } from "../telemetry/registry.ts";
import { AuditBroker, type EnabledDevice } from "./broker.ts";
import { RetryingDevice } from "./retrying_device.ts";
import { type AuditDevice, type DeviceOpener, type DeviceOptions, flag } from "./device.ts";
import { type AuditedHeaders, Formatter } from "./format.ts";
import { ValueHasher } from "./hasher.ts";

const tablePrefix = "core/audit/";
const saltPrefix = "core/audit-salt/";

export interface AuditEntry {
  readonly uuid: string;
  /** Ends in "/". */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: DeviceOptions;
  readonly local: boolean;
}

export interface AuditParts {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** By type. */
  readonly openers: Readonly<Record<string, DeviceOpener>>;
  /** Request headers to record, by lower-case name. */
  readonly auditedHeaders: AuditedHeaders;
  /** Where it is measured; nowhere where absent. */
  readonly registry?: Registry;
}

export class AuditTable {
  readonly broker: AuditBroker;

  constructor(readonly parts: AuditParts) {
    this.broker = new AuditBroker(parts.clock, parts.log, parts.registry);
  }

  /** Opens what is enabled. A device that can't be opened is logged; it fails until it can. */
  async load(transaction: Transaction): Promise<void> {
    for (const entry of await this.list(transaction)) {
      const hasher = await this.#hasher(transaction, entry);
      try {
        this.broker.add(await this.#open(entry, hasher));
      } catch (error) {
        this.parts.log.error(
          "an audit device could not be opened; requests it should record fail",
          {
            device: entry.path,
            error: describeError(error),
          },
        );
        this.broker.add(this.#enabled(entry, hasher, this.#retrying(entry)));
      }
    }
  }

  async list(transaction: Transaction): Promise<AuditEntry[]> {
    const found = await transaction.scan(tablePrefix, { limit: 1000 });
    return found.map(({ value }) => decodeEntry(value)).sort((a, b) => a.path < b.path ? -1 : 1);
  }

  /** Opens a new device, records a test line in it, and keeps it. */
  async enable(transaction: Transaction, wanted: Omit<AuditEntry, "uuid">): Promise<void> {
    const entry = { ...wanted, uuid: this.parts.random.uuid() };
    if ((await this.list(transaction)).some(({ path }) => clash(path, entry.path))) {
      throw badRequest("path already in use");
    }
    const opened = await this.#open(entry, await this.#hasher(transaction, entry));
    const { type, time } = {
      type: "request",
      time: new Date(this.parts.clock.now()).toISOString(),
    };
    try {
      const test = { time, type, request: { operation: "update", path: "sys/audit/test" } };
      if (!flag(entry.options, "skip_test", false)) {
        await opened.device.write(`${opened.prefix}${JSON.stringify(test)}\n`);
      }
    } catch (cause) {
      await opened.device.close();
      throw badRequest(`the audit device failed its test: ${describeError(cause)}`, cause);
    }
    transaction.put(tablePrefix + entry.uuid, utf8(JSON.stringify(entry)));
    transaction.afterCommit(() => this.broker.add(opened));
  }

  /** Forgets a device; one that is not there is as good as disabled. */
  async disable(transaction: Transaction, path: string): Promise<void> {
    const entry = (await this.list(transaction)).find((one) => one.path === path);
    if (entry === undefined) return;
    transaction.delete(tablePrefix + entry.uuid);
    transaction.delete(saltPrefix + entry.uuid);
    // Answers are recorded before it goes: the last line says who disabled it.
    transaction.beforeAnswer(() => this.broker.remove(path));
  }

  async #hasher(transaction: Transaction, entry: AuditEntry): Promise<ValueHasher> {
    let salt = await transaction.get(saltPrefix + entry.uuid);
    if (salt === undefined) {
      salt = this.parts.random.bytes(32);
      transaction.put(saltPrefix + entry.uuid, salt);
    }
    return new ValueHasher(this.parts.crypto.hmacKey("sha256", salt));
  }

  async #open(entry: AuditEntry, hasher: ValueHasher): Promise<EnabledDevice> {
    const format = entry.options.format ?? "json";
    if (format !== "json") throw badRequest(`unknown format type "${format}"`);
    return this.#enabled(entry, hasher, await this.#opener(entry)(entry.options));
  }

  #opener(entry: AuditEntry): DeviceOpener {
    const { openers } = this.parts;
    const opener = Object.hasOwn(openers, entry.type) ? openers[entry.type] : undefined;
    if (opener === undefined) throw badRequest(`unknown backend type: "${entry.type}"`);
    return opener;
  }

  #retrying(entry: AuditEntry): RetryingDevice {
    return new RetryingDevice(() => this.#opener(entry)(entry.options));
  }

  #enabled(entry: AuditEntry, hasher: ValueHasher, device: AuditDevice): EnabledDevice {
    const { path, options } = entry;
    return {
      path,
      prefix: options.prefix ?? "",
      device,
      formatter: new Formatter(hasher, {
        hmacAccessor: flag(options, "hmac_accessor", true),
        logRaw: flag(options, "log_raw", false),
        elideListResponses: flag(options, "elide_list_responses", false),
      }, this.parts.auditedHeaders),
    };
  }
}

function clash(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function decodeEntry(bytes: Uint8Array): AuditEntry {
  const entry: AuditEntry = JSON.parse(fromUtf8(bytes));
  return entry;
}
