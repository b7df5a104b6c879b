import { strict as assert } from "node:assert";
import { utf8 } from "../base/bytes.ts";
import { type DrivenLog, Driver } from "./driver.ts";
import {
  CorruptionError,
  NotLeaderError,
  OutcomeUnknownError,
  StorageFatalError,
  StorageFullError,
} from "./errors.ts";
import { EntryType, type LogEntry, START } from "./log_entry.ts";
import { Raft } from "./consensus/raft.ts";
import { newRaft } from "./testing.ts";

/** A log in memory whose next appends fail or take their time as they are told to. */
class FakeLog implements DrivenLog {
  readonly entries: LogEntry[] = [];
  readonly groups: number[] = [];
  failure: Error | undefined;
  gate: Promise<void> | undefined;

  get last() {
    return this.entries.at(-1) ?? START;
  }

  async append(entries: readonly LogEntry[]): Promise<void> {
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    this.groups.push(entries.length);
    this.entries.push(...entries);
  }

  truncate(index: number): Promise<void> {
    this.entries.length = index - 1;
    return Promise.resolve();
  }

  async *read(from: number, to: number) {
    yield await Promise.resolve(this.entries.slice(from - 1, to));
  }
}

async function alone() {
  const log = new FakeLog();
  const applied: string[] = [];
  const fatal: Error[] = [];
  const raft = newRaft(["a"]);
  const room: { gate: Promise<void> | undefined; asked: number } = { gate: undefined, asked: 0 };
  const driver = new Driver({
    nodeId: "a",
    raft,
    log,
    nodeFile: { save: () => Promise.resolve() },
    apply: (entries) => {
      for (const { type, payload } of entries) {
        if (type === EntryType.changes) applied.push(new TextDecoder().decode(payload));
      }
    },
    applied: 0,
    turn: () => Promise.resolve(),
    backPressure: () => {
      room.asked++;
      return room.gate;
    },
    onFatal: (error) => fatal.push(error),
  });
  raft.campaign();
  await driver.advance();
  return { driver, log, raft, applied, fatal, room };
}

