/**
 * All audit devices. A request goes on only when at least one of them has recorded it; what a
 * device does wrong is logged with its name and reason, and holds up nobody else.
 */
import type { Clock } from "../base/clock.ts";
import { describeError, Failure } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { JsonObject } from "../logical/json.ts";
import { Registry } from "../telemetry/registry.ts";
import type { AuditDevice } from "./device.ts";
import type { Formatter } from "./format.ts";
import { AuditMetrics } from "./metrics.ts";
import type { AuditedRequest, AuditedResponse, Auditor } from "./record.ts";

/** Lines that may wait for one device before it counts as failed. */
const queueLimit = 4096;
/** Milliseconds that a device has for a line. */
const deadlineMs = 5000;

/** An enabled device. */
export interface EnabledDevice {
  /** Its mount path, ending in "/". */
  readonly path: string;
  readonly prefix: string;
  readonly formatter: Formatter;
  readonly device: AuditDevice;
}

interface Running extends EnabledDevice {
  /** Lines handed over and not yet recorded. */
  waiting: number;
}

export class AuditBroker implements Auditor {
  #devices: readonly Running[] = [];

  readonly #metrics: AuditMetrics;

  constructor(readonly clock: Clock, readonly log: Logger, registry?: Registry) {
    this.#metrics = new AuditMetrics(registry ?? new Registry({ clock, log }));
  }

  get enabled(): boolean {
    return this.#devices.length > 0;
  }

  add(device: EnabledDevice): void {
    this.#devices = [...this.#devices.filter(({ path }) => path !== device.path), {
      ...device,
      waiting: 0,
    }];
  }

  get(path: string): EnabledDevice | undefined {
    return this.#devices.find((device) => device.path === path);
  }

  async remove(path: string): Promise<void> {
    const gone = this.#devices.filter((device) => device.path === path);
    this.#devices = this.#devices.filter((device) => device.path !== path);
    for (const { device } of gone) await device.close();
  }

  async reopen(): Promise<void> {
    for (const { device, path } of this.#devices) {
      try {
        await device.reopen();
      } catch (error) {
        this.log.error("an audit device could not be reopened", {
          device: path,
          error: describeError(error),
        });
      }
    }
  }

  async close(): Promise<void> {
    for (const { path } of this.#devices) await this.remove(path);
  }

  logRequest(record: AuditedRequest): Promise<void> {
    return this.#record("request", ({ formatter }) => formatter.request(record));
  }

  logResponse(record: AuditedResponse): Promise<void> {
    const now = this.clock.now();
    return this.#record("response", ({ formatter }) => formatter.response(record, now));
  }

  async #record(
    what: "request" | "response",
    entryFor: (device: Running) => JsonObject,
  ): Promise<void> {
    const start = this.clock.monotonic();
    const [only, ...others] = this.#devices;
    if (only === undefined) return;
    const results = others.length === 0
      ? [await this.#try(what, only, entryFor)]
      : await Promise.all(this.#devices.map((device) => this.#try(what, device, entryFor)));
    this.#metrics.recorded(what, this.clock.monotonic() - start);
    if (results.some((failure) => failure === undefined)) return;
    this.#metrics.failed(what);
    throw new Failure(500, [
      `no audit backend succeeded in logging the ${what}: ${results.join("; ")}`,
    ]);
  }

  /** Undefined on success, else what went wrong, with the device's name. */
  async #try(
    what: "request" | "response",
    device: Running,
    entryFor: (device: Running) => JsonObject,
  ): Promise<string | undefined> {
    const start = this.clock.monotonic();
    try {
      if (device.waiting >= queueLimit) throw new Error("its queue is full");
      device.waiting++;
      try {
        const line = `${device.prefix}${JSON.stringify(entryFor(device))}\n`;
        await this.#within(device.device.write(line));
      } finally {
        device.waiting--;
      }
      this.#metrics.deviceRecorded(device.path, what, this.clock.monotonic() - start);
      return undefined;
    } catch (error) {
      const reason = describeError(error);
      this.#metrics.deviceFailed(device.path, what);
      this.log.error("an audit device failed", { device: device.path, error: reason });
      return `device ${device.path}: ${reason}`;
    }
  }

  async #within(writing: Promise<void>): Promise<void> {
    const { promise, reject } = Promise.withResolvers<void>();
    const cancel = this.clock.after(
      deadlineMs,
      () => reject(new Error(`it took longer than ${deadlineMs} ms`)),
    );
    try {
      await Promise.race([writing, promise]);
    } finally {
      cancel();
    }
  }
}
