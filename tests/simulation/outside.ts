/**
 * Databases outside of the cluster, with users that exist or not. They may be silent, refuse, do late
 * what they were asked for, or lose the answer; who asked may be gone by then. Users of "one" end in
 * time by themselves, those of "two" don't.
 */
import {
  type Database,
  DatabaseFailure,
  type DatabasePlugin,
  type Purpose,
  stillBusy,
} from "../../src/engines/database/plugin.ts";
import { postgres } from "../../src/engines/database/postgres/plugin.ts";
import type { Process } from "../../src/raft/simulation/virtual_time.ts";
import type { Surroundings } from "../../src/raft/simulation/world.ts";

export const moods = ["well", "slow", "silent", "refuses", "late", "loses answers"] as const;
export type Mood = typeof moods[number];

/** Milliseconds of a call that is answered, at most. */
const CALL_MS = 25;
/** Nobody waits longer for an answer. */
const TIMEOUT_MS = 3000;
/** A slow one answers after so long, at most. */
const SLOW_MS = 2500;
/** A server that is late does something so much later, at most. */
const LATE_MS = 15_000;

class Server {
  mood: Mood = "well";
  /** Names, each with when it ends by itself, milliseconds since the epoch. */
  readonly users = new Map<string, number>();
  /** Users that are being made. */
  readonly busy = new Set<string>();
}

interface Call {
  readonly purpose: Purpose;
  readonly name: string;
}

/** The program of a process, as far as it asks databases. */
interface Caller {
  readonly process: Process;
  readonly givesUp: boolean;
  readonly gaveUp: Set<string>;
}

/** Told of a user that is taken away. */
export type DropListener = (username: string) => void;

export class Outside {
  readonly #servers = new Map([["one", new Server()], ["two", new Server()]]);
  readonly #world: Surroundings;
  readonly #dropped: DropListener;

  constructor(world: Surroundings, dropped: DropListener) {
    this.#world = world;
    this.#dropped = dropped;
  }

  get hosts(): readonly string[] {
    return [...this.#servers.keys()];
  }

  setMood(host: string, mood: Mood): void {
    this.#server(host).mood = mood;
  }

  has(username: string): boolean {
    return [...this.#servers.values()].some(({ users }) => users.has(username));
  }

  /** Users that can log in at a time of the databases' clock. */
  usable(now: number): string[] {
    const all = [...this.#servers.values()].flatMap(({ users }) => [...users]);
    return all.filter(([, until]) => until > now).map(([name]) => name);
  }

  /** As a process reaches them; one that gives up does not ask again who did not answer once. */
  plugin(process: Process, givesUp = false): DatabasePlugin {
    const gaveUp = new Set<string>();
    const caller: Caller = { process, givesUp, gaveUp };
    return {
      ...postgres,
      formatExpiration: String,
      open: async ({ details }) => {
        const host = /@(\w+)\//.exec(details.connection_url ?? "")?.[1] ?? "";
        await this.#call(caller, host, () => {});
        return this.#database(caller, host);
      },
    };
  }

  #server(host: string): Server {
    const server = this.#servers.get(host);
    if (server === undefined) throw new Error(`there is no server ${host}`);
    return server;
  }

  #database(caller: Caller, host: string): Database {
    const { users } = this.#server(host);
    return {
      run: async (purpose, _, { name = "", expiration = "" }, mayBegin) => {
        mayBegin?.();
        const run = () => this.#run(users, purpose, name, Number(expiration));
        await this.#call(caller, host, run, { purpose, name });
      },
      drop: (name) =>
        this.#call(caller, host, () => this.#drop(users, name), { purpose: "revoke", name }),
      has: (name) => this.#call(caller, host, () => users.has(name)),
      close: () => Promise.resolve(),
    };
  }

  #run(users: Map<string, number>, purpose: Purpose, name: string, end: number): void {
    const until = this.#server("two").users === users ? Infinity : end;
    if (purpose === "create") users.set(name, until);
    else if (purpose === "renew" && users.has(name)) users.set(name, until);
  }

  #drop(users: Map<string, number>, name: string): void {
    if (users.delete(name)) this.#dropped(name);
  }

  /** Works on something so long; nobody may take a user away that is being made. */
  #hold(server: Server, what: Call | undefined, ms: number, act: () => void): void {
    const name = what?.purpose === "create" ? what.name : undefined;
    if (name !== undefined) server.busy.add(name);
    this.#world.time.after(ms, () => {
      if (name !== undefined) server.busy.delete(name);
      act();
    });
  }

  /** What is done is done whether the process lives to be told or not. */
  #call<T>(
    { process, givesUp, gaveUp }: Caller,
    host: string,
    act: () => T,
    what?: Call,
  ): Promise<T> {
    const { time, draw } = this.#world;
    const server = this.#server(host);
    return new Promise((resolve, reject) => {
      // Who is dead asks for nothing.
      if (!process.isAlive) return;
      const answer = (ms: number, tell: () => void) => time.after(ms, () => process.run(tell));
      const fail = (ms: number, failure: DatabaseFailure) => answer(ms, () => reject(failure));
      const noAnswer = (unchanged: boolean) => {
        if (givesUp) gaveUp.add(host);
        return new DatabaseFailure("no answer", unchanged, true);
      };
      if (gaveUp.has(host)) return void fail(1, noAnswer(true));
      time.after(1 + draw(CALL_MS), () => {
        if (what?.purpose === "revoke" && server.busy.has(what.name)) {
          return void fail(1, stillBusy());
        }
        switch (server.mood) {
          case "silent":
            return void fail(TIMEOUT_MS, noAnswer(true));
          case "refuses":
            return void fail(1, new DatabaseFailure("not now", true));
          case "loses answers":
            act();
            return void fail(TIMEOUT_MS, noAnswer(false));
          case "late":
            this.#hold(server, what, draw(LATE_MS), act);
            return void fail(TIMEOUT_MS, noAnswer(false));
          case "slow":
            return void this.#hold(server, what, draw(SLOW_MS), () => {
              const result = act();
              answer(1, () => resolve(result));
            });
          case "well": {
            const result = act();
            return void answer(1 + draw(CALL_MS), () => resolve(result));
          }
        }
      });
    });
  }
}
