/** How a device is, and the warnings that come before it fails. */
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { AuditDevice } from "./device.ts";
import type { DeviceQueue } from "./queue.ts";

/** Shares of a disk in use. */
export const fillingShare = 0.8;
export const nearlyFullShare = 0.95;

/** Share of its queue that a device may have waiting before that is worth a warning. */
const queuedShare = 0.5;

/** Between two lines in the log about a device that fails: each request would have one. */
const complaintMs = 10_000;

export interface DeviceState {
  readonly recorded: number;
  readonly failed: number;
  /** Lines handed over and not yet recorded. */
  readonly queued: number;
  /** Of its disk, 0 to 1. */
  readonly usedShare: number | undefined;
  /** The last line was not recorded, and why. */
  readonly error: string | undefined;
  /** What should be looked at, for people; empty where all is well. */
  readonly warnings: readonly string[];
}

export class DeviceHealth {
  #recorded = 0;
  #failed = 0;
  #error: string | undefined;
  #complainedAt = -Infinity;
  #warnedShare = 0;

  constructor(
    readonly of: { readonly path: string; readonly device: AuditDevice },
    readonly queue: DeviceQueue,
    readonly clock: Clock,
    readonly log: Logger,
  ) {}

  recorded(): void {
    this.#recorded++;
    if (this.#error === undefined) return;
    this.#error = undefined;
    this.#complainedAt = -Infinity;
    this.log.info("an audit device works again", { device: this.of.path });
  }

  failed(reason: string): void {
    this.#failed++;
    const now = this.clock.monotonic();
    const isNews = reason !== this.#error || now - this.#complainedAt >= complaintMs;
    this.#error = reason;
    if (!isNews) return;
    this.#complainedAt = now;
    const { path } = this.of;
    this.log.error("an audit device failed", { device: path, error: reason, failed: this.#failed });
  }

  /** The state as of now; a disk that fills is logged once on each of its two marks. */
  async look(): Promise<DeviceState> {
    const { waiting, limits, isStuck } = this.queue;
    const usedShare = await this.#usedShare();
    const warnings: string[] = [];
    if (this.#error !== undefined) warnings.push(`it fails: ${this.#error}`);
    if (isStuck) warnings.push("it hangs");
    if (waiting >= limits.linesMax * queuedShare) warnings.push(`${waiting} lines wait for it`);
    if (usedShare !== undefined && usedShare >= fillingShare) {
      warnings.push(`its disk is ${Math.floor(usedShare * 100)} % full`);
    }
    return {
      recorded: this.#recorded,
      failed: this.#failed,
      queued: waiting,
      usedShare,
      error: this.#error,
      warnings,
    };
  }

  async #usedShare(): Promise<number | undefined> {
    const { device, path } = this.of;
    try {
      const share = await device.usedShare?.();
      if (share !== undefined) this.#warnOf(share);
      return share;
    } catch (error) {
      this.log.debug("the disk of an audit device can't be looked at", {
        device: path,
        error: describeError(error),
      });
      return undefined;
    }
  }

  #warnOf(share: number): void {
    const mark = [nearlyFullShare, fillingShare].find((one) => share >= one) ?? 0;
    if (mark > this.#warnedShare) {
      this.log[mark === nearlyFullShare ? "error" : "warn"](
        "the disk of an audit device fills up; when it is full, requests are refused",
        { device: this.of.path, used_percent: Math.floor(share * 100) },
      );
    }
    this.#warnedShare = mark;
  }
}
