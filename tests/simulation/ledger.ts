/**
 * What clients were told of tokens and leases, and whether it was right: what was ended answers to
 * nobody, what was not lives. Where an answer is missing, both may be.
 */
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import type { VirtualTime } from "../../src/raft/simulation/virtual_time.ts";
import type { Span } from "./clocks.ts";
import {
  begin,
  type Begun,
  type End,
  endAfter,
  type Ending,
  isAnyDone,
  isDone,
  whenever,
} from "./endings.ts";

/** A revocation of all leases below a prefix. */
export interface PrefixEnding extends Ending {
  readonly prefix: string;
}

export interface Leased {
  /** Lease id: a path and a last part. */
  readonly path: string;
  /** When it was answered. */
  readonly madeAt: number;
  end: End;
  /** Those that it had before, each with when another took its place. */
  readonly earlier: { readonly end: End; readonly until: number }[];
  /** A renewal is under way. */
  isRenewing: boolean;
  readonly endings: Ending[];
}

export interface Token extends Leased {
  readonly text: string;
  /** Or what it is called here, where it has none. */
  readonly accessor: string;
  /** It is in no storage: it ends with its parent, or its time. */
  readonly isBatch?: true;
  /** Undefined for an orphan. */
  parent: Token | undefined;
  /** Somebody has asked to set it free. */
  mayBeFree: boolean;
  /** Endings that set its children free. */
  readonly lone: Ending[];
  /** 0 for no limit. */
  readonly uses: number;
  /** Ends of what it was logged in with, which a renewal asks for. */
  readonly login?: readonly Ending[];
  attempts: number;
  used: number;
}

export interface Secret extends Leased {
  readonly id: string;
  readonly token: Token;
  readonly username: string;
}

export class Ledger {
  readonly tokens: Token[] = [];
  readonly secrets: Secret[] = [];
  readonly #prefixes: PrefixEnding[] = [];
  readonly #time: VirtualTime;
  /** The most that any clock has ever shown. */
  readonly #highestClock: () => number;

  constructor(time: VirtualTime, highestClock: () => number) {
    this.#time = time;
    this.#highestClock = highestClock;
  }

  made(
    about: Pick<Token, "text" | "accessor" | "parent" | "path" | "uses" | "login" | "isBatch">,
    ttlSeconds: number,
    span: Span,
  ): Token {
    const token: Token = {
      ...about,
      ...this.#begun(ttlSeconds, span),
      lone: [],
      mayBeFree: about.isBatch !== true && (about.parent?.lone.length ?? 0) > 0,
      attempts: 0,
      used: 0,
    };
    this.tokens.push(token);
    return token;
  }

  /** It has neither an accessor nor a lease whose id a prefix may be of. */
  batchMade(text: string, parent: Token | undefined, ttlSeconds: number, span: Span): Token {
    const accessor = `…${text.slice(-8)}`;
    return this.made(
      { text, accessor, parent, path: "", uses: 0, isBatch: true },
      ttlSeconds,
      span,
    );
  }

