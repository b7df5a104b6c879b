/**
 * The mount tables: which engine, auth method answers where. One storage entry a mount, so that a
 * change costs the same however many there are; all are in memory while the node is unsealed.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { rootNamespace } from "../logical/namespace.ts";
import { readPage } from "../storage/page.ts";
import type { Transaction, View } from "../storage/transaction.ts";
import type { LogicalBackend, MountInfo, Platform } from "./backend.ts";
import {
  defaultMountConfig,
  type MountConfig,
  type MountEntry,
  type MountTableName,
  routePath,
  storagePrefix,
} from "./mount_entry.ts";
import { type Mounted, Router } from "./router.ts";

/** Makes the backend of a type; undefined where there is no such type. */
export type BackendFactory = (
  table: MountTableName,
  type: string,
) => LogicalBackend | undefined;

/** The system's TTLs in seconds. */
export interface SystemTtls {
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
}

/** What it takes to make a mount; the rest is filled in. */
export interface NewMount {
  readonly table: MountTableName;
  readonly path: string;
  readonly type: string;
  readonly description?: string;
  readonly config?: Partial<MountConfig>;
  readonly options?: Readonly<Record<string, string>>;
  readonly local?: boolean;
  readonly sealWrap?: boolean;
  readonly externalEntropyAccess?: boolean;
  /** One that it had elsewhere; made up where it is missing. */
  readonly accessor?: string;
}

/** Changes with every change of the tables. */
const revisionKey = "core/mounts-revision";

const tables: readonly MountTableName[] = ["mounts", "auth"];

export class Mounts {
  readonly router = new Router();

  constructor(
    readonly platform: Platform,
    readonly factory: BackendFactory,
    readonly ttls: SystemTtls,
  ) {}

  /** Reads the tables, making those mounts that always exist. Who opens the node lets them start. */
  async load(transaction: Transaction, always: readonly NewMount[]): Promise<void> {
    for (const entry of await this.entries(transaction)) this.#open(entry);
    for (const mount of always) {
      const prefix = mount.table === "auth" ? "auth/" : "";
      if (this.router.at(prefix + mount.path) === undefined) await this.#place(transaction, mount);
    }
  }

  /** All entries, as they are stored. */
  entries(transaction: Transaction): Promise<MountEntry[]> {
    return readMountEntries(transaction);
  }

  /** Takes up the tables as another node has left them. */
  async follow(entries: readonly MountEntry[]): Promise<void> {
    const before = new Map([...this.router.all()].map((mounted) => [mounted.entry.uuid, mounted]));
    const stays = new Set(entries.map((entry) => JSON.stringify(entry)));
    for (const { entry } of before.values()) {
      if (!stays.has(JSON.stringify(entry))) this.router.remove(routePath(entry));
    }
    for (const entry of entries) {
      const known = before.get(entry.uuid);
      before.delete(entry.uuid);
      if (known === undefined) this.#open(entry);
      else if (this.router.at(routePath(entry))?.entry.uuid !== entry.uuid) {
        this.router.add(entry, known.backend);
      }
    }
    for (const { backend } of before.values()) await backend.close?.();
  }

  /** Mounts at once in memory after the transaction commits, and lets the backend start. */
  async add(transaction: Transaction, mount: NewMount): Promise<MountEntry> {
    const { entry, backend } = await this.#place(transaction, mount);
    transaction.afterCommit(() => backend.start?.(this.info(entry)));
    return entry;
  }

