/**
 * What the node that was active before may still do. It has kept a lease, has proved that it leads, and
 * is about to make the user as it is cut off: who comes after it may end that lease and find no user
 * yet, while there will be one. So a creation that has not begun at its database in its time is given
 * up, and a node that has become active looks for users of young leases again once that time is over.
 */
import type { Clock } from "../../base/clock.ts";
import { DatabaseFailure } from "./plugin.ts";

/** From the proof that its node leads a creation may take so long until its database has begun with it. */
const usualCreationMs = 90_000;
/** One node's time, as another one's clock measures it, and what is still on its way by then. */
const measured = 4 / 3;
/** What was issued longer ago than that was made or given up, by whatever clock. */
const youngMs = 600_000;

export class Succession {
  readonly #creationMs: number;
  #endsAt: number | undefined;
  /** Users that this node makes; others' creations are over when it forgets them. */
  #own: Set<string> | undefined = new Set();

  constructor(readonly clock: () => Clock, creationMs = usualCreationMs) {
    this.#creationMs = creationMs;
  }

  /** How long the node before may still make users; measured from the first time it is asked. */
  #leftMs(): number {
    const now = this.clock().monotonic();
    this.#endsAt ??= now + this.#creationMs * measured;
    const left = this.#endsAt - now;
    if (left <= 0) this.#own = undefined;
    return Math.max(0, left);
  }

  /** This node is active: who was so before is not any more. */
  begin(): void {
    this.#leftMs();
  }

  /**
   * This node is about to prove that it leads, and to make a user then. The check is for when nobody can
   * take the user away any more, and before anything is done: it throws where that took too long.
   */
  makes(username: string): () => void {
    const { clock } = this;
    if (this.#leftMs() > 0) this.#own?.add(username);
    const latest = clock().monotonic() + this.#creationMs;
    return () => {
      if (clock().monotonic() <= latest) return;
      throw new DatabaseFailure("it took too long until the database could begin", true);
    };
  }

  /**
   * After how many milliseconds a user that is taken away now must be looked for again; undefined
   * where nobody else can be making it.
   */
  lookAgainMs(username: string, issueTime: number): number | undefined {
    const left = this.#leftMs();
    if (left === 0 || this.#own?.has(username)) return undefined;
    const age = this.clock().now() - issueTime;
    return age > youngMs ? undefined : left;
  }
}
