/**
 * What should be looked at before it fails, in a sentence each: told by `sys/health`, which anybody
 * may ask, so it names kinds of things and where to look, never a path or a reason.
 */
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { GaugeValue, Registry } from "./registry.ts";

/** Health is asked for many times a second; what is told is at most so old when it is asked for. */
const freshMs = 10_000;

/** As the alert rules in `systemd/monitoring` have them. */
const limits = {
  queuedLines: 1000,
  diskUsedShare: 0.8,
  certificateSeconds: 14 * 86_400,
} as const;

/** The warnings that follow from the gauges as they are; `now` in milliseconds since the epoch. */
export function healthWarnings(gauges: readonly GaugeValue[], now: number): string[] {
  const values = (name: string) =>
    gauges.filter((one) => one.name === name).map((one) => one.value);
  const least = (name: string) => Math.min(Infinity, ...values(name));
  const most = (name: string) => Math.max(-Infinity, ...values(name));
  const found: string[] = [];
  if (most("audit.device.failing") > 0) found.push("an audit device fails; see sys/audit");
  if (most("audit.device.queued") > limits.queuedLines) {
    found.push("an audit device is slow; see sys/audit");
  }
  const auditDisk = most("audit.device.disk_used_ratio");
  if (auditDisk > limits.diskUsedShare) {
    found.push(`the disk of an audit device is ${percent(auditDisk)} full; see sys/audit`);
  }
  const dataDisk = 1 - least("storage.disk_free_bytes") / most("storage.disk_size_bytes");
  if (dataDisk > limits.diskUsedShare) found.push(`the data disk is ${percent(dataDisk)} full`);
  if (most("raft_storage.scrub.last_damages") > 0) {
    found.push("entries on the data disk are damaged; see the log");
  }
  if (most("snapshot_auto.late") > 0) {
    const hours = (now / 1000 - least("snapshot_auto.last_success_time_seconds")) / 3600;
    found.push(
      `the last good backup is ${Math.floor(hours)} h old; see sys/storage/raft/snapshot-auto`,
    );
  }
  const away = values("ha.tls_rotation.waits_for").filter((one) => one > 0).length;
  if (away > 0) {
    found.push(
      `${away} of the cluster's members ${away === 1 ? "is" : "are"} away and ` +
        `${away === 1 ? "holds" : "hold"} up the change of its TLS keys; see the log`,
    );
  }
  const left = least("listener.certificate_expiry_time_seconds") - now / 1000;
  if (left < limits.certificateSeconds) {
    found.push(
      left < 0
        ? "a listener's certificate has expired"
        : `a listener's certificate expires in ${Math.floor(left / 86_400)} days`,
    );
  }
  return found;
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

export class HealthWarnings {
  #known: readonly string[] = [];
  #lookedAt = -Infinity;

  constructor(readonly registry: Registry, readonly log: Logger) {}

  /** As of the last look; where that is long ago, another one is begun, and not waited for. */
  get current(): readonly string[] {
    const now = this.registry.clock.monotonic();
    if (now - this.#lookedAt >= freshMs) {
      this.#lookedAt = now;
      this.#look().catch((error) =>
        this.log.warn("looking for warnings failed", { error: describeError(error) })
      );
    }
    return this.#known;
  }

  async #look(): Promise<void> {
    const { gauges } = await this.registry.look();
    this.#known = healthWarnings(gauges, this.registry.clock.now());
  }
}