  async #place(
    transaction: Transaction,
    mount: NewMount,
  ): Promise<{ entry: MountEntry; backend: LogicalBackend }> {
    const backend = this.factory(mount.table, mount.type);
    if (backend === undefined) {
      throw badRequest(`plugin not found in the catalog: no backend of type "${mount.type}"`);
    }
    const entry: MountEntry = {
      uuid: this.platform.random.uuid(),
      table: mount.table,
      path: mount.path,
      type: mount.type,
      description: mount.description ?? "",
      accessor: mount.accessor ??
        `${accessorName(mount)}_${this.platform.random.uuid().slice(0, 8)}`,
      config: { ...defaultMountConfig, ...mount.config },
      options: mount.options ?? {},
      local: mount.local ?? false,
      sealWrap: mount.sealWrap ?? false,
      externalEntropyAccess: mount.externalEntropyAccess ?? false,
      namespaceId: rootNamespace.id,
      tainted: false,
    };
    await this.save(transaction, entry);
    const info = this.info(entry);
    const storage = transaction.within(storagePrefix(entry));
    await backend.initialize?.({ mount: info, storage, transaction });
    transaction.afterCommit(() => this.router.add(entry, backend));
    return { entry, backend };
  }

  /** Keeps a changed entry; the router follows once it is committed. */
  async change(transaction: Transaction, before: MountEntry, after: MountEntry): Promise<void> {
    await this.save(transaction, after);
    const mounted = this.router.at(routePath(before));
    if (mounted === undefined) throw badRequest(`no mount at ${routePath(before)}`);
    await mounted.backend.initialize?.({
      mount: this.info(after),
      storage: transaction.within(storagePrefix(after)),
      transaction,
    });
    transaction.afterCommit(() => {
      this.router.remove(routePath(before));
      this.router.add(after, mounted.backend);
    });
  }

  /** Forgets the entry. Its data and leases are the caller's to remove first. */
  remove(transaction: Transaction, entry: MountEntry): void {
    transaction.delete(`core/${entry.table}/${entry.uuid}`);
    transaction.afterCommit(() => this.router.remove(routePath(entry)));
  }

  /** Two changes of the tables can't both be right about what is free: one of them runs again. */
  async save(transaction: Transaction, entry: MountEntry): Promise<void> {
    await this.#bumpRevision(transaction);
    transaction.put(`core/${entry.table}/${entry.uuid}`, utf8(JSON.stringify(entry)));
  }

  async #bumpRevision(transaction: Transaction): Promise<void> {
    await transaction.get(revisionKey);
    transaction.put(revisionKey, utf8(this.platform.random.uuid()));
  }

  /** Entries of one table, ordered by path. */
  list(table: MountTableName): MountEntry[] {
    return [...this.router.all()].map(({ entry }) => entry)
      .filter((entry) => entry.table === table)
      .sort((a, b) => a.path < b.path ? -1 : 1);
  }

  byAccessor(accessor: string): Mounted | undefined {
    for (const mounted of this.router.all()) {
      if (mounted.entry.accessor === accessor) return mounted;
    }
    return undefined;
  }

  /** The mount as its backend sees it, the system's TTLs filled in. */
  info(entry: MountEntry): MountInfo {
    return {
      path: routePath(entry),
      uuid: entry.uuid,
      accessor: entry.accessor,
      namespace: rootNamespace,
      defaultLeaseTtl: entry.config.defaultLeaseTtl || this.ttls.defaultLeaseTtl,
      maxLeaseTtl: entry.config.maxLeaseTtl || this.ttls.maxLeaseTtl,
      options: entry.options,
      local: entry.local,
      tokenType: entry.config.tokenType,
    };
  }

  #open(entry: MountEntry): void {
    const backend = this.factory(entry.table, entry.type);
    if (backend === undefined) {
      throw new Error(
        `the mount table names an unknown backend type "${entry.type}" at ${routePath(entry)}`,
      );
    }
    this.router.add(entry, backend);
  }
}

/** The entries of all mount tables in a storage. Throws where one can't be read. */
export async function readMountEntries(storage: Pick<View, "scan">): Promise<MountEntry[]> {
  const entries: MountEntry[] = [];
  for (const table of tables) {
    let after: string | undefined;
    do {
      const page = await readPage(storage, `core/${table}/`, after, 500);
      for (const { key, value } of page.entries) entries.push(decodeMount(key, value));
      after = page.next;
    } while (after !== undefined);
  }
  return entries;
}

function accessorName(mount: NewMount): string {
  return mount.table === "auth" ? `auth_${mount.type}` : mount.type;
}

function decodeMount(key: string, value: Uint8Array): MountEntry {
  try {
    const entry: MountEntry = JSON.parse(fromUtf8(value));
    return entry;
  } catch (cause) {
    throw new Error(`the mount table entry ${key} can't be read`, { cause });
  }
}
