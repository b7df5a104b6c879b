/** Which learner becomes a voter next: one that has caught up, has kept up, and may. */
import type { Member } from "./consensus/configuration.ts";
import type { NodeId } from "./consensus/messages.ts";
import type { Raft } from "./consensus/raft.ts";

/** A learner within so many entries of the end of the log has caught up. */
const CAUGHT_UP_ENTRIES = 200;

export class Learners {
  /** Since when each has kept up, milliseconds of the monotonic clock. */
  readonly #readySince = new Map<NodeId, number>();
  /** How long one must have kept up before it votes, in milliseconds. */
  stabilizationMs = 0;
  /** Asked of each that has caught up. */
  mayVote: (id: NodeId) => boolean = () => true;

  /** Called by a leader with every tick: the members as they should be next, if any should. */
  promote(raft: Raft, now: number): readonly Member[] | undefined {
    const { members } = raft.configuration;
    const voters = members.filter(({ voter }) => voter).length;
    // Below three voters nothing may fail: who has caught up votes at once.
    const wait = voters < 3 ? 0 : this.stabilizationMs;
    const ready = members.find((member) => {
      if (member.voter || member.staysLearner === true) return false;
      const match = raft.matchOf(member.id) ?? 0;
      const keepsUp = match > 0 && match + CAUGHT_UP_ENTRIES >= raft.last.index;
      if (!keepsUp) this.#readySince.delete(member.id);
      else if (!this.#readySince.has(member.id)) this.#readySince.set(member.id, now);
      return keepsUp && now - (this.#readySince.get(member.id) ?? now) >= wait &&
        this.mayVote(member.id);
    });
    if (ready === undefined) return undefined;
    this.#readySince.delete(ready.id);
    return members.map((each) => each === ready ? { ...each, voter: true } : each);
  }
}