  #begun(ttlSeconds: number, span: Span) {
    return {
      madeAt: this.#time.now,
      end: endAfter(span, ttlSeconds),
      earlier: [],
      isRenewing: false,
      endings: [],
    };
  }

  leased(
    about: Pick<Secret, "id" | "token" | "username" | "path">,
    ttlSeconds: number,
    span: Span,
  ): Secret {
    const secret: Secret = {
      ...about,
      ...this.#begun(ttlSeconds, span),
    };
    this.secrets.push(secret);
    return secret;
  }

  /** Somebody asks for the end of it; `done` is to be called with the answer. */
  ends(leased: Leased): Begun {
    return begin(leased.endings, this.#time);
  }

  /** The same of a token alone, its children set free. */
  endsAlone(token: Token): Begun {
    const children = () => this.tokens.filter((one) => one.parent === token && !one.isBatch);
    const start = this.#time.now;
    for (const child of children()) child.mayBeFree = true;
    const { done } = begin(token.lone, this.#time);
    return {
      done: () => {
        for (const child of children()) {
          // Was its parent ended otherwise before, it was not set free.
          const isVague = this.#mayTreeEnd(token, start);
          child.mayBeFree = isVague;
          if (isVague) child.endings.push({ from: this.#time.now });
          else child.parent = undefined;
        }
        done();
      },
    };
  }

  endsBelow(prefix: string): { readonly done: () => void; readonly covered: () => Secret[] } {
    const ending: PrefixEnding = { prefix, from: this.#time.now };
    this.#prefixes.push(ending);
    return {
      done: () => {
        ending.doneAt = this.#time.now;
      },
      covered: () => this.secrets.filter((secret) => isOf(ending, secret)),
    };
  }

  /** A renewal is asked for. Until it is answered nobody knows when the lease ends. */
  renews(leased: Leased): {
    readonly done: (ttlSeconds: number, span: Span) => void;
    readonly refused: () => void;
    readonly unknown: () => void;
  } {
    const before = leased.end;
    this.#endsNow(leased, whenever);
    leased.isRenewing = true;
    return {
      done: (ttlSeconds, span) => {
        leased.isRenewing = false;
        this.#endsNow(leased, endAfter(span, ttlSeconds));
      },
      refused: () => {
        leased.isRenewing = false;
        this.#endsNow(leased, before);
      },
      unknown: () => {
        leased.isRenewing = false;
      },
    };
  }

  #endsNow(leased: Leased, end: End): void {
    leased.earlier.push({ end: leased.end, until: this.#time.now });
    leased.end = end;
  }

  /** A token answered to somebody who began to ask at `start`. Throws where it must not have. */
  lives(token: Token, start: number, span: Span): void {
    if (this.mustHaveEnded(token, start)) {
      throw new BrokenPromise(`the token ${token.accessor} answers after its revocation`);
    }
    this.#isInTime(token, `the token ${token.accessor}`, start, span);
  }

  /** The same of one that was renewed. */
  isRenewed(token: Token, start: number, span: Span): void {
    this.lives(token, start, span);
    if (!isAnyDone(token.login ?? [], start)) return;
    throw new BrokenPromise(
      `the token ${token.accessor} is renewed without what it logged in with`,
    );
  }

  /** A use of a token that has so many was answered. */
  isUsed(token: Token): void {
    token.used += 1;
    if (token.uses > 0 && token.used > token.uses) {
      throw new BrokenPromise(`the token ${token.accessor} was used ${token.used} times`);
    }
  }

  /** The same of a lease that was renewed or looked up. That of a batch token ends with its time. */
  leaseLives(secret: Secret, start: number, span: Span): void {
    if (this.mustSecretHaveEnded(secret, start)) {
      throw new BrokenPromise(`the lease ${secret.id} lives after its revocation`);
    }
    const name = `the lease ${secret.id}`;
    this.#isInTime(secret, name, start, span);
    if (secret.token.isBatch) this.#isInTime(secret.token, name, start, span);
  }

  /** By the latest end that it had at some moment since `start`: a renewal may bring it nearer. */
  #isInTime({ end, earlier }: Leased, name: string, start: number, { low }: Span): void {
    const ends = [end, ...earlier.filter(({ until }) => until >= start).map((one) => one.end)];
    if (ends.every(({ high }) => low >= high)) throw new BrokenPromise(`${name} outlives its time`);
  }

  /**
   * A token did not answer to somebody who began to ask at `start`, nor to so many attempts to use it
   * that are not over. Throws where it should have.
   */
  isGone(token: Token, start: number, attempts = 0): void {
    if (this.mayHaveEnded(token, start, attempts)) return;
    throw new BrokenPromise(`the token ${token.accessor} is lost`);
  }

  leaseIsGone(secret: Secret, start: number): void {
    if (this.maySecretHaveEnded(secret, start)) return;
    throw new BrokenPromise(`the lease ${secret.id} is lost`);
  }

  /** Whether a revocation of it, or of what it hangs on, was acknowledged before `start`. */
  mustHaveEnded(token: Token, start: number): boolean {
    return isAnyDone(token.lone, start) || this.#mustTreeEnd(token, start);
  }

  mustSecretHaveEnded(secret: Secret, start: number): boolean {
    return this.#wasRevoked(secret, start) || this.mustHaveEnded(secret.token, start);
  }

  /** Whether it may have been gone at some moment since. Of the attempts some may be yet to come. */
  mayHaveEnded(token: Token, since = this.#time.now, attempts = 0): boolean {
    const isUsedUp = token.uses > 0 && token.attempts - attempts >= token.uses;
    return isUsedUp || token.lone.length > 0 || this.#mayTreeEnd(token, since);
  }

  maySecretHaveEnded(secret: Secret, since = this.#time.now): boolean {
    return this.#mayEnd(secret, since) || this.mayHaveEnded(secret.token, since);
  }

  #mustTreeEnd(token: Token, start: number): boolean {
    const { parent, isBatch, mayBeFree } = token;
    if (this.#wasRevoked(token, start)) return true;
    if (parent === undefined || mayBeFree) return false;
    if (isBatch && isAnyDone(parent.lone, start)) return true;
    return this.#mustTreeEnd(parent, start);
  }

  #wasRevoked(leased: Leased, start: number): boolean {
    return isAnyDone(leased.endings, start) ||
      this.#prefixes.some((ending) =>
        isOf(ending, leased) && leased.madeAt < ending.from && isDone(ending, start)
      );
  }

  #mayTreeEnd(token: Token, since: number): boolean {
    const { parent, isBatch } = token;
    return this.#mayEnd(token, since) || parent !== undefined &&
        (this.#mayTreeEnd(parent, since) || isBatch === true && parent.lone.length > 0);
  }

  #mayEnd(leased: Leased, since: number): boolean {
    const clock = this.#highestClock();
    return leased.endings.length > 0 || clock >= leased.end.low ||
      leased.earlier.some(({ end, until }) => until >= since && clock >= end.low) ||
      this.#prefixes.some((ending) =>
        isOf(ending, leased) && (ending.doneAt ?? Infinity) > leased.madeAt
      );
  }
}

function isOf({ prefix }: PrefixEnding, { path }: Leased): boolean {
  return `${path}/`.startsWith(prefix);
}
