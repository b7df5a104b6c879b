/** Changes the passwords of static roles when their time has come, without anybody asking. */
import type { Cancel } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import type { Engine } from "./engine.ts";
import { type MountRef, prepareRotation, rotateNow } from "./rotate_static.ts";
import {
  isMissed,
  listStaticRoles,
  readStaticRole,
  rotationAfter,
  saveStaticRole,
} from "./static_role.ts";

const retryMs = 10_000;
/** The clock may be set forward: looks at least this often. */
const longestSleepMs = 60_000;

export class RotationSchedule {
  #mount: MountRef | undefined;
  #cancel: Cancel = () => {};
  #wakeAt = Infinity;
  #running: Promise<void> | undefined;

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
      this.#complain("static roles could not be looked through", error);
      next = this.#now() + retryMs;
    }
    this.nudge(next);
  }

  /** Rotates what is due; when to look again. */
  async #rotateDue(): Promise<number> {
    const mount = this.#mount;
    if (mount === undefined) return Infinity;
    const { transactions } = this.engine().services();
    let next = Infinity;
    const names = await transactions.run((t) => listStaticRoles(t.within(mount.prefix)));
    for (const name of names) {
      if (this.#mount === undefined) return Infinity;
      next = Math.min(next, await this.#rotateIfDue(mount, name));
    }
    return next;
  }

  async #rotateIfDue(mount: MountRef, name: string): Promise<number> {
    const engine = this.engine();
    const { transactions } = engine.services();
    const find = () => transactions.run((t) => readStaticRole(t.within(mount.prefix), name));
    try {
      const role = await find();
      if (role === undefined) return Infinity;
      if (role.pendingPassword === "") {
        if (role.nextRotation > this.#now()) return role.nextRotation;
        if (isMissed(role, this.#now())) return await this.#skip(mount, name);
        await transactions.run((t) => prepareRotation(engine, t, mount, name));
      }
      await rotateNow(engine, mount, name);
      const rotated = await find();
      return rotated === undefined ? Infinity : rotated.nextRotation;
    } catch (error) {
      this.#complain("a static role could not be rotated; trying again", error, name);
      return this.#now() + retryMs;
    }
  }

  /** Leaves out a time whose window is over; the one that comes next. */
  async #skip(mount: MountRef, name: string): Promise<number> {
    return await this.engine().services().transactions.run(async (transaction) => {
      const storage = transaction.within(mount.prefix);
      const role = await readStaticRole(storage, name);
      if (role === undefined) return Infinity;
      const nextRotation = await rotationAfter(this.#now(), role);
      saveStaticRole(storage, name, { ...role, nextRotation });
      return nextRotation;
    });
  }

  #complain(message: string, error: unknown, role?: string): void {
    const { log } = this.engine().services().mounts.platform;
    log.warn(message, { role, error: describeError(error) });
  }
}
