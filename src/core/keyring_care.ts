/** Looks after the keyring while the node is active: rotates what is due, keeps the count. */
import type { Barrier } from "../barrier/barrier.ts";
import type { Cancel } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Platform } from "./backend.ts";

/** Between looks at the keyring. */
const lookMs = 5 * 60_000;

export class KeyringCare {
  #cancel: Cancel = () => {};
  #isRunning = false;

  constructor(readonly barrier: Barrier, readonly platform: Pick<Platform, "clock" | "log">) {}

  start(): void {
    this.#isRunning = true;
    this.#cancel();
    this.#later();
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel();
  }

  #later(): void {
    this.#cancel = this.platform.clock.after(lookMs, () => {
      this.#look().then(() => {
        if (this.#isRunning) this.#later();
      });
    });
  }

  async #look(): Promise<void> {
    const { log } = this.platform;
    try {
      const term = await this.barrier.rotateIfDue();
      if (term !== undefined) log.info("the keyring has rotated by itself", { term });
      await this.barrier.persistUsage();
    } catch (error) {
      log.error("looking after the keyring failed", { error: describeError(error) });
    }
  }
}
