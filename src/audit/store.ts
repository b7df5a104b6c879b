/** Enabled devices in storage, and opening them when the node unseals. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { badRequest, describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";
import type { Registry } from "../telemetry/registry.ts";
import { AuditBroker, type EnabledDevice } from "./broker.ts";
import { type DeclaredDevice, isSame } from "./declared.ts";
import { type AuditDevice, type DeviceOpener, type DeviceOptions, flag } from "./device.ts";
import { type AuditedHeaders, Formatter } from "./format.ts";
import { ValueHasher } from "./hasher.ts";
import { type DeviceSettings, readSettings } from "./options.ts";
import { RetryingDevice } from "./retrying_device.ts";

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
  /** It stands in the configuration, and goes when it is taken out of it. */
  readonly declared?: boolean;
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
  /** Read anew each time, so that a reload can change it. */
  readonly rules: () => AuditRules;
}

export interface AuditRules {
  /** Devices may have a prefix. */
  readonly allowPrefix: boolean;
  /** Devices can be enabled over the API. */
  readonly allowApi: boolean;
  /** Devices of the configuration. */
  readonly declared: readonly DeclaredDevice[];
}

/** A device as it is kept, with the salt of its hashes. */
export interface StoredDevice {
  readonly entry: AuditEntry;
  readonly hasher: ValueHasher;
}

export class AuditTable {
  readonly broker: AuditBroker;
  /** Paths of those that were opened from storage, by UUID. */
  readonly #open = new Map<string, string>();

  constructor(readonly parts: AuditParts) {
    this.broker = new AuditBroker(parts.clock, parts.log, parts.registry);
  }

  /** Opens what is enabled. A device that can't be opened is logged; it fails until it can. */
  async load(transaction: Transaction): Promise<void> {
    await this.follow(await this.stored(transaction));
  }

