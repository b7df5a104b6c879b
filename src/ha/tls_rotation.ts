/**
 * Changes the key by which the nodes of a cluster know each other, once in a while: a new one is
 * made and accepted beside the old, then shown in its place, then the old one is accepted no more.
 * No step is taken before every member has the one before, so that any two can always connect,
 * whoever was away, and for how long.
 */
import { type Cancel, type Clock, type Random } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import { madeAt, makeTlsKey, type TlsKeyring } from "./tls_keyring.ts";

export interface RotationTimes {
  /** The age at which a key is changed; 0 for never. */
  readonly everyMs: number;
  /** Between two steps, once all members have the first. */
  readonly overlapMs: number;
}

/** Of a keyring that all members have had since `settledMs`; undefined where some have not. */
export function nextStep(
  { keys, current }: TlsKeyring,
  { everyMs, overlapMs }: RotationTimes,
  now: number,
  settledMs: number | undefined,
): "make" | "show" | "drop" | undefined {
  if (settledMs === undefined) return undefined;
  const [oldest] = keys;
  if (keys.length < 2 || oldest === undefined) {
    const isDue = everyMs > 0 && oldest !== undefined && now - madeAt(oldest) >= everyMs;
    return isDue ? "make" : undefined;
  }
  if (settledMs < overlapMs) return undefined;
  return current === 0 ? "show" : "drop";
}

export interface RotationParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly times: RotationTimes;
  readonly isActive: () => boolean;
  /** In use; undefined while there is no cluster. */
  readonly keyring: () => TlsKeyring | undefined;
  /** Stores it for all members, and uses it here. Resolves when it is committed. */
  readonly store: (keyring: TlsKeyring) => Promise<void>;
  /** How far the log goes, and the members that don't have it up to an index. */
  readonly lastIndex: () => number;
  readonly behind: (index: number) => readonly string[];
  /** Members of which nobody knows that they know keyrings of two keys. */
  readonly unready: () => readonly string[];
  /** Whether all members know keyrings of two keys; notes that they are used from now on. */
  readonly mayUse: () => Promise<boolean>;
}

/** So long a step that is due waits for members before somebody is told, and how often. */
const HELD_MS = 600_000;
const TOLD_EVERY_MS = 3_600_000;
const LOOK_MS_MAX = 10_000;
const LOOK_MS_MIN = 50;

export class TlsRotation {
  readonly #parts: RotationParts;
  #cancel: Cancel = () => {};
  /** Everything up to here is as old as the keyring, or older. */
  #index = 0;
  /** Since when all members have it, milliseconds of the monotonic clock. */
  #settledAt: number | undefined;
  /** Since when a step that is due waits for members, and when that was told. */
  #heldAt: number | undefined;
  #toldAt: number | undefined;
  #waitsFor: readonly string[] = [];

  constructor(parts: RotationParts) {
    this.#parts = parts;
  }

  /** Members that hold up a change that is due, for too long already. */
  get waitsFor(): readonly string[] {
    return this.#parts.isActive() ? this.#waitsFor : [];
  }

  /** This node is active now. */
  start(): void {
    this.#begin();
    this.#lookLater();
  }

  stop(): void {
    this.#cancel();
  }

  #begin(): void {
    this.#index = this.#parts.lastIndex();
    this.#settledAt = undefined;
    this.#waitForNobody();
  }

  #lookLater(): void {
    const { clock, times: { overlapMs } } = this.#parts;
    this.#cancel();
    const pause = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, overlapMs / 4));
    this.#cancel = clock.after(pause, () => {
      if (!this.#parts.isActive()) return;
      this.#look().catch((error) =>
        this.#parts.log.warn("the cluster's TLS key was not changed", {
          error: describeError(error),
        })
      ).finally(() => {
        if (this.#parts.isActive()) this.#lookLater();
      });
    });
  }

  async #look(): Promise<void> {
    const { clock, times, keyring: known, behind, mayUse, unready } = this.#parts;
    const keyring = known();
    if (keyring === undefined) return;
    const now = clock.monotonic();
    const lacking = behind(this.#index);
    if (lacking.length > 0) this.#settledAt = undefined;
    else this.#settledAt ??= now;
    const due = nextStep(keyring, times, clock.now(), Infinity);
    if (due === undefined) this.#waitForNobody();
    else this.#wait(lacking.length > 0 || due !== "make" ? lacking : unready(), now);
    const settledMs = this.#settledAt === undefined ? undefined : now - this.#settledAt;
    const step = nextStep(keyring, times, clock.now(), settledMs);
    if (step === undefined || (step === "make" && !await mayUse())) return;
    await this.#take(step, keyring);
  }

  #waitForNobody(): void {
    this.#heldAt = undefined;
    this.#toldAt = undefined;
    this.#waitsFor = [];
  }

  /** Takes note of who a step that is due waits for, if anybody is away. */
  #wait(members: readonly string[], now: number): void {
    if (members.length === 0) return this.#waitForNobody();
    this.#heldAt ??= now;
    if (now - this.#heldAt < HELD_MS) return;
    this.#waitsFor = members;
    if (this.#toldAt !== undefined && now - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = now;
    this.#parts.log.warn(
      "the cluster's TLS key can't be changed while members are away: start them, or remove them",
      { members: members.join(", "), minutes: Math.floor((now - this.#heldAt) / 60_000) },
    );
  }

  async #take(step: "make" | "show" | "drop", keyring: TlsKeyring): Promise<void> {
    const { log, store } = this.#parts;
    const next = await this.#after(step, keyring);
    await store(next);
    this.#begin();
    const { serial } = next;
    const told = { make: "made", show: "shown from now on", drop: "the only one accepted now" };
    log.info(`the cluster's new TLS key is ${told[step]}`, { serial });
  }

  async #after(
    step: "make" | "show" | "drop",
    keyring: TlsKeyring,
  ): Promise<TlsKeyring> {
    const { clock, random } = this.#parts;
    const { serverName, keys } = keyring;
    const serial = keyring.serial + 1;
    if (step === "show") return { ...keyring, current: keys.length - 1, serial };
    if (step === "drop") return { ...keyring, keys: keys.slice(-1), current: 0, serial };
    const made = await makeTlsKey(serverName, serial, clock, random);
    return { ...keyring, keys: [...keys, made], serial };
  }
}
