/** Changes the passwords of static roles and our own when their time has come. */
import type { Cancel } from "../../base/clock.ts";
import { describeError, Failure } from "../../base/failure.ts";
import { type Due, dueRotations, nextDueTime } from "./due.ts";
import type { Engine, MountRef } from "./engine.ts";
import { DatabaseFailure } from "./plugin.ts";
import { rootRotation, staticRotation } from "./rotation.ts";
import { orderOldRoles } from "./static_role.ts";

const retryMs = 10_000;
/** The clock may be set forward: looks at least this often. */
const longestSleepMs = 60_000;
const shortestSleepMs = 1_000;
/** Rotations read from storage in one go. */
const pageSize = 100;

function isUnavailable(error: unknown): boolean {
  const cause = error instanceof Failure ? error.cause : error;
  return cause instanceof DatabaseFailure && cause.unavailable;
}

export class RotationSchedule {
  #mount: MountRef | undefined;
  #cancel: Cancel = () => {};
  #wakeAt = Infinity;
  #running: Promise<void> | undefined;
  #isOrdered = false;

  constructor(readonly engine: () => Engine) {}

  /** From now on, for this mount. What came due while nobody was there is done first. */
  start(mount: MountRef): void {
    this.#mount = mount;
    this.nudge(this.#now());
  }

  /** Waits for a rotation under way. */
  async stop(): Promise<void> {
    this.#mount = undefined;
    this.#cancel();
    await this.#running;
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
      next = Math.min(next, await this.#rotateDue());
    } catch (error) {
      if (this.#mount === undefined) return;
      this.#complain("what is to be rotated could not be looked through", error);
      next = this.#now() + retryMs;
    }
    this.nudge(next);
  }

  /** Rotates what is due; when to look again. */
  async #rotateDue(): Promise<number> {
    const mount = this.#mount;
    if (mount === undefined) return Infinity;
    await this.#orderOldRoles(mount);
    const { transactions } = this.engine().services();
    // Connections that did not answer this time: the rest of theirs need not be tried as well.
    const silent = new Set<string>();
    let after: string | undefined;
    for (;;) {
      const page = await transactions.run((t) =>
        dueRotations(t.within(mount.prefix), this.#now(), pageSize, after)
      );
      for (const due of page) {
        if (this.#mount === undefined) return Infinity;
        await this.#rotateOne(mount, due, silent);
      }
      after = page.at(-1)?.key;
      if (page.length < pageSize) break;
    }
    const next = await transactions.run((t) => nextDueTime(t.within(mount.prefix)));
    return Math.max(next, this.#now() + shortestSleepMs);
  }

  async #orderOldRoles(mount: MountRef): Promise<void> {
    const { transactions } = this.engine().services();
    let after: string | undefined;
    while (!this.#isOrdered && this.#mount !== undefined) {
      after = await transactions.run((t) => orderOldRoles(t.within(mount.prefix), pageSize, after));
      this.#isOrdered = after === undefined;
    }
  }

  async #rotateOne(mount: MountRef, { kind, name }: Due, silent: Set<string>): Promise<void> {
    const what = kind === "root" ? rootRotation : staticRotation;
    const engine = this.engine();
    const { transactions } = engine.services();
    const found = await transactions.run((t) => what.find(t.within(mount.prefix), name));
    if (found === undefined || found.dueAt > this.#now()) return;
    try {
      if (silent.has(found.connection)) throw new Failure(500, "its database does not answer");
      if (
        !await transactions.run((t) => what.skipMissed(t.within(mount.prefix), name, this.#now()))
      ) {
        await what.rotate(engine, mount, name);
      }
    } catch (error) {
      const isNew = !silent.has(found.connection);
      if (isUnavailable(error)) silent.add(found.connection);
      if (isNew) {
        this.#complain(`a ${kind} password could not be rotated; trying again`, error, name);
      }
      await transactions.run((t) => what.postpone(t.within(mount.prefix), name, this.#now()));
    }
  }

  #complain(message: string, error: unknown, name?: string): void {
    const { log } = this.engine().services().mounts.platform;
    log.warn(message, { name, error: describeError(error) });
  }
}