Deno.test("what arrives during a commit waits and goes into the next, in order", async () => {
  const { driver, log, applied } = await alone();
  let open = () => {};
  log.gate = new Promise((resolve) => {
    open = resolve;
  });
  const first = driver.submit(utf8("1"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  const others = ["2", "3", "4"].map((text) => driver.submit(utf8(text)));
  open();
  await Promise.all([first, ...others]);
  assert.deepEqual(log.groups, [1, 1, 3]);
  assert.deepEqual(applied, ["1", "2", "3", "4"]);
});

Deno.test("after a failed sync nothing is retried and nothing more is taken", async () => {
  const { driver, log, applied, fatal } = await alone();
  await driver.submit(utf8("1"));
  log.failure = new StorageFatalError("disk I/O error");
  const inFlight = driver.submit(utf8("2"));
  await assert.rejects(inFlight, OutcomeUnknownError);
  log.failure = undefined;
  await assert.rejects(driver.submit(utf8("3")), StorageFatalError);
  assert.deepEqual([applied, fatal.length, log.entries.length], [["1"], 1, 2]);
});

Deno.test("a full disk refuses the group, and its place in the log is used again", async () => {
  const { driver, log, raft, applied, fatal } = await alone();
  log.failure = new StorageFullError("no space");
  await assert.rejects(driver.submit(utf8("1")), StorageFullError);
  log.failure = undefined;
  await driver.submit(utf8("2"));
  assert.deepEqual(applied, ["2"]);
  assert.deepEqual(log.entries.map(({ index }) => index), [1, 2]);
  assert.deepEqual([raft.commitIndex, fatal.length], [2, 0]);
});

Deno.test("while writes wait for room, messages and ticks are taken in", async () => {
  const { driver, applied, room } = await alone();
  const { promise, resolve } = Promise.withResolvers<void>();
  room.gate = promise;
  const write = driver.submit(utf8("1"));
  const ticks: number[] = [];
  for (let tick = 0; tick < 5; tick++) {
    await new Promise((done) => setTimeout(done, 0));
    driver.post(() => ticks.push(tick));
  }
  await driver.ask(() => undefined);
  assert.deepEqual([ticks, applied, room.asked], [[0, 1, 2, 3, 4], [], 1]);
  room.gate = undefined;
  resolve();
  await write;
  assert.deepEqual(applied, ["1"]);
});

Deno.test("a write that was submitted in one leadership is not made in the next", async () => {
  const { driver, raft, applied, room } = await alone();
  const { promise, resolve } = Promise.withResolvers<void>();
  room.gate = promise;
  const { term } = raft;
  const write = driver.submit(utf8("1"));
  const refused = assert.rejects(write, NotLeaderError);
  await driver.ask(() => {
    raft.resign();
    raft.campaign();
  });
  room.gate = undefined;
  resolve();
  await refused;
  await driver.submit(utf8("2"));
  assert.deepEqual([applied, raft.term], [["2"], term + 1]);
});

Deno.test("a write that finds no room because the disk is full is told, the next one is taken", async () => {
  const { driver, applied, room } = await alone();
  room.gate = Promise.reject(new StorageFullError("no space"));
  const write = driver.submit(utf8("1"));
  await assert.rejects(write, StorageFullError);
  room.gate = undefined;
  await driver.submit(utf8("2"));
  assert.deepEqual(applied, ["2"]);
});

Deno.test("of two tasks at once that want everything to stand still the second is refused", async () => {
  const { driver, applied } = await alone();
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = driver.whileStill(() => promise);
  await assert.rejects(driver.whileStill(() => Promise.resolve()), /stand still/);
  const write = driver.submit(utf8("1"));
  await new Promise((done) => setTimeout(done, 0));
  assert.deepEqual(applied, [], "the refused one let nothing go on");
  resolve();
  await Promise.all([first, write]);
  assert.deepEqual(applied, ["1"]);
});

Deno.test("a damaged entry that a peer needs is told, and asked for again after a pause", async () => {
  const members = ["a", "b", "c"].map((id) => ({ id, address: "", voter: true }));
  const raft = new Raft({
    settings: {
      id: "a",
      electionTicks: 10,
      heartbeatTicks: 2,
      appendEntriesMax: 10,
      inflightMax: 10,
      random: () => 0,
    },
    hardState: { term: 1, vote: "a" },
    log: { base: START, runs: [{ index: 1, term: 1 }], lastIndex: 5, tail: [] },
    configurations: [{ index: 0, configuration: { members } }],
    commit: 5,
    windowBytes: 1000,
  });
  const told: string[] = [], last = { index: 5, term: 1 };
  let pauses = 0;
  const driver: Driver = new Driver({
    nodeId: "a",
    raft,
    log: {
      last,
      append: () => Promise.resolve(),
      truncate: () => Promise.resolve(),
      read: () => {
        throw new CorruptionError("log entry 2 is damaged");
      },
    },
    nodeFile: { save: () => Promise.resolve() },
    apply: () => {},
    applied: 5,
    turn: () => Promise.resolve(),
    backPressure: () => undefined,
    onFatal: (error) => told.push(`fatal: ${error.message}`),
    damaged: (error, peer) => told.push(`${error.message} for ${peer}`),
    pause: () => new Promise((resolve) => pauses++ < 2 ? resolve() : undefined),
    peers: { send: () => {}, reads: () => {}, changed: () => {}, failed: () => {} },
  });
  await driver.ask(() => {
    raft.campaign();
    raft.step({ type: "voteReply", from: "b", to: "a", term: 2, pre: true, granted: true });
    raft.step({ type: "voteReply", from: "b", to: "a", term: 2, pre: false, granted: true });
    const hint = { index: 0, term: 0 };
    const refusal = { type: "appendReply", success: false, match: 0, attempt: 0, hint } as const;
    raft.step({ ...refusal, from: "b", to: "a", term: 2 });
  });
  await new Promise((done) => setTimeout(done, 5));
  assert.equal(raft.role, "leader");
  assert.deepEqual(told, Array(3).fill("log entry 2 is damaged for b"));
});
