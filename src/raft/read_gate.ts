/**
 * Lets reads pass once it is proved that what is applied here is not old. A leader that has proved
 * itself holds a lease: whoever answered its heartbeat votes for nobody else for an election
 * timeout (thesis 6.4.1). All reads that wait share one proof.
 */
import type { Clock } from "../base/clock.ts";
import { Deadlines } from "../base/deadlines.ts";
import type { Message, NodeId, ReadState } from "./consensus/messages.ts";
import type { Raft } from "./consensus/raft.ts";
import type { Driver } from "./driver.ts";
import { NotLeaderError } from "./errors.ts";

interface Waiting {
  readonly index: number;
  readonly at: number;
  readonly resolve: () => void;
}

interface Asked {
  /** When it was asked for the first time, which is not before everybody who waits for it came. */
  at: number;
  term: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A question that nobody answers is asked again, and in the end given up. */
const ASK_AGAIN_MS = 400;
const ANSWER_MS = 5000;
const LOOK_EVERY_MS = 100;

/** The same for everybody: to make one takes longer than all else that a refusal does. */
const notProved = new NotLeaderError("leadership was not proved");

export class ReadGate {
  readonly #raft: Raft;
  readonly #driver: Driver;
  readonly #clock: Clock;
  /** One timer for all: there may be a thousand proofs a second. */
  readonly #deadlines: Deadlines;
  readonly #asked = new Map<number, Asked>();
  #applying: Waiting[] = [];
  /** Begins elsewhere at each start: an answer that is late is not for who asks after a restart. */
  #nextContext: number;
  /** The proof that reads may join that have not come yet, and the one that is under way. */
  #next: Promise<void> | undefined;
  #current: Promise<void> | undefined;
  /** When the last proof was asked for of which everything is applied; for `confirmWithin`. */
  #provedAt = -Infinity;
  #leader: NodeId | undefined;
  #leaseEnd = 0;
  #leaseTerm = 0;
  /** After a hand-over was begun, votes are given before the lease would have ended. */
  #noLeaseIn = 0;
  leaseMs = 0;

  constructor(raft: Raft, driver: Driver, clock: Clock) {
    this.#raft = raft;
    this.#driver = driver;
    this.#clock = clock;
    this.#deadlines = new Deadlines(clock, LOOK_EVERY_MS);
    this.#nextContext = Math.floor(clock.now()) * 1000 + 1;
  }

