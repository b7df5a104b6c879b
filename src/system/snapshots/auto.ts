/** Automated snapshots of this node, while it is active. */
import { backupWarning } from "../../snapshot/auto/age.ts";
import { wipe } from "../../base/bytes.ts";
import { isBelowBarrier } from "../../barrier/physical.ts";
import type { Node } from "../../core/node.ts";
import type { Services } from "../../core/services.ts";
import { openTarget } from "../../snapshot/auto/open_target.ts";
import type { Ran, SnapshotSource } from "../../snapshot/auto/run.ts";
import { type Running, SnapshotSchedule } from "../../snapshot/auto/schedule.ts";
import { listSettings, readSettings, readState } from "../../snapshot/auto/store.ts";
import type { SnapshotSettings } from "../../snapshot/auto/settings.ts";
import type { SnapshotTarget } from "../../snapshot/auto/target.ts";
import type { Report } from "../../telemetry/registry.ts";
import { Autoload } from "./autoload.ts";
import { integrated } from "./receive.ts";
import { checkSeal } from "./restore.ts";
import { saveSnapshot } from "./save.ts";

export class AutoSnapshots {
  #schedule: SnapshotSchedule | undefined;
  #stopReporting = () => {};

  readonly autoload: Autoload;

  constructor(readonly services: () => Services, readonly node: () => Node) {
    this.autoload = new Autoload(services, node);
  }

  /** From now on this node makes them. Does nothing where the storage is of another kind. */
  start(): void {
    const node = this.node();
    if (node.integrated === undefined) return;
    const { transactions, telemetry: { registry } } = this.services();
    const { clock, log } = node.platform;
    this.#schedule = new SnapshotSchedule({
      clock,
      log: log.named("snapshot-auto"),
      transactions,
      source: sourceOf(node),
      target: (settings) => this.target(settings),
      observe: (name, saveMs, ran) => this.#observe(name, saveMs, ran),
      made: (made, signal) => this.autoload.load(made, signal),
    });
    this.#stopReporting = registry.collect((report) => this.#report(report));
    this.#schedule.nudge();
  }

  async stop(): Promise<void> {
    this.#stopReporting();
    await this.#schedule?.stop();
    this.#schedule = undefined;
  }

  /** Where some settings keep their files. */
  target(settings: SnapshotSettings): Promise<SnapshotTarget> {
    const { clock } = this.node().platform;
    return openTarget(settings, {
      environment: (name) => Deno.env.get(name),
      readText: (path) => Deno.readTextFile(path),
      clock,
    });
  }

  /** Settings have changed. */
  nudge(): void {
    this.#schedule?.nudge();
  }

  get running(): Running | undefined {
    return this.#schedule?.running;
  }

  #observe(name: string, saveMs: number, ran: Ran | undefined): void {
    const { registry } = this.services().telemetry;
    const labels = { snapshot_config_name: name };
    registry.summary("autosnapshots.save.duration", labels).observe(saveMs);
    const errors = registry.counter("autosnapshots.save.errors", labels);
    if (ran === undefined) errors.add();
    else registry.summary("autosnapshots.rotate.duration", labels).observe(ran.rotateMs);
  }

  async #report(report: Report): Promise<void> {
    const { transactions } = this.services();
    const all = await transactions.run(async (t) => {
      const found = [];
      for (const name of await listSettings(t)) {
        const [settings, state] = [await readSettings(t, name), await readState(t, name)];
        if (settings !== undefined && state !== undefined) found.push({ name, settings, state });
      }
      return found;
    });
    const now = this.services().tokens.clock.now();
    for (const { name, settings, state } of all) {
      const labels = { snapshot_config_name: name };
      const { lastSuccess, createdAt, lastBytes, totalBytes } = state;
      // An alert on age must fire as well where there has never been one.
      const since = lastSuccess === 0 ? createdAt : lastSuccess;
      report.gauge("snapshot_auto.last_success_time_seconds", Math.floor(since / 1000), labels);
      const isLate = backupWarning(name, state, settings.interval, now) !== undefined;
      report.gauge("snapshot_auto.late", isLate ? 1 : 0, labels);
      if (lastSuccess === 0) continue;
      report.gauge("autosnapshots.last.success.time", Math.floor(lastSuccess / 1000), labels);
      report.gauge("autosnapshots.snapshot.size", lastBytes, labels);
      report.gauge("autosnapshots.total.snapshot.size", totalBytes, labels);
      if (settings.storage_type !== "local") continue;
      const percent = 100 * totalBytes / settings.local_max_space;
      report.gauge("autosnapshots.percent.maxspace.used", percent, labels);
    }
  }
}

function sourceOf(node: Node): SnapshotSource {
  const storage = integrated(node);
  return {
    spoolFolder: storage.spoolFolder,
    save: async (signal) => (await saveSnapshot(node, storage, signal)).body,
    checkSums: (snapshot) => checkSeal(node, snapshot),
    decrypt({ key, value }) {
      if (!isBelowBarrier(key)) wipe(node.barrier.decryptRaw(key, value));
    },
  };
}
