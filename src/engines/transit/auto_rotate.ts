/** Rotates the keys of a mount whose time has come. */
import { type Cancel } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import type { Services } from "../../core/services.ts";
import { addVersion } from "./make_key.ts";
import { KeyStore, rotationTime } from "./policy.ts";

/** Periods are hours: a minute later is soon enough. */
const lookMs = 60_000;

/** Keys looked up in one go. */
const pageSize = 100;

export class AutoRotation {
  readonly #services: () => Services;
  #prefix: string | undefined;
  #cancel: Cancel = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(services: () => Services) {
    this.#services = services;
  }

  /** From now on, below this prefix of storage. */
  start(prefix: string): void {
    this.#prefix = prefix;
    this.#lookIn(0);
  }

  /** Waits for a rotation under way. */
  async stop(): Promise<void> {
    this.#prefix = undefined;
    this.#cancel();
    await this.#running;
  }

  #lookIn(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.#services().mounts.platform.clock.after(delayMs, () => {
      const { log } = this.#services().mounts.platform;
      this.#running = this.#rotateDue()
        .catch((error) => log.warn("keys could not be rotated", { error: describeError(error) }))
        .finally(() => {
          if (this.#prefix !== undefined) this.#lookIn(lookMs);
        });
    });
  }

  async #rotateDue(): Promise<void> {
    const { transactions, mounts: { platform } } = this.#services();
    let after: string | undefined;
    for (;;) {
      const prefix = this.#prefix;
      if (prefix === undefined) return;
      const page = await transactions.run((transaction) =>
        new KeyStore(transaction.within(prefix)).due(platform.clock.now(), pageSize, after)
      );
      for (const { key, name } of page) {
        after = key;
        if (this.#prefix !== undefined) await this.#rotate(prefix, name);
      }
      if (page.length < pageSize) return;
    }
  }

  /** One that fails is tried again with the next look. */
  async #rotate(prefix: string, name: string): Promise<void> {
    const { transactions, mounts: { platform } } = this.#services();
    try {
      await transactions.run(async (transaction) => {
        const store = new KeyStore(transaction.within(prefix));
        const policy = await store.policy(name);
        const dueAt = policy && rotationTime(policy);
        if (policy === undefined || dueAt === undefined || dueAt > platform.clock.now()) return;
        await addVersion(store, platform, policy);
      });
      platform.log.info("a transit key was rotated", { key: name });
    } catch (error) {
      platform.log.warn("a transit key could not be rotated", {
        key: name,
        error: describeError(error),
      });
    }
  }
}
