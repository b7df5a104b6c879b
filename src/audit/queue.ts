/**
 * The lines that wait for one device. What gathers while a write is under way goes out with the
 * next one, so that a busy node makes few system calls. Bounded in number, bytes and time: a device
 * that hangs fails its lines, and from then on every line at once, until its write has ended.
 */
import type { Cancel, Clock } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { AuditDevice } from "./device.ts";

export interface QueueLimits {
  /** Lines handed over and not yet recorded. */
  readonly linesMax: number;
  /** Characters of these. */
  readonly charactersMax: number;
  /** How long one write may take. */
  readonly deadlineMs: number;
}

export const defaultLimits: QueueLimits = {
  linesMax: 4096,
  charactersMax: 64 * 1024 * 1024,
  deadlineMs: 5000,
};

/** Lines that go out together, and the promise that all who added them wait for. */
class Batch {
  readonly lines: string[] = [];
  characters = 0;
  readonly done = Promise.withResolvers<void>();
}

export class DeviceQueue {
  #next = new Batch();
  #current: Batch | undefined;
  /** The last write took longer than its deadline and has not ended. */
  #isStuck = false;

  constructor(
    readonly device: AuditDevice,
    readonly clock: Clock,
    readonly limits: QueueLimits = defaultLimits,
  ) {}

  /** Lines handed over and not yet recorded. */
  get waiting(): number {
    return this.#next.lines.length + (this.#current?.lines.length ?? 0);
  }

  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** Resolves once the device has the line. Throws and rejects with the reason why it has not. */
  add(line: string): Promise<void> {
    const { linesMax, charactersMax, deadlineMs } = this.limits;
    if (this.#isStuck) throw new Error(`it has been hanging for more than ${deadlineMs} ms`);
    const characters = this.#next.characters + (this.#current?.characters ?? 0);
    if (this.waiting >= linesMax || characters >= charactersMax) {
      throw new Error(`its queue is full (${this.waiting} lines)`);
    }
    const batch = this.#next;
    batch.lines.push(line);
    batch.characters += line.length;
    if (this.#current === undefined) this.#writeNext();
    return batch.done.promise;
  }

  #writeNext(): void {
    const batch = this.#next;
    this.#next = new Batch();
    this.#current = batch;
    const cancel = this.clock.after(this.limits.deadlineMs, () => this.#giveUp());
    this.#write(batch, cancel).finally(() => {
      this.#isStuck = false;
      this.#current = undefined;
      if (this.#next.lines.length > 0) this.#writeNext();
    });
  }

  async #write(batch: Batch, cancel: Cancel): Promise<void> {
    try {
      await this.device.write(batch.lines);
      batch.done.resolve();
    } catch (error) {
      batch.done.reject(error);
    } finally {
      cancel();
    }
  }

  /** Everybody who waits is told; the write itself can't be called back. */
  #giveUp(): void {
    this.#isStuck = true;
    const late = new Error(`it took longer than ${this.limits.deadlineMs} ms`);
    this.#current?.done.reject(late);
    if (this.#next.lines.length > 0) this.#next.done.reject(late);
    this.#next = new Batch();
  }

  /** Waits for the write that is under way. */
  async settled(): Promise<void> {
    try {
      await this.#current?.done.promise;
    } catch (error) {
      // Whoever added the lines has been told the same.
      describeError(error);
    }
  }
}
