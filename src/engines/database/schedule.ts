/** Changes the passwords of static roles and our own when their time has come. */
import type { Cancel } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import { dueRotations, nextDueTime } from "./due.ts";
import type { Engine, MountRef } from "./engine.ts";
import { Lanes } from "./lanes.ts";
import { rotationOf } from "./rotation.ts";
import { orderOldRoles } from "./static_role.ts";

const retryMs = 10_000;
/** The clock may be set forward: looks at least this often. */
const longestSleepMs = 60_000;
const shortestSleepMs = 1_000;
/** Rotations read from storage in one go. */
const pageSize = 100;

export class RotationSchedule {
  #mount: MountRef | undefined;
  #cancel: Cancel = () => {};
  #wakeAt = Infinity;
  #running: Promise<void> | undefined;
  #isOrdered = false;
  readonly #lanes: Lanes;

  constructor(readonly engine: () => Engine) {
    // Those that failed have another time now, and there may be more that found no place before.
    this.#lanes = new Lanes(engine, () => this.nudge(this.#now() + shortestSleepMs));
  }

  /** From now on, for this mount. What came due while nobody was there is done first. */
  start(mount: MountRef): void {
    this.#mount = mount;
    this.nudge(this.#now());
  }

  /** Waits for the rotations under way. */
  async stop(): Promise<void> {
    this.#mount = undefined;
    this.#cancel();
    await Promise.all([this.#running, this.#lanes.stop()]);
  }

  /** Something is to be done at this time, milliseconds since the epoch. */
  nudge(time: number): void {
    if (this.#mount === undefined || time >= this.#wakeAt) return;
    this.#cancel();
    this.#wakeAt = time;
    const { clock } = this.engine().services().tokens;
    const wait = Math.min(longestSleepMs, Math.max(0, time - clock.now()));
    this.#cancel = clock.after(wait, () => this.#wake());
  }

  #now(): number {
    return this.engine().services().tokens.clock.now();
  }

  #wake(): void {
    this.#wakeAt = Infinity;
    // One that is running arms the timer again when it ends.
    if (this.#running !== undefined) return;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  async #work(): Promise<void> {
    let next = this.#now() + longestSleepMs;
    try {
      next = Math.min(next, await this.#queueDue());
    } catch (error) {
      if (this.#mount === undefined) return;
      const { log } = this.engine().services().mounts.platform;
      const message = "what is to be rotated could not be looked through";
      log.warn(message, { error: describeError(error) });
      next = this.#now() + retryMs;
    }
    this.nudge(next);
  }

  /** Hands on what is due; when to look again. */
  async #queueDue(): Promise<number> {
    const mount = this.#mount;
    if (mount === undefined) return Infinity;
    await this.#orderOldRoles(mount);
    const { transactions } = this.engine().services();
    const now = this.#now();
    let after: string | undefined;
    for (;;) {
      const page = await transactions.run(async (transaction) => {
        const storage = transaction.within(mount.prefix);
        const due = await dueRotations(storage, now, pageSize, after);
        const found = due.map(({ kind, name }) => rotationOf(kind).find(storage, name));
        const connections = await Promise.all(found);
        return due.map((one, i) => ({ ...one, connection: connections[i]?.connection }));
      });
      for (const { connection, ...due } of page) {
        if (connection !== undefined) this.#lanes.add(mount, connection, due);
      }
      after = page.at(-1)?.key;
      if (page.length < pageSize || this.#mount === undefined) break;
    }
    const next = await transactions.run((t) => nextDueTime(t.within(mount.prefix), now));
    return Math.max(next, now + shortestSleepMs);
  }

  async #orderOldRoles(mount: MountRef): Promise<void> {
    const { transactions } = this.engine().services();
    let after: string | undefined;
    while (!this.#isOrdered && this.#mount !== undefined) {
      after = await transactions.run((t) => orderOldRoles(t.within(mount.prefix), pageSize, after));
      this.#isOrdered = after === undefined;
    }
  }
}
