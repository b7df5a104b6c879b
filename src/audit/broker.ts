/**
 * All audit devices. A request goes on only when at least one of them has recorded it; what a
 * device does wrong is logged with its name and reason, and holds up nobody else.
 */
import type { Clock } from "../base/clock.ts";
import { describeError, Failure } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import { Registry } from "../telemetry/registry.ts";
import type { AuditDevice } from "./device.ts";
import type { Formatter } from "./format.ts";
import { DeviceHealth, type DeviceState } from "./health.ts";
import { AuditMetrics } from "./metrics.ts";
import type { DeviceSettings } from "./options.ts";
import { DeviceQueue } from "./queue.ts";
import type { AuditedAnswer, AuditedRequest, Auditor } from "./record.ts";

/** An enabled device. */
export interface EnabledDevice {
  /** Its mount path, ending in "/". */
  readonly path: string;
  readonly settings: Pick<DeviceSettings, "filter" | "fallback" | "prefix">;
  readonly formatter: Formatter;
  readonly device: AuditDevice;
}

/** No device of this node has recorded a request or its answer. */
export class AuditFailure extends Failure {
  override name = "AuditFailure";
}

interface Running extends EnabledDevice {
  readonly queue: DeviceQueue;
  readonly health: DeviceHealth;
}

type What = "request" | "response";

export class AuditBroker implements Auditor {
  #devices: readonly Running[] = [];
  /** Some device has a filter, so that a record may not be for all. */
  #selects = false;

  readonly #metrics: AuditMetrics;

  constructor(readonly clock: Clock, readonly log: Logger, registry?: Registry) {
    this.#metrics = new AuditMetrics(registry ?? new Registry({ clock, log }));
  }

  get enabled(): boolean {
    return this.#devices.length > 0;
  }

  add(device: EnabledDevice): void {
    const queue = new DeviceQueue(device.device, this.clock);
    const health = new DeviceHealth(device, queue, this.clock, this.log);
    this.#set([...this.#without(device.path), { ...device, queue, health }]);
  }

  get(path: string): EnabledDevice | undefined {
    return this.#devices.find((device) => device.path === path);
  }

  async remove(path: string): Promise<void> {
    const gone = this.#devices.filter((device) => device.path === path);
    this.#set(this.#without(path));
    for (const { device, queue } of gone) {
      if (!queue.isStuck) await queue.settled();
      await device.close();
    }
  }

  #without(path: string): Running[] {
    return this.#devices.filter((device) => device.path !== path);
  }

  #set(devices: readonly Running[]): void {
    this.#devices = devices;
    this.#selects = devices.some(({ settings }) => settings.fallback || settings.filter);
  }

  async reopen(): Promise<void> {
    for (const running of this.#devices) {
      const { device, path } = running;
      try {
        if (!this.#devices.includes(running)) continue;
        await device.reopen();
        // It was removed meanwhile: nothing more is written to it.
        if (!this.#devices.includes(running)) await device.close();
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

  /** How each device is, by path; looks at their disks. */
  async states(): Promise<ReadonlyMap<string, DeviceState>> {
    const states = new Map<string, DeviceState>();
    for (const { path, health } of this.#devices) states.set(path, await health.look());
    return states;
  }

  logRequest(record: AuditedRequest, error?: string): Promise<void> {
    return this.#record("request", record, ({ formatter }) => formatter.request(record, error));
  }

  logResponse(record: AuditedRequest, answer: AuditedAnswer): Promise<void> {
    const now = this.clock.now();
    return this.#record(
      "response",
      record,
      ({ formatter }) => formatter.response(record, answer, now),
    );
  }

  async #record(
    what: What,
    record: AuditedRequest,
    lineFor: (device: Running) => string,
  ): Promise<void> {
    const devices = this.#selects ? this.#takers(record) : this.#devices;
    const [only, ...others] = devices;
    if (only === undefined) return;
    const start = this.clock.monotonic();
    const results = others.length === 0
      ? [await this.#try(what, only, lineFor)]
      : await Promise.all(devices.map((device) => this.#try(what, device, lineFor)));
    this.#metrics.recorded(what, this.clock.monotonic() - start);
    if (results.some((failure) => failure === undefined)) return;
    this.#metrics.failed(what);
    throw new AuditFailure(500, [
      `no audit backend succeeded in logging the ${what}: ${results.join("; ")}`,
    ]);
  }

  /** Those whose filter lets it through, else the fallback. */
  #takers(record: AuditedRequest): readonly Running[] {
    const takers = this.#devices.filter(({ settings: { filter, fallback } }) =>
      !fallback && (filter === undefined || filter(record))
    );
    if (takers.length > 0) return takers;
    const fallbacks = this.#devices.filter(({ settings }) => settings.fallback);
    if (fallbacks.length === 0) this.#metrics.missed();
    return fallbacks;
  }

  /** Undefined on success, else what went wrong, with the device's name. */
  async #try(
    what: What,
    device: Running,
    lineFor: (device: Running) => string,
  ): Promise<string | undefined> {
    const { path, queue, health, settings: { prefix, fallback } } = device;
    const start = this.clock.monotonic();
    try {
      await queue.add(`${prefix}${lineFor(device)}\n`);
      this.#metrics.deviceRecorded(path, what, this.clock.monotonic() - start, fallback);
      health.recorded();
      return undefined;
    } catch (error) {
      const reason = describeError(error);
      this.#metrics.deviceFailed(path, what);
      health.failed(reason);
      return `device ${path}: ${reason}`;
    }
  }
}
