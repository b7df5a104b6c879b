/** Marks that show what a run reached, so that generators that no longer reach it are noticed. */

export const marks = [
  "message lost",
  "append lost",
  "message doubled",
  "message overtaken",
  "message cut off",
  "pause",
  "crash",
  "unsynced tail lost",
  "restart",
  "clock drift",
  "election won",
  "pre-vote refused",
  "leader steps down",
  "conflicting tail truncated",
  "old entries fetched",
  "log compacted",
  "snapshot installed",
  "snapshot not wanted",
  "snapshot lost",
  "leadership transferred",
  "membership changed",
  "learner promoted",
  "voter removed",
  "leader removed itself",
  "read by lease",
  "follower's read by the leader's lease",
  "lease expired",
  "read proved by leader",
  "read proved by follower",
  "read refused",
  "write acknowledged",
  "write refused",
  "write of unknown outcome",
] as const;

/** Of clusters with their files. */
export const storageMarks = [
  "message lost",
  "message cut off",
  "pause",
  "crash",
  "crash in an operation of the disk",
  "power cut",
  "commit under way lost",
  "unsynced notes and removals lost",
  "restart",
  "election won",
  "state flushed",
  "log segment dropped",
  "state rewritten",
  "state sent",
  "state taken in",
  "disk full",
  "node ends on a full disk",
  "disk fails",
  "node ends on a failing disk",
  "row rotten",
  "file torn",
  "damage found at start",
  "damage found later",
  "state begun anew",
  "membership changed beside rotten files",
  "membership changed after a state was begun anew",
  "rotten node leaves",
  "rotten node joins",
  "learner rots",
  "outsider rots",
  "content replaced",
  "replacement of unknown outcome",
  "membership changed",
  "leadership transferred",
  "read proved",
  "read refused",
  "write acknowledged",
  "write refused",
  "write of unknown outcome",
  "token revoked",
  "revoked token looked up",
] as const;

export type Mark = typeof marks[number] | typeof storageMarks[number];

export class Coverage<M extends string = Mark> {
  readonly #counts = new Map<M, number>();

  mark(mark: M): void {
    this.#counts.set(mark, this.count(mark) + 1);
  }

  count(mark: M): number {
    return this.#counts.get(mark) ?? 0;
  }

  add(other: Coverage<M>): void {
    for (const [mark, count] of other.#counts) this.#counts.set(mark, this.count(mark) + count);
  }

  /** Those of a list that were never reached. */
  missing(of: readonly M[]): M[] {
    return of.filter((mark) => this.count(mark) === 0);
  }
}
