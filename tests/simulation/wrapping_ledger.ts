/**
 * Answers that wait behind a wrapping token: each is given once, to whoever comes first, and only in
 * its time. Where an answer is missing it may have been given, or not.
 */
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import type { VirtualTime } from "../../src/raft/simulation/virtual_time.ts";
import type { Span } from "./clocks.ts";
import { begin, type Begun, type End, endAfter, type Ending, isAnyDone } from "./endings.ts";

/** A token that was made with its answer wrapped. */
export interface TokenInside {
  readonly ttl: number;
  readonly span: Span;
}

export interface Wrapped {
  readonly text: string;
  /** The same in another form, where it was asked for in that. */
  readonly jwt?: string;
  readonly accessor: string;
  /** The path that was answered. */
  readonly path: string;
  /** What tells that answer from all others. */
  readonly content: string;
  readonly inside?: TokenInside;
  readonly ttl: number;
  readonly end: End;
  /** That somebody asked for it, or for its end. */
  readonly endings: Ending[];
  given: number;
}

export class WrappingLedger {
  readonly all: Wrapped[] = [];
  readonly #time: VirtualTime;
  readonly #highestClock: () => number;

  constructor(time: VirtualTime, highestClock: () => number) {
    this.#time = time;
    this.#highestClock = highestClock;
  }

  made(
    about: Pick<Wrapped, "text" | "jwt" | "accessor" | "path" | "content" | "inside" | "ttl">,
    span: Span,
  ): void {
    this.all.push({ ...about, end: endAfter(span, about.ttl), endings: [], given: 0 });
  }

  /** Somebody asks for what is wrapped, or for its end. */
  ends({ endings }: Wrapped): Begun & { readonly ending: Ending | undefined } {
    return { ...begin(endings, this.#time), ending: endings.at(-1) };
  }

  /** It was given to somebody who asked at `start`. Throws where it must not have been. */
  isGiven(wrapped: Wrapped, content: string, start: number, span: Span): void {
    this.isThere(wrapped, start, span);
    wrapped.given += 1;
    const name = nameOf(wrapped);
    if (wrapped.given > 1) throw new BrokenPromise(`${name} was given ${wrapped.given} times`);
    if (content === wrapped.content) return;
    throw new BrokenPromise(`${name} was ${wrapped.content} and is ${content}`);
  }

  /** It is still there. */
  isThere(wrapped: Wrapped, start: number, { low }: Span): void {
    const name = nameOf(wrapped);
    if (this.mustHaveEnded(wrapped, start)) throw new BrokenPromise(`${name} outlives its end`);
    if (low >= wrapped.end.high) throw new BrokenPromise(`${name} outlives its time`);
  }

  /** It was not there for somebody whose own attempt is `own`. */
  isGone(wrapped: Wrapped, own?: Ending): void {
    if (wrapped.endings.some((ending) => ending !== own)) return;
    if (this.#highestClock() >= wrapped.end.low) return;
    throw new BrokenPromise(`${nameOf(wrapped)} is lost`);
  }

  mustHaveEnded({ endings }: Wrapped, start: number): boolean {
    return isAnyDone(endings, start);
  }
}

function nameOf({ accessor }: Wrapped): string {
  return `what is wrapped behind ${accessor}`;
}
