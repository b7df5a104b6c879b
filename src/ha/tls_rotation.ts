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
  /** How far the log goes, and whether every member has it up to an index. */
  readonly lastIndex: () => number;
  readonly allHave: (index: number) => boolean;
  /** Whether all members know keyrings of two keys; notes that they are used from now on. */
  readonly mayUse: () => Promise<boolean>;
}

const LOOK_MS_MAX = 10_000;
const LOOK_MS_MIN = 50;

export class TlsRotation {
  readonly #parts: RotationParts;
  #cancel: Cancel = () => {};
  /** Everything up to here is as old as the keyring, or older. */
  #index = 0;
  /** Since when all members have it, milliseconds of the monotonic clock. */
  #settledAt: number | undefined;

  constructor(parts: RotationParts) {
    this.#parts = parts;
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
    const { clock, times, keyring: known, allHave, mayUse } = this.#parts;
    const keyring = known();
    if (keyring === undefined) return;
    const now = clock.monotonic();
    if (!allHave(this.#index)) this.#settledAt = undefined;
    else this.#settledAt ??= now;
    const settledMs = this.#settledAt === undefined ? undefined : now - this.#settledAt;
    const step = nextStep(keyring, times, clock.now(), settledMs);
    if (step === undefined || (step === "make" && !await mayUse())) return;
    await this.#take(step, keyring);
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
