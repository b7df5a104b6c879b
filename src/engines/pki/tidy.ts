/**
 * Deletes what is of no use any more: certificates and revocations past their end. Page by page, each
 * in a transaction of its own, so that it holds nobody up.
 */
import { type Cancel, sleep } from "../../base/clock.ts";
import { type Bytes, fromHex } from "../../base/bytes.ts";
import { FairTurns } from "../../base/turn.ts";
import { describeError } from "../../base/failure.ts";
import type { Services } from "../../core/services.ts";
import { DerError } from "../../crypto/der.ts";
import { readCertificate } from "../../crypto/x509/certificate.ts";
import type { View } from "../../storage/transaction.ts";
import {
  certificateFolder,
  decodeRevocation,
  deltaFolder,
  readRevocation,
  revokedFolder,
} from "./certificate_store.ts";
import type { CrlBuilder } from "./crl_builder.ts";
import { issuersConfig, readIssuers, removeIssuer } from "./issuer_store.ts";
import { plainReader } from "./key_store.ts";
import { autoTidy, lastAutoTidy, putLastAutoTidy, type TidySettings } from "./tidy_config.ts";

/** How far a run is. Times in milliseconds, undefined while they lie ahead. */
export interface TidyStatus {
  readonly settings: TidySettings | undefined;
  readonly state: "Inactive" | "Running" | "Finished" | "Error" | "Cancelling" | "Cancelled";
  readonly error: string | undefined;
  readonly message: string | undefined;
  readonly started: number | undefined;
  readonly finished: number | undefined;
  readonly certificates: number;
  readonly revocations: number;
  readonly missingIssuers: number;
}

const idle: TidyStatus = {
  settings: undefined,
  state: "Inactive",
  error: undefined,
  message: undefined,
  started: undefined,
  finished: undefined,
  certificates: 0,
  revocations: 0,
  missingIssuers: 0,
};

const lookMs = 60_000;

export class Tidy {
  readonly #services: () => Services;
  readonly #crls: CrlBuilder;
  #prefix: string | undefined;
  #status = idle;
  #running: Promise<void> | undefined;
  #isCancelled = false;
  #cancelLook: Cancel = () => {};

  constructor(services: () => Services, crls: CrlBuilder) {
    this.#services = services;
    this.#crls = crls;
  }

  get status(): TidyStatus {
    return this.#status;
  }

  start(prefix: string): void {
    this.#prefix = prefix;
    this.#look();
  }

  async stop(): Promise<void> {
    this.#prefix = undefined;
    this.#cancelLook();
    this.#isCancelled = true;
    await this.#running;
  }

  /** False where there is nothing to cancel. */
  cancel(): boolean {
    if (this.#running === undefined) return false;
    this.#isCancelled = true;
    this.#status = { ...this.#status, state: "Cancelling" };
    return true;
  }

  /** Begins a run in the background; false where one is under way. */
  begin(prefix: string, settings: TidySettings): boolean {
    if (this.#running !== undefined) return false;
    const { clock, log } = this.#services().mounts.platform;
    this.#isCancelled = false;
    this.#status = { ...idle, settings, state: "Running", started: clock.now() };
    this.#running = this.#run(prefix, settings)
      .then(() => {
        this.#status = { ...this.#status, state: this.#isCancelled ? "Cancelled" : "Finished" };
      })
      .catch((error) => {
        log.warn("tidying of certificates failed", { error: describeError(error) });
        this.#status = { ...this.#status, state: "Error", error: describeError(error) };
      })
      .finally(() => {
        this.#status = { ...this.#status, finished: clock.now(), message: undefined };
        this.#running = undefined;
      });
    return true;
  }

  async #run(prefix: string, settings: TidySettings): Promise<void> {
    if (settings.tidy_cert_store) {
      await this.#pages(
        prefix,
        settings,
        certificateFolder,
        (view, name, value, now) => this.#tidyCertificate(view, settings, name, value, now),
      );
    }
    if (settings.tidy_revoked_certs || settings.tidy_revoked_cert_issuer_associations) {
      const before = this.#status.revocations;
      await this.#pages(
        prefix,
        settings,
        revokedFolder,
        (view, name, value, now) => this.#tidyRevocation(view, settings, name, value, now),
      );
      if (this.#status.revocations > before) await this.#crls.rebuild(prefix);
    }
    if (settings.tidy_expired_issuers) await this.#tidyIssuers(prefix, settings);
  }

