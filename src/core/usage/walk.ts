/** Walks over what is stored, in pages and with rests, so that requests do not feel it. */
import type { Cancel, Clock } from "../../base/clock.ts";
import type { Entry, Storage } from "../../storage/storage.ts";

/** Entries, or names, of a page: a few milliseconds of work. */
const pageSize = 200;
/** A rest lasts so many times as long as the page before it took, and at least a little. */
const restShare = 24;
const shortestRestMs = 2;

/** Thrown where a walk is broken off, because the node seals or stands by. */
export class WalkStopped extends Error {
  constructor() {
    super("the walk was broken off");
  }
}

export class Walk {
  #stopped = false;
  #cancel: Cancel = () => {};
  #endRest = () => {};

  /** What it reads is of no one moment: each page is as it was when it was read. */
  constructor(readonly storage: Pick<Storage, "list" | "scan">, readonly clock: Clock) {}

  /** Breaks off what is under way. */
  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#endRest();
  }

  /** Every entry below a prefix, in the order of the keys; without values, where nobody wants them. */
  async entries(
    prefix: string,
    visit: (entry: Entry) => void,
    { keysOnly = false } = {},
  ): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const start = this.#begin();
      const page = await this.storage.scan(prefix, {
        limit: pageSize,
        keysOnly,
        ...(after === undefined ? {} : { after }),
      });
      for (const entry of page) visit(entry);
      after = page.at(-1)?.key;
      if (page.length < pageSize) return;
      await this.#rest(start);
    }
  }

  /** How many values lie below a folder, at any depth. Reads names only, never a value. */
  async count(folder: string): Promise<number> {
    // One frame a level: as deep as the deepest path, however many there are.
    const open: { readonly folder: string; after?: string; left: string[]; done: boolean }[] = [];
    const enter = (path: string) => open.push({ folder: path, left: [], done: false });
    let count = 0;
    enter(folder);
    for (let frame = open.at(-1); frame !== undefined; frame = open.at(-1)) {
      const below = frame.left.pop();
      if (below !== undefined) {
        enter(frame.folder + below);
        continue;
      }
      if (frame.done) {
        open.pop();
        continue;
      }
      const start = this.#begin();
      const { after } = frame;
      const options = { limit: pageSize, ...(after === undefined ? {} : { after }) };
      const names = await this.storage.list(frame.folder, options);
      frame.left = names.filter((name) => name.endsWith("/")).reverse();
      frame.done = names.length < pageSize;
      const last = names.at(-1);
      if (last !== undefined) frame.after = last;
      count += names.length - frame.left.length;
      await this.#rest(start);
    }
    return count;
  }

  #begin(): number {
    if (this.#stopped) throw new WalkStopped();
    return this.clock.monotonic();
  }

  async #rest(start: number): Promise<void> {
    const took = this.clock.monotonic() - start;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#endRest = resolve;
    this.#cancel = this.clock.after(Math.max(shortestRestMs, took * restShare), resolve);
    if (this.#stopped) this.stop();
    await promise;
  }
}