  /** All that are enabled, as they are stored. */
  async stored(transaction: Transaction): Promise<StoredDevice[]> {
    const found: StoredDevice[] = [];
    for (const entry of await this.list(transaction)) {
      found.push({ entry, hasher: await this.#hasher(transaction, entry) });
    }
    return found;
  }

  /** Opens those that are not open yet, and closes those that are not among them any more. */
  async follow(devices: readonly StoredDevice[]): Promise<void> {
    const stays = new Set(devices.map(({ entry }) => entry.uuid));
    for (const [uuid, path] of this.#open) {
      if (stays.has(uuid)) continue;
      this.#open.delete(uuid);
      await this.broker.remove(path);
    }
    for (const { entry, hasher } of devices) {
      if (this.#open.has(entry.uuid)) continue;
      this.#open.set(entry.uuid, entry.path);
      this.broker.add(await this.#openOrRetry(entry, hasher));
    }
  }

  /**
   * Enables what the configuration declares and disables what it declares no more. A device that
   * the API has enabled at the same path stays, and the log says so.
   */
  async applyDeclared(transactions: Transactions): Promise<void> {
    const { declared } = this.parts.rules();
    const entries = await transactions.run((transaction) => this.list(transaction));
    const gone = entries.filter((entry) =>
      entry.declared && !declared.some((one) => isSame(one, entry))
    );
    for (const entry of gone) {
      await transactions.run((transaction) => this.#forget(transaction, entry));
      await this.broker.remove(entry.path);
    }
    const kept = entries.filter((entry) => !gone.includes(entry));
    for (const wanted of declared) {
      const other = kept.find((entry) => clash(entry.path, wanted.path));
      if (other === undefined) await this.#declare(transactions, wanted);
      else if (!isSame(wanted, other)) this.#warnOfClash(wanted, other);
    }
  }

  async #declare(transactions: Transactions, wanted: DeclaredDevice): Promise<void> {
    const entry = { ...wanted, uuid: this.parts.random.uuid(), declared: true };
    const hasher = await transactions.run((transaction) => {
      this.#keep(transaction, entry);
      return this.#hasher(transaction, entry);
    });
    this.broker.add(await this.#openOrRetry(entry, hasher));
  }

  #warnOfClash(wanted: DeclaredDevice, other: AuditEntry): void {
    this.parts.log.warn("a declared audit device is not enabled: its path is in use", {
      device: wanted.path,
      by: other.path,
    });
  }

  async list(transaction: Transaction): Promise<AuditEntry[]> {
    const found = await transaction.scan(tablePrefix, { limit: 1000 });
    return found.map(({ value }) => decodeEntry(value)).sort((a, b) => a.path < b.path ? -1 : 1);
  }

  /** Opens a new device, records a test line in it, and keeps it. */
  async enable(transaction: Transaction, wanted: Omit<AuditEntry, "uuid">): Promise<void> {
    if (!this.parts.rules().allowApi) {
      throw badRequest("audit devices are enabled in the configuration only, as it says itself");
    }
    const entry = { ...wanted, uuid: this.parts.random.uuid() };
    const others = await this.list(transaction);
    if (others.some(({ path }) => clash(path, entry.path))) throw badRequest("path already in use");
    const settings = this.#settings(entry);
    const fallback = others.find(({ options }) => flag(options, "fallback", false));
    if (settings.fallback && fallback !== undefined) {
      throw badRequest(`there can be but one fallback device, and ${fallback.path} is it`);
    }
    const device = await this.#opener(entry)(entry.options);
    const opened = this.#enabled(entry, await this.#hasher(transaction, entry), settings, device);
    let isKept = false;
    transaction.afterCommit(() => {
      isKept = true;
      this.broker.add(opened);
    });
    transaction.afterEnd(() => isKept || this.#closeQuietly(opened));
    if (!settings.skipTest) await this.#test(opened);
    this.#keep(transaction, entry);
  }

  async #test({ device, formatter, settings }: EnabledDevice): Promise<void> {
    try {
      await device.write([`${settings.prefix}${formatter.test(this.parts.clock.now())}\n`]);
    } catch (cause) {
      throw badRequest(`the audit device failed its test: ${describeError(cause)}`, cause);
    }
  }

  #closeQuietly({ device, path }: EnabledDevice): void {
    device.close().catch((error) =>
      this.parts.log.warn("an audit device could not be closed", {
        device: path,
        error: describeError(error),
      })
    );
  }

  /** Forgets a device; one that is not there is as good as disabled. */
  async disable(transaction: Transaction, path: string): Promise<void> {
    const entry = (await this.list(transaction)).find((one) => one.path === path);
    if (entry === undefined) return;
    if (entry.declared) throw badRequest(`${path} is declared in the configuration; it goes there`);
    this.#forget(transaction, entry);
    // Answers are recorded before it goes: the last line says who disabled it.
    transaction.beforeAnswer(() => this.broker.remove(path));
  }

  #keep(transaction: Transaction, entry: AuditEntry): void {
    transaction.put(tablePrefix + entry.uuid, utf8(JSON.stringify(entry)));
  }

  #forget(transaction: Transaction, entry: AuditEntry): void {
    transaction.delete(tablePrefix + entry.uuid);
    transaction.delete(saltPrefix + entry.uuid);
  }

  async #hasher(transaction: Transaction, entry: AuditEntry): Promise<ValueHasher> {
    let salt = await transaction.get(saltPrefix + entry.uuid);
    if (salt === undefined) {
      salt = this.parts.random.bytes(32);
      transaction.put(saltPrefix + entry.uuid, salt);
    }
    return new ValueHasher(this.parts.crypto.hmacKey("sha256", salt));
  }

  /** A device that can't be opened now fails its lines until it can. */
  async #openOrRetry(entry: AuditEntry, hasher: ValueHasher): Promise<EnabledDevice> {
    try {
      const device = await this.#opener(entry)(entry.options);
      return this.#enabled(entry, hasher, this.#settings(entry), device);
    } catch (error) {
      this.parts.log.error(
        "an audit device could not be opened; requests it should record fail",
        { device: entry.path, error: describeError(error) },
      );
      const settings = readSettings(entry.options, true);
      return this.#enabled(entry, hasher, settings, this.#retrying(entry));
    }
  }

  #settings({ options }: AuditEntry): DeviceSettings {
    return readSettings(options, this.parts.rules().allowPrefix);
  }

  #opener(entry: AuditEntry): DeviceOpener {
    const { openers } = this.parts;
    const opener = Object.hasOwn(openers, entry.type) ? openers[entry.type] : undefined;
    if (opener === undefined) throw badRequest(`unknown backend type: "${entry.type}"`);
    return opener;
  }

  #retrying(entry: AuditEntry): RetryingDevice {
    return new RetryingDevice(() => {
      this.#settings(entry);
      return this.#opener(entry)(entry.options);
    });
  }

  #enabled(
    { path }: AuditEntry,
    hasher: ValueHasher,
    settings: DeviceSettings,
    device: AuditDevice,
  ): EnabledDevice {
    const formatter = new Formatter(hasher, settings, this.parts.auditedHeaders);
    return { path, settings, device, formatter };
  }
}

function clash(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function decodeEntry(bytes: Uint8Array): AuditEntry {
  const entry: AuditEntry = JSON.parse(fromUtf8(bytes));
  return entry;
}
