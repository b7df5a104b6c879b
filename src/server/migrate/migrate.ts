/** Copies, goes on after an interruption, and compares: see README.md. */
import { MIGRATION_KEY, MIGRATION_PROGRESS_KEY, STORED_ROOT_KEY } from "../../barrier/physical.ts";
import { type Bytes, fromUtf8, sameBytes, utf8 } from "../../base/bytes.ts";
import type { Clock, Random } from "../../base/clock.ts";
import { compareKeys } from "../../raft/key_order.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { Entry, Write } from "../../storage/storage.ts";
import type { MoveStore } from "./store.ts";

export interface MigrateRun {
  readonly source: MoveStore;
  readonly destination: MoveStore;
  /** Only keys at or after it. "" for all. */
  readonly start: string;
  readonly clock: Clock;
  readonly random: Random;
  /** A line for who follows along. */
  readonly say: (level: "debug" | "info", text: string) => void;
}

/** What keeps a migration from being made; the message is for the operator. */
export class MigrateError extends Error {
  override name = "MigrateError";
}

/** In the source, while it must not be used. */
interface Lock {
  readonly id: string;
  readonly started: string;
}

/** In the destination, until all is there. */
interface Progress {
  readonly id: string;
  /** The last key that was copied. */
  readonly after: string;
}

const batchEntries = 400;
const batchBytes = 4 * 1024 * 1024;
const sayMs = 2000;

const own: ReadonlySet<string> = new Set([MIGRATION_KEY, MIGRATION_PROGRESS_KEY]);

/** Resolves with the number of entries that both sides have. Throws `MigrateError`. */
export async function migrate(run: MigrateRun): Promise<number> {
  const { source, destination, say } = run;
  await checkSource(source);
  const finished = await finishedBefore(run);
  if (finished !== undefined) return finished;
  const { id, after } = await begin(run);
  const copied = await copy(run, id, after);
  say("info", `${copied} entries copied; comparing both sides`);
  const count = await compare(run);
  // In this order: a source that may be used again has a destination that is whole.
  await destination.write([{ key: MIGRATION_PROGRESS_KEY, value: null }]);
  await source.write([{ key: MIGRATION_KEY, value: null }]);
  return count;
}

/** Lets a source be used again after a migration that is given up. Whether it was locked. */
export async function reset(source: MoveStore): Promise<boolean> {
  const isLocked = await source.get(MIGRATION_KEY) !== undefined;
  if (isLocked) await source.write([{ key: MIGRATION_KEY, value: null }]);
  return isLocked;
}

/** First byte of the stored root key in this program's form. */
const ownForm = 1;

async function checkSource(source: MoveStore): Promise<void> {
  if (await isEmpty(source)) throw new MigrateError(`${source.label} is empty`);
  const [form] = await source.get(STORED_ROOT_KEY) ?? [];
  if (form !== ownForm) {
    throw new MigrateError(
      `${source.label} does not hold Holdfast's data; operator import takes over what Vault or ` +
        "OpenBao kept",
    );
  }
}

async function isEmpty(store: MoveStore): Promise<boolean> {
  for await (const { key } of store.entries("")) if (!own.has(key)) return false;
  return true;
}

/**
 * Where a run died between its last two steps, all is there but the source is locked yet. The
 * number of entries then.
 */
async function finishedBefore(run: MigrateRun): Promise<number | undefined> {
  const { source, destination } = run;
  const isBegun = await source.get(MIGRATION_KEY) !== undefined;
  const isUnfinished = await destination.get(MIGRATION_PROGRESS_KEY) !== undefined;
  if (!isBegun || isUnfinished || await isEmpty(destination)) return undefined;
  const count = await compare(run);
  await source.write([{ key: MIGRATION_KEY, value: null }]);
  return count;
}

/** Locks the source, or finds the lock of a run that was interrupted. */
async function begin(run: MigrateRun): Promise<Progress> {
  const { source, destination, start, say } = run;
  const lock: Lock | undefined = parsed(await source.get(MIGRATION_KEY));
  const progress: Progress | undefined = parsed(await destination.get(MIGRATION_PROGRESS_KEY));
  if (progress !== undefined) {
    if (progress.id !== lock?.id) {
      throw new MigrateError(
        `${destination.label} holds a part of another migration: begin with an empty one`,
      );
    }
    say("info", `going on after ${progress.after || "the beginning"}`);
    return progress;
  }
  if (start === "" && !await isEmpty(destination)) {
    throw new MigrateError(`${destination.label} is not empty`);
  }
  const id = lock?.id ?? run.random.uuid();
  if (lock === undefined) {
    const made: Lock = { id, started: rfc3339(run.clock.now()) };
    await source.write([{ key: MIGRATION_KEY, value: utf8(JSON.stringify(made)) }]);
  }
  const begun: Progress = { id, after: "" };
  await destination.write([progressWrite(begun)]);
  return begun;
}

function parsed<T>(bytes: Bytes | undefined): T | undefined {
  return bytes === undefined ? undefined : JSON.parse(fromUtf8(bytes));
}

function progressWrite(progress: Progress): Write {
  return { key: MIGRATION_PROGRESS_KEY, value: utf8(JSON.stringify(progress)) };
}

/** Whether an entry is one of those to be copied. */
function isWanted({ start }: MigrateRun, key: string): boolean {
  return !own.has(key) && compareKeys(key, start) >= 0;
}

async function copy(run: MigrateRun, id: string, after: string): Promise<number> {
  const { source, destination, clock, say } = run;
  let copied = 0, bytes = 0, last = clock.monotonic();
  let batch: Entry[] = [];
  const flush = async () => {
    const reached = batch.at(-1)?.key;
    if (reached === undefined) return;
    await destination.write([...batch, progressWrite({ id, after: reached })]);
    copied += batch.length;
    batch = [];
    bytes = 0;
    say("debug", `${copied} entries copied, up to ${reached}`);
    if (clock.monotonic() - last < sayMs) return;
    last = clock.monotonic();
    say("info", `${copied} entries copied, up to ${reached}`);
  };
  for await (const entry of source.entries(after)) {
    if (!isWanted(run, entry.key)) continue;
    if (bytes + entry.value.length > batchBytes || batch.length >= batchEntries) await flush();
    batch.push(entry);
    bytes += entry.value.length;
  }
  await flush();
  return copied;
}

/** Walks over both sides; the number of entries that they share. */
async function compare(run: MigrateRun): Promise<number> {
  const { source, destination } = run;
  const wanted = async function* (store: MoveStore) {
    for await (const entry of store.entries("")) if (isWanted(run, entry.key)) yield entry;
  };
  const there = wanted(destination);
  let count = 0;
  try {
    for await (const { key, value } of wanted(source)) {
      const other = await there.next();
      if (other.done || other.value.key !== key || !sameBytes(other.value.value, value)) {
        throw new MigrateError(`${destination.label} differs from the source at ${key}`);
      }
      count++;
    }
    const more = await there.next();
    if (more.done) return count;
    throw new MigrateError(
      `${destination.label} holds ${more.value.key}, which the source does not`,
    );
  } finally {
    await there.return(undefined);
  }
}
