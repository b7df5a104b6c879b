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
  "lease expired",
  "read proved by leader",
  "read proved by follower",
  "read refused",
  "write acknowledged",
  "write refused",
  "write of unknown outcome",
] as const;

export type Mark = typeof marks[number];

export class Coverage {
  readonly #counts = new Map<Mark, number>();

  mark(mark: Mark): void {
    this.#counts.set(mark, this.count(mark) + 1);
  }

  count(mark: Mark): number {
    return this.#counts.get(mark) ?? 0;
  }

  add(other: Coverage): void {
    for (const mark of marks) this.#counts.set(mark, this.count(mark) + other.count(mark));
  }

  get missing(): Mark[] {
    return marks.filter((mark) => this.count(mark) === 0);
  }
}
