/** What a leader knows of one peer. */

/**
 * probing: one append at a time until the logs are known to agree; replicating: appends follow
 * each other without waiting; fetching: older entries are being read from disk for it; snapshot:
 * the state is being sent to it.
 */
export type ProgressState = "probing" | "replicating" | "fetching" | "snapshot";

export class Progress {
  state: ProgressState = "probing";
  /** Everything up to here is known to be in the peer's log. */
  match = 0;
  next: number;
  /** Last indexes of the appends on their way. */
  inflight: number[] = [];
  /** How much of its log it knows to be committed, or will when all that was sent has come. */
  told = 0;
  /** Heard of since the last look at the quorum. */
  active = true;
  /** Up to where the state that was sent last reaches. */
  snapshotIndex = 0;
  /** Counts how often sending began anew; answers to an earlier attempt say nothing of this one. */
  attempt = 0;
  /** The last heartbeat round it answered. */
  round = 0;
  /** Appends were on their way for a whole heartbeat and none was answered. */
  isStalled = false;
  #matchAtHeartbeat = 0;
  /** While probing: an append is out and no answer came yet. */
  waiting = false;

  constructor(lastIndex: number) {
    this.next = lastIndex + 1;
  }

  isPaused(inflightMax: number): boolean {
    if (this.state === "probing") return this.waiting;
    if (this.state === "replicating") return this.inflight.length >= inflightMax;
    return true;
  }

  probe(next: number): void {
    this.attempt += 1;
    this.state = "probing";
    this.next = Math.max(next, this.match + 1);
    this.inflight = [];
    this.waiting = false;
    this.isStalled = false;
    this.told = 0;
  }

  /** As `probe`, where the peer itself says that its log agrees no further, or is gone. */
  fallBack(next: number): void {
    this.match = Math.max(0, Math.min(this.match, next - 1));
    this.probe(next);
  }

  /** Called at the leader's heartbeats: looks whether the peer has got on since the last. */
  lookForStall(): void {
    this.isStalled = this.inflight.length > 0 && this.match === this.#matchAtHeartbeat;
    this.#matchAtHeartbeat = this.match;
  }

  /** The peer has everything up to `index`; returns whether that is news. */
  matched(index: number, attempt: number): boolean {
    this.inflight = this.inflight.filter((last) => last > index);
    const isNews = index > this.match;
    this.match = Math.max(this.match, index);
    this.next = Math.max(this.next, this.match + 1);
    if (this.state === "probing" && attempt === this.attempt) {
      this.state = "replicating";
      this.waiting = false;
    }
    return isNews;
  }

  sent(last: number): void {
    if (this.state === "probing") this.waiting = true;
    else {
      this.inflight.push(last);
      this.next = last + 1;
    }
  }
}