  /** Undefined where a read may go on at once. Rejects with `NotLeaderError`. */
  confirm(): Promise<void> | undefined {
    const raft = this.#raft;
    if (raft.role === "leader") {
      if (raft.configuration.members.length === 1) return undefined;
      const now = this.#clock.monotonic();
      if (this.#hasLease(now)) return this.#caughtUp(now);
    }
    this.#next ??= this.#proveNext();
    return this.#next;
  }

  /**
   * Followers hear of a commit while this node may still be writing to its disk before it applies
   * it; what one of them has shown already must be seen here too.
   */
  #caughtUp(at: number): Promise<void> | undefined {
    const index = this.#raft.commitIndex;
    if (this.#driver.appliedIndex >= index) return undefined;
    return new Promise((resolve) => this.#applying.push({ index, at, resolve }));
  }

  /** As `confirm`, but a proof that was asked for `maxAgeMs` ago at most will do. */
  confirmWithin(maxAgeMs: number): Promise<void> | undefined {
    if (maxAgeMs > 0 && this.#clock.monotonic() - this.#provedAt <= maxAgeMs) return undefined;
    return this.confirm();
  }

  /** Who waits for a leader that is gone asks the next one, or learns that there is none. */
  leaderIs(leader: NodeId | undefined): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    if (this.#asked.size > 0) this.#driver.post(() => this.#askAgain());
  }

  #askAgain(): void {
    for (const context of this.#asked.keys()) this.#raft.readIndex(context);
  }

  /**
   * As `confirm`, on a leader only: what it keeps in memory beside the state is not old either.
   * Rejects with `NotLeaderError` where another may lead by now.
   */
  confirmLeading(): Promise<void> | undefined {
    const raft = this.#raft;
    const { term } = raft;
    const isLeading = () => raft.role === "leader" && raft.term === term;
    const lost = () => new NotLeaderError("this node does not lead its group");
    if (!isLeading()) return Promise.reject(lost());
    return this.confirm()?.then(() => {
      if (!isLeading()) throw lost();
    });
  }

  /** A lease of this term counts no more: leadership is being handed over. */
  endLease(): void {
    this.#noLeaseIn = this.#raft.term;
    this.#leaseEnd = 0;
  }

  /**
   * Answers a follower that asks at which index it may read, as long as the lease spares the round
   * that would prove it. False where it is consensus that has to; the next may then find a lease.
   */
  answers(message: Message, send: (messages: readonly Message[]) => void): boolean {
    if (message.type !== "readIndex") return false;
    const raft = this.#raft;
    if (raft.role !== "leader" || raft.term !== message.term) return false;
    const { context, to: from, from: to, term } = message;
    if (!this.#hasLease(this.#clock.monotonic())) {
      // Who waits for the lease alone has nothing to hear of its failing.
      this.confirm()?.catch(() => undefined);
      return false;
    }
    send([{ type: "readIndexReply", from, to, term, context, index: raft.commitIndex }]);
    return true;
  }

  #hasLease(now: number): boolean {
    return this.#leaseTerm === this.#raft.term && now < this.#leaseEnd;
  }

  /** Takes what consensus answers. */
  answered(reads: readonly ReadState[]): void {
    for (const { context, index } of reads) {
      const asked = this.#asked.get(context);
      if (asked === undefined) continue;
      this.#asked.delete(context);
      if (index === undefined) asked.reject(notProved);
      else {
        this.#extendLease(asked);
        this.#applying.push({ index, at: asked.at, resolve: asked.resolve });
      }
    }
  }

  /** More has been applied. */
  applied(index: number): void {
    if (this.#applying.length === 0) return;
    const ready = this.#applying.filter((read) => read.index <= index);
    this.#applying = this.#applying.filter((read) => read.index > index);
    for (const { at, resolve } of ready) {
      this.#provedAt = Math.max(this.#provedAt, at);
      resolve();
    }
  }

  #extendLease({ at, term }: Asked): void {
    const raft = this.#raft;
    if (raft.role !== "leader" || raft.term !== term || term === this.#noLeaseIn) return;
    this.#leaseTerm = term;
    this.#leaseEnd = Math.max(this.#leaseEnd, at + this.leaseMs);
  }

  /** One proof at a time; who comes after one was asked for needs the next. */
  async #proveNext(): Promise<void> {
    await this.#current?.catch(() => undefined);
    this.#current = this.#prove(() => {
      this.#next = undefined;
    });
    await this.#current;
  }

  /** `begun` is called once nobody may join any more: the question leaves, or nothing comes of it. */
  #prove(begun: () => void): Promise<void> {
    const context = this.#nextContext++;
    let isBegun = false;
    return new Promise((resolve, reject) => {
      const asked: Asked = {
        at: this.#clock.monotonic(),
        term: this.#raft.term,
        resolve: () => settle(resolve),
        reject: (error: Error) => settle(() => reject(error)),
      };
      const cancelGiveUp = this.#deadlines.add(ANSWER_MS, () => {
        asked.reject(new NotLeaderError("no quorum answers"));
      });
      let cancelAgain = () => {};
      const settle = (act: () => void) => {
        this.#asked.delete(context);
        cancelGiveUp();
        cancelAgain();
        begin();
        act();
      };
      const begin = () => {
        if (isBegun) return;
        isBegun = true;
        asked.at = this.#clock.monotonic();
        asked.term = this.#raft.term;
        begun();
      };
      const ask = () => {
        if (!this.#asked.has(context)) return;
        begin();
        cancelAgain = this.#deadlines.add(ASK_AGAIN_MS, () => this.#driver.post(ask));
        this.#raft.readIndex(context);
      };
      this.#asked.set(context, asked);
      this.#driver.post(ask);
    });
  }
}
