/**
 * Makes revocation lists. A revocation is one small entry; the lists are made after it by reading all
 * of these page by page, once for all revocations that came meanwhile. What a crash leaves undone is
 * noted in storage (`crl-stale`) and done at the next start.
 */
import { type Cancel } from "../../base/clock.ts";
import { type Bytes, fromHex, fromUtf8, sameBytes, utf8 } from "../../base/bytes.ts";
import { FairTurns } from "../../base/turn.ts";
import { badRequest, describeError } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { toPem } from "../../crypto/keys.ts";
import { makeCrl, revokedEntry } from "../../crypto/x509/crl.ts";
import { namedScheme, schemeFor } from "../../crypto/x509/signature.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import type { View } from "../../storage/transaction.ts";
import {
  decodeRevocation,
  deltaFolder,
  readRevocation,
  revokedFolder,
} from "./certificate_store.ts";
import { type CrlConfig, crlConfig, durationMs } from "./crl_config.ts";
import {
  type CrlInfo,
  type CrlKind,
  deleteCrls,
  putCrl,
  putCrlInfo,
  readCrl,
  readCrlInfo,
} from "./crl_store.ts";
import { type Issuer, readIssuers, requireIssuer } from "./issuer_store.ts";
import type { KeyRing } from "./key_ring.ts";
import { plainReader } from "./key_store.ts";

const staleKey = "crl-stale";
/** Others wait for as long as a page takes. */
const pageSize = 200;
/** Periods are minutes at least. */
const lookMs = 60_000;
/** Leases end by the thousand: their certificates share a list. */
const soonMs = 500;

type Entries = Map<string, Bytes[]>;

export class CrlBuilder {
  readonly #services: () => Services;
  readonly #keys: KeyRing;
  #prefix: string | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #cancelLook: Cancel = () => {};

  constructor(services: () => Services, keys: KeyRing) {
    this.#services = services;
    this.#keys = keys;
  }

  /** From now on, below this prefix of storage. */
  start(prefix: string): void {
    this.#prefix = prefix;
    this.#look(0);
  }

  /** Waits for what is being made. */
  async stop(): Promise<void> {
    this.#prefix = undefined;
    this.#cancelLook();
    await this.#next?.catch(() => {});
    await this.#running?.catch(() => {});
  }

