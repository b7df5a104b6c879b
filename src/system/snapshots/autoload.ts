/** Keeps the newest automated snapshot of one configuration loaded, so that secrets come back at once. */
import { describeError } from "../../base/failure.ts";
import type { Node } from "../../core/node.ts";
import type { Services } from "../../core/services.ts";
import type { Made } from "../../snapshot/auto/schedule.ts";
import { loadBeside, readRecord } from "./loading.ts";
import { integrated, receivedSnapshot } from "./receive.ts";

/** Milliseconds; a load reads the whole file from where it is kept. */
const LEAST_BETWEEN = 3_600_000;

export class Autoload {
  /** Why the last one failed, by configuration. */
  readonly #errors = new Map<string, string>();

  constructor(readonly services: () => Services, readonly node: () => Node) {}

  /** "" where it did not fail on this node. */
  errorOf(name: string): string {
    return this.#errors.get(name) ?? "";
  }

  /** Loads a snapshot that was just made, where its settings want that. Tells of a failure, and goes on. */
  async load(made: Made, signal: AbortSignal): Promise<void> {
    const { name, settings } = made;
    this.#errors.delete(name);
    if (settings.autoload_enabled !== true) return;
    const log = this.node().platform.log.named("snapshot-auto");
    try {
      await this.#replace(made, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = describeError(error);
      this.#errors.set(name, reason);
      log.warn("an automated snapshot was made and not loaded", { name, error: reason });
    }
  }

  async #replace({ name, target, file }: Made, signal: AbortSignal): Promise<void> {
    const [services, node] = [this.services(), this.node()];
    const now = node.platform.clock.now();
    const before = await services.transactions.run((t) => readRecord(t, now));
    if (before !== undefined && services.snapshots.find(before.id) !== undefined) {
      // What somebody works with is not taken away.
      if (before.isAutoLoaded !== true) throw new Error(`${before.id} was loaded by hand`);
      if (now - before.createdAt < LEAST_BETWEEN) return;
      await services.snapshots.unload(before.id);
    }
    const receive = async () =>
      await receivedSnapshot(integrated(node), await target.read(file, signal));
    await loadBeside(services, node, receive, { autoConfig: name, isAutoLoaded: true });
  }
}