  async #pages(
    prefix: string,
    settings: TidySettings,
    folder: string,
    tidy: (view: View, name: string, value: Bytes, now: number) => void | Promise<void>,
  ): Promise<void> {
    const { transactions, mounts: { platform: { clock } } } = this.#services();
    const fair = new FairTurns(clock);
    let after: string | undefined;
    while (!this.#isCancelled) {
      this.#status = { ...this.#status, message: `Tidying ${folder}` };
      const counted = this.#status;
      const page = await transactions.run(async (transaction) => {
        // It may run more than once for one page.
        this.#status = { ...counted, state: this.#status.state };
        const view = transaction.within(prefix);
        const found = await view.scan(folder, {
          limit: settings.page_size,
          ...(after === undefined ? {} : { after }),
        });
        for (const { key, value } of found) {
          await tidy(view, key.slice(folder.length), value, clock.now());
        }
        return found;
      });
      after = page.at(-1)?.key;
      if (page.length < settings.page_size) return;
      await fair.giveWay();
      if (settings.pauseMs > 0) await sleep(clock, settings.pauseMs);
    }
  }

  async #tidyCertificate(
    view: View,
    settings: TidySettings,
    name: string,
    value: Bytes,
    now: number,
  ): Promise<void> {
    const end = endOf(value);
    if (end === undefined && !settings.tidy_invalid_certs) return;
    if (end !== undefined && end + settings.safety_buffer * 1000 >= now) return;
    const serial = fromHex(name.replaceAll("-", "")) ?? new Uint8Array();
    // A revocation needs its certificate until it goes itself.
    if (await readRevocation(view, serial) !== undefined) return;
    view.delete(certificateFolder + name);
    this.#status = { ...this.#status, certificates: this.#status.certificates + 1 };
  }

  async #tidyRevocation(
    view: View,
    settings: TidySettings,
    name: string,
    value: Bytes,
    now: number,
  ): Promise<void> {
    const revocation = decodeRevocation(value);
    if (settings.tidy_revoked_cert_issuer_associations) {
      const known = await readIssuers(plainReader(view));
      if (!known.some(({ id }) => id === revocation.issuerId)) {
        this.#status = { ...this.#status, missingIssuers: this.#status.missingIssuers + 1 };
      }
    }
    if (!settings.tidy_revoked_certs) return;
    if (revocation.notAfter + settings.revoked_safety_buffer * 1000 >= now) return;
    view.delete(revokedFolder + name);
    view.delete(deltaFolder + name);
    view.delete(certificateFolder + name);
    this.#status = { ...this.#status, revocations: this.#status.revocations + 1 };
  }

  async #tidyIssuers(prefix: string, settings: TidySettings): Promise<void> {
    const { transactions, mounts: { platform } } = this.#services();
    const limit = platform.clock.now() - settings.issuer_safety_buffer * 1000;
    await transactions.run(async (transaction) => {
      const reader = plainReader(transaction.within(prefix));
      const { defaultId } = await issuersConfig(reader);
      for (const issuer of await readIssuers(reader)) {
        if (issuer.id === defaultId || issuer.parsed.notAfter >= limit) continue;
        removeIssuer(reader.storage, issuer);
        await this.#crls.forget(reader.storage, issuer.id);
        platform.log.info("an issuer that had expired was deleted", { issuer: issuer.id });
      }
    });
  }

  #look(): void {
    this.#cancelLook();
    this.#cancelLook = this.#services().mounts.platform.clock.after(lookMs, () => {
      const { log } = this.#services().mounts.platform;
      this.#beginDue()
        .catch((error) => log.warn("auto-tidy failed", { error: describeError(error) }))
        .finally(() => {
          if (this.#prefix !== undefined) this.#look();
        });
    });
  }

  /** Its last run is kept, so that neither restarts nor other leaders begin too early or never. */
  async #beginDue(): Promise<void> {
    const prefix = this.#prefix;
    if (prefix === undefined || this.#running !== undefined) return;
    const { transactions, mounts: { platform } } = this.#services();
    const now = platform.clock.now();
    const settings = await transactions.run(async (transaction) => {
      const view = transaction.within(prefix);
      const config = await autoTidy(plainReader(view));
      if (!config.enabled) return undefined;
      const last = await lastAutoTidy(view);
      if (last !== undefined && last + config.interval_duration * 1000 > now) return undefined;
      putLastAutoTidy(view, now);
      return config;
    });
    if (settings !== undefined) this.begin(prefix, settings);
  }
}

/** When a stored certificate ends; undefined for what is none. */
function endOf(value: Bytes): number | undefined {
  try {
    return readCertificate(value).notAfter;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
