/**
 * Who may log in, as clients were told, and whether it was right: what was destroyed, deleted, used
 * up or replaced logs nobody in, what was not does. Where an answer is missing, both may be.
 */
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import type { VirtualTime } from "../../src/raft/simulation/virtual_time.ts";
import type { Span } from "./clocks.ts";
import { begin, type Begun, type End, endAfter, type Ending, isAnyDone } from "./endings.ts";

/** What the tokens of a role are like, or were. */
export interface RoleVersion {
  /** Seconds. */
  readonly ttl: number;
  readonly uses: number;
  doneAt?: number;
}

export interface Role {
  readonly name: string;
  readonly roleId: string;
  readonly endings: Ending[];
  /** In the order in which they were asked for. */
  versions: RoleVersion[];
  isChanging: boolean;
}

export interface SecretId {
  readonly text: string;
  readonly accessor: string;
  readonly role: Role;
  /** 0 for no limit. */
  readonly uses: number;
  readonly end: End;
  readonly endings: Ending[];
  attempts: number;
  used: number;
}

interface Password {
  readonly text: string;
  /** That it was replaced. */
  readonly endings: Ending[];
}

export interface User {
  readonly name: string;
  readonly endings: Ending[];
  readonly passwords: Password[];
  isChanging: boolean;
  guesses: number;
  /** Guesses of which nobody knows when they were looked at. */
  openGuesses: number;
  /** The least that any clock showed where a guess was looked at. */
  guessedAt: number;
  /** When somebody was told of a lock. */
  lockedAt?: number;
  mayBeUnlocked: boolean;
}

export class LoginLedger {
  readonly roles: Role[] = [];
  readonly secretIds: SecretId[] = [];
  readonly users: User[] = [];
  readonly #entities = new Map<string, string>();
  readonly #time: VirtualTime;
  readonly #highestClock: () => number;

  /** `lockMs` is for how long a name is locked. */
  constructor(time: VirtualTime, highestClock: () => number, readonly lockMs: number) {
    this.#time = time;
    this.#highestClock = highestClock;
  }

  ends({ endings }: { readonly endings: Ending[] }): Begun {
    return begin(endings, this.#time);
  }

  roleMade(name: string, roleId: string, version: RoleVersion): void {
    version.doneAt = this.#time.now;
    this.roles.push({ name, roleId, endings: [], versions: [version], isChanging: false });
  }

  secretIdMade(
    about: Pick<SecretId, "text" | "accessor" | "role" | "uses">,
    ttlSeconds: number,
    span: Span,
  ): SecretId {
    const end = endAfter(span, ttlSeconds);
    const made: SecretId = { ...about, end, endings: [], attempts: 0, used: 0 };
    this.secretIds.push(made);
    return made;
  }

  userMade(name: string, password: string): User {
    const user: User = {
      name,
      endings: [],
      passwords: [{ text: password, endings: [] }],
      isChanging: false,
      guesses: 0,
      openGuesses: 0,
      guessedAt: Infinity,
      mayBeUnlocked: false,
    };
    this.users.push(user);
    return user;
  }

  /** A login went well that was asked for at `start`. Throws where it must not have. */
  loggedIn(secretId: SecretId, start: number, span: Span): void {
    const { accessor, uses, end } = secretId;
    const name = `the secret id ${accessor}`;
    if (this.mustHaveEnded(secretId, start)) throw new BrokenPromise(`${name} outlives its end`);
    if (span.low >= end.high) throw new BrokenPromise(`${name} outlives its time`);
    secretId.used += 1;
    if (uses === 0 || secretId.used <= uses) return;
    throw new BrokenPromise(`${name} logged in ${secretId.used} times`);
  }

  /** It was refused, or is not there; so many attempts to log in with it are not over. */
  isGone(secretId: SecretId, attempts: number): void {
    const { accessor, uses, role, endings, end } = secretId;
    const isUsedUp = uses > 0 && secretId.attempts - attempts >= uses;
    if (isUsedUp || endings.length > 0 || role.endings.length > 0) return;
    if (this.#highestClock() >= end.low) return;
    throw new BrokenPromise(`the secret id ${accessor} is lost`);
  }

  /** It was looked up, with so many uses left. `used` is how often it had logged in before that. */
  isThere(secretId: SecretId, start: number, left: number, used: number): void {
    const { accessor, uses, attempts } = secretId;
    const name = `the secret id ${accessor}`;
    if (this.mustHaveEnded(secretId, start)) {
      throw new BrokenPromise(`${name} is there after its end`);
    }
    if (uses === 0 || (left <= uses - used && left >= uses - attempts)) return;
    throw new BrokenPromise(`${name} has ${left} of ${uses} uses left after ${used}`);
  }

  mustHaveEnded({ endings, role }: SecretId, start: number): boolean {
    return isAnyDone([...endings, ...role.endings], start);
  }

  /** The token of a login is as the role says, or said since `start`. */
  isAsSaid({ name, versions }: Role, start: number, ttl: number, uses: number): void {
    const isLater = ({ doneAt }: RoleVersion) => doneAt !== undefined && doneAt < start;
    const first = versions.findLastIndex(isLater);
    const possible = versions.slice(Math.max(0, first));
    if (possible.some((version) => version.ttl === ttl && version.uses === uses)) return;
    throw new BrokenPromise(`the role ${name} never said ${ttl} s and ${uses} uses at once`);
  }

  /** A user logged in. Throws where it must not have. */
  userLoggedIn(user: User, password: Password, start: number): void {
    const { name, endings, lockedAt, mayBeUnlocked, openGuesses, guessedAt } = user;
    if (isAnyDone(endings, start)) {
      throw new BrokenPromise(`${name} logs in after its deletion`);
    }
    if (isAnyDone(password.endings, start)) {
      throw new BrokenPromise(`${name} logs in with a password that was replaced`);
    }
    const isLocked = lockedAt !== undefined && lockedAt < start && !mayBeUnlocked &&
      openGuesses === 0 && this.#highestClock() < guessedAt + this.lockMs;
    if (isLocked) throw new BrokenPromise(`${name} logs in though it is locked`);
  }

  userRefused({ name, endings, guesses }: User, password: Password): void {
    if (endings.length > 0 || guesses > 0 || password.endings.length > 0) return;
    throw new BrokenPromise(`${name} can't log in`);
  }

  /** One name is one entity. */
  isOf(alias: string, entity: string): void {
    const known = this.#entities.get(alias) ?? entity;
    this.#entities.set(alias, known);
    if (known === entity) return;
    throw new BrokenPromise(`${alias} is of the entities ${known} and ${entity}`);
  }
}
