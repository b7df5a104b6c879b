/**
 * Rotations that are due, each connection's one after another in the order they came due, and the
 * connections beside each other: one whose database does not answer holds up none but its own.
 */
import { describeError, Failure } from "../../base/failure.ts";
import { Slots } from "../../base/slots.ts";
import type { Due } from "./due.ts";
import type { Engine, MountRef } from "./engine.ts";
import { DatabaseFailure } from "./plugin.ts";
import { rotationOf } from "./rotation.ts";

/** Rotations of a mount at a time: where the database answered the last time, and where it did not. */
const slotsInAll = 16;
const probeSlots = 4;
/** What waits in memory for one connection; the rest is found in storage when that is done. */
const longestQueue = 500;

interface Lane {
  readonly connection: string;
  readonly queue: Due[];
  /** Its database did not answer this time: the rest need not be tried as well. */
  isSilent: boolean;
}

function isUnavailable(error: unknown): boolean {
  const cause = error instanceof Failure ? error.cause : error;
  return cause instanceof DatabaseFailure && cause.unavailable;
}

export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  /** Connections whose databases did not answer the last time. */
  readonly #silent = new Set<string>();
  /** What waits or is under way. */
  readonly #taken = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #slots = new Slots(slotsInAll);
  readonly #probes = new Slots(probeSlots);
  #stopped = false;

  /** `drained` is called whenever a connection has nothing left to do. */
  constructor(readonly engine: () => Engine, readonly drained: () => void) {}

  /** Queues a rotation, unless it waits already or there is no place. */
  add(mount: MountRef, connection: string, due: Due): void {
    if (this.#stopped || this.#taken.has(due.key)) return;
    const present = this.#lanes.get(connection);
    if (present !== undefined && present.queue.length >= longestQueue) return;
    this.#taken.add(due.key);
    if (present !== undefined) {
      present.queue.push(due);
      return;
    }
    const lane = { connection, queue: [due], isSilent: false };
    this.#lanes.set(connection, lane);
    const work = this.#work(mount, lane).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #work(mount: MountRef, lane: Lane): Promise<void> {
    for (;;) {
      const due = lane.queue.shift();
      if (due === undefined || this.#stopped) break;
      const slots = this.#silent.has(lane.connection) ? this.#probes : this.#slots;
      try {
        await slots.take(() => this.#rotate(mount, lane, due));
      } catch (error) {
        // Storage failed; it stands there as due, and is looked for again.
        this.#complain("a rotation could not be kept; trying again", error, due.name);
      }
      this.#taken.delete(due.key);
    }
    this.#lanes.delete(lane.connection);
    this.drained();
  }

  async #rotate(mount: MountRef, lane: Lane, { kind, name }: Due): Promise<void> {
    const engine = this.engine();
    const { transactions, tokens } = engine.services();
    const what = rotationOf(kind);
    const now = () => tokens.clock.now();
    const found = await transactions.run((t) => what.find(t.within(mount.prefix), name));
    if (this.#stopped || found === undefined || found.dueAt > now()) return;
    const wasSilent = lane.isSilent;
    try {
      if (wasSilent) throw new Failure(500, "its database does not answer");
      if (!await transactions.run((t) => what.skipMissed(t.within(mount.prefix), name, now()))) {
        await what.rotate(engine, mount, name);
        this.#silent.delete(lane.connection);
      }
    } catch (error) {
      if (isUnavailable(error)) {
        lane.isSilent = true;
        this.#silent.add(lane.connection);
      }
      const message = `a ${kind} password could not be rotated; trying again`;
      if (!wasSilent) this.#complain(message, error, name);
      await transactions.run((t) => what.postpone(t.within(mount.prefix), name, now()));
    }
  }

  #complain(message: string, error: unknown, name: string): void {
    const { log } = this.engine().services().mounts.platform;
    log.warn(message, { name, error: describeError(error) });
  }
}