  /** Complete lists are made anew before the request is answered, after its changes are durable. */
  rebuildAfter(call: Call): void {
    call.storage.put(staleKey, utf8(this.#services().mounts.platform.random.uuid()));
    call.transaction.beforeAnswer(() => this.rebuild(`logical/${call.mount.uuid}/`));
  }

  /** The same, for changes that no request waits for. */
  rebuildSoon(storage: View): void {
    storage.put(staleKey, utf8(this.#services().mounts.platform.random.uuid()));
    if (this.#prefix !== undefined) this.#look(soonMs);
  }

  /** Makes all complete lists anew, with all revocations that were durable before the call. */
  rebuild(prefix: string): Promise<void> {
    if (this.#running === undefined) return this.#run(prefix);
    // One that has begun may have read past what is new.
    this.#next ??= this.#running.catch(() => {}).then(() => {
      this.#next = undefined;
      return this.#run(prefix);
    });
    return this.#next;
  }

  #run(prefix: string): Promise<void> {
    const running = this.#build(prefix, "complete").finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  /** Makes the lists of the newest revocations anew. */
  async rebuildDelta(prefix: string): Promise<void> {
    await this.#running?.catch(() => {});
    await this.#build(prefix, "delta");
  }

  async read(call: Call, ref: string, kind: CrlKind): Promise<Bytes | undefined> {
    const issuer = await requireIssuer(call, ref);
    return await readCrl(call.storage, issuer.id, kind);
  }

  /** The default issuer's list, as `cert/crl` answers it. */
  async readAsJson(call: Call, kind: CrlKind): Promise<LogicalResponse> {
    const der = await this.read(call, "default", kind);
    if (der === undefined) throw badRequest("there is no revocation list");
    const certificate = toPem("X509 CRL", der).trimEnd();
    return { data: { certificate, revocation_time: 0, revocation_time_rfc3339: "" } };
  }

  async forget(storage: View, id: string): Promise<void> {
    await deleteCrls(storage, id);
  }

  async #build(prefix: string, kind: CrlKind): Promise<void> {
    const { transactions, mounts: { platform } } = this.#services();
    const before = await transactions.run(async (transaction) => {
      const view = transaction.within(prefix);
      const stale = await view.get(staleKey);
      return {
        stale: stale && fromUtf8(stale),
        config: await crlConfig(plainReader(view)),
        issuers: await readIssuers(plainReader(view)),
      };
    });
    const signing = before.issuers.filter(({ usage, keyId }) =>
      keyId !== "" && usage.includes("crl-signing")
    );
    const fresh = await this.#collectDelta(prefix);
    const complete = kind === "complete" && !before.config.disable
      ? await this.#collect(prefix)
      : new Map<string, Bytes[]>();
    const now = platform.clock.now();
    for (const issuer of signing) {
      const entries = kind === "complete"
        ? complete
        : before.config.disable
        ? complete
        : fresh.entries;
      await this.#sign(prefix, issuer, before.issuers, before.config, kind, entries, now);
    }
    if (kind === "delta") return;
    await transactions.run(async (transaction) => {
      const view = transaction.within(prefix);
      for (const name of fresh.names) view.delete(deltaFolder + name);
      const stale = await view.get(staleKey);
      if (stale !== undefined && fromUtf8(stale) === before.stale) view.delete(staleKey);
    });
  }

  async #sign(
    prefix: string,
    issuer: Issuer,
    issuers: readonly Issuer[],
    config: CrlConfig,
    kind: CrlKind,
    entries: Entries,
    now: number,
  ): Promise<void> {
    const { transactions } = this.#services();
    // Issuers of one name and key are one to whoever checks: each of their lists tells of all.
    const alike = issuers.filter(({ parsed }) =>
      sameBytes(parsed.subject, issuer.parsed.subject) &&
      sameBytes(parsed.publicKey, issuer.parsed.publicKey)
    );
    const own = alike.flatMap(({ id }) => entries.get(id) ?? []);
    await transactions.run(async (transaction) => {
      const view = transaction.within(prefix);
      const info = await readCrlInfo(view, issuer.id);
      await this.#keys.with(view, issuer.keyId, async (key) => {
        const named = namedScheme(issuer.revocationAlgorithm);
        const scheme = named?.scheme ?? schemeFor(key.algorithm, 0, false);
        const number = (info?.number ?? 0) + 1;
        const list = (fields: { number: number; deltaBase?: number; entries: Bytes[] }) =>
          makeCrl(
            {
              issuer: issuer.parsed.subject,
              keyId: issuer.parsed.keyId,
              thisUpdate: now,
              nextUpdate: now + Math.max(1000, durationMs(config.expiry)),
              ...fields,
            },
            key,
            scheme,
          );
        const completeNumber = kind === "complete" ? number : info?.completeNumber ?? 0;
        if (kind === "complete") {
          await putCrl(view, issuer.id, "complete", await list({ number, entries: own }));
        }
        const deltaNumber = kind === "complete" ? number + 1 : number;
        const newest = kind === "complete" ? [] : own;
        const delta = { number: deltaNumber, deltaBase: completeNumber, entries: newest };
        await putCrl(view, issuer.id, "delta", await list(delta));
        putCrlInfo(view, issuer.id, nextInfo(info, kind, now, config, deltaNumber, completeNumber));
      });
    });
  }

