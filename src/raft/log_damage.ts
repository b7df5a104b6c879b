/**
 * Damage in the log that a leader meets when a peer needs an old entry, long before the scrub gets
 * there: it is named at once, and whoever has the entry whole is asked to lead.
 */
import type { Cancel } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { NodeId } from "./consensus/messages.ts";
import type { CorruptionError } from "./errors.ts";

export interface LogDamageParts {
  readonly log: Logger;
  /** Hands leadership to a voter that has everything and is not this one; false where there is none. */
  readonly handOver: (lacking: NodeId) => Promise<boolean>;
}

export class LogDamage {
  readonly #parts: LogDamageParts;
  /** What was named before: the same entry is asked for again and again. */
  readonly #named = new Set<string>();
  readonly #listeners = new Set<(error: CorruptionError) => void>();
  /** For which leadership was handed over. Of two nodes with damage neither asks the other twice. */
  readonly #left = new Set<string>();
  #isLeaving = false;

  constructor(parts: LogDamageParts) {
    this.#parts = parts;
  }

  /** Told of each damage once. */
  onFound(listener: (error: CorruptionError) => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A peer needs what is damaged here, and goes on asking for it. */
  met(error: CorruptionError, peer: NodeId): void {
    const { message } = error;
    if (!this.#named.has(message)) {
      this.#named.add(message);
      this.#parts.log.error("a log entry that a peer needs is damaged", { peer, damage: message });
      for (const listener of this.#listeners) listener(error);
    }
    if (!this.#isLeaving && !this.#left.has(message)) void this.#leave(message, peer);
  }

  async #leave(message: string, peer: NodeId): Promise<void> {
    const { log, handOver } = this.#parts;
    this.#isLeaving = true;
    try {
      if (!await handOver(peer)) return;
      this.#left.add(message);
      log.warn("leadership was handed over because of damage in the log", { peer });
    } catch (error) {
      log.warn("leadership stays in spite of damage in the log", { error: describeError(error) });
    } finally {
      this.#isLeaving = false;
    }
  }
}