  /** All revocations, by issuer. */
  async #collect(prefix: string): Promise<Entries> {
    const found: Entries = new Map();
    await this.#pages(prefix, revokedFolder, (name, value) => {
      const { time, issuerId } = decodeRevocation(value);
      add(found, issuerId, name, time);
    });
    return found;
  }

  /** Those since the last complete list. */
  async #collectDelta(prefix: string): Promise<{ entries: Entries; names: string[] }> {
    const { transactions, mounts: { platform } } = this.#services();
    const entries: Entries = new Map();
    const names: string[] = [];
    await this.#pages(prefix, deltaFolder, (name) => {
      names.push(name);
    });
    const fair = new FairTurns(platform.clock);
    for (const [i, name] of names.entries()) {
      if (i % pageSize === pageSize - 1) await fair.giveWay();
      const serial = fromHex(name.replaceAll("-", "")) ?? new Uint8Array();
      const revocation = await transactions.run((transaction) =>
        readRevocation(transaction.within(prefix), serial)
      );
      if (revocation !== undefined) add(entries, revocation.issuerId, name, revocation.time);
    }
    return { entries, names };
  }

  async #pages(
    prefix: string,
    folder: string,
    use: (name: string, value: Bytes) => void,
  ): Promise<void> {
    const { transactions, mounts: { platform } } = this.#services();
    const fair = new FairTurns(platform.clock);
    let after: string | undefined;
    for (;;) {
      // A transaction for each page: revocations that come meanwhile don't make all of it run again.
      const page = await transactions.run((transaction) =>
        transaction.within(prefix).scan(folder, {
          limit: pageSize,
          ...(after === undefined ? {} : { after }),
        })
      );
      for (const { key, value } of page) use(key.slice(folder.length), value);
      after = page.at(-1)?.key;
      if (page.length < pageSize) return;
      await fair.giveWay();
    }
  }

  #look(delayMs: number): void {
    this.#cancelLook();
    this.#cancelLook = this.#services().mounts.platform.clock.after(delayMs, () => {
      const { log } = this.#services().mounts.platform;
      this.#rebuildDue()
        .catch((error) =>
          log.warn("revocation lists could not be made", { error: describeError(error) })
        )
        .finally(() => {
          if (this.#prefix !== undefined) this.#look(lookMs);
        });
    });
  }

  /** What a crash left, what ends soon, and deltas whose time has come. */
  async #rebuildDue(): Promise<void> {
    const prefix = this.#prefix;
    if (prefix === undefined || this.#running !== undefined) return;
    const { transactions, mounts: { platform } } = this.#services();
    const now = platform.clock.now();
    const due = await transactions.run(async (transaction) => {
      const view = transaction.within(prefix);
      if (await view.get(staleKey) !== undefined) return "complete";
      const config = await crlConfig(plainReader(view));
      if (!config.auto_rebuild) return undefined;
      let delta = false;
      for (const { id } of await readIssuers(plainReader(view))) {
        const info = await readCrlInfo(view, id);
        if (info === undefined) continue;
        if (info.nextUpdate - durationMs(config.auto_rebuild_grace_period) <= now) {
          return "complete";
        }
        delta ||= info.deltaUpdate + durationMs(config.delta_rebuild_interval) <= now;
      }
      return delta && config.enable_delta ? "delta" : undefined;
    });
    if (due === "complete") await this.rebuild(prefix);
    if (due === "delta") await this.rebuildDelta(prefix);
  }
}

function nextInfo(
  before: CrlInfo | undefined,
  kind: CrlKind,
  now: number,
  config: CrlConfig,
  number: number,
  completeNumber: number,
): CrlInfo {
  const end = now + durationMs(config.expiry);
  return {
    number,
    completeNumber,
    thisUpdate: kind === "complete" ? now : before?.thisUpdate ?? now,
    nextUpdate: kind === "complete" ? end : before?.nextUpdate ?? end,
    deltaUpdate: now,
  };
}

function add(entries: Entries, issuerId: string, name: string, time: number): void {
  const serial = fromHex(name.replaceAll("-", ""));
  if (serial === undefined) return;
  const list = entries.get(issuerId) ?? [];
  list.push(revokedEntry(serial, time));
  entries.set(issuerId, list);
}
