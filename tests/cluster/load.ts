/**
 * Writers that count upwards, each in a key of its own, and readers beside them. A read must show
 * at least what was acknowledged or read before it was asked, and nothing that was never written: with
 * one writer a key that is what linearizability asks for. A write whose outcome is not known may take
 * effect at any later time (it may lie in the socket of a paused node), also over newer ones.
 */
import type { Answer } from "../../src/server/testing.ts";
import type { ClusterNode } from "./process_kit.ts";

export interface Load {
  /** Writes that were acknowledged. */
  readonly acknowledged: () => number;
  readonly reads: () => number;
  /** Writes that were refused: told that nothing was done, not that nobody knows (500, 502). */
  readonly refused: () => number;
  /** Milliseconds of the longest time in which no write was acknowledged. */
  readonly longestGapMs: () => number;
  /** Whether this value was written with an unknown outcome, and so may be there at any time. */
  readonly mayBeLate: (key: string, value: number) => boolean;
  /** What was found wrong. */
  readonly errors: readonly string[];
  /** Ends it; resolves with the last acknowledged value of each key. */
  stop(): Promise<ReadonlyMap<string, number>>;
}

/** One writer a key makes it a register whose history is simple to judge. */
interface Counter {
  acknowledged: number;
  attempted: number;
  /** The greatest value that a read has shown. */
  seen: number;
  /** Values whose writes were not answered. */
  readonly unknown: Set<number>;
}

/** A call that does not come back is given up, so that a paused node holds up nobody. */
const CALL_MS = 3000;

type Told = Pick<Answer, "status" | "at">;

async function timedCall(url: string, token: string, body: unknown): Promise<Told> {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "PUT",
    headers: { "x-vault-token": token },
    signal: AbortSignal.timeout(CALL_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed: unknown = text === "" ? undefined : JSON.parse(text);
  const into = (value: unknown, name: string | number): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return { status: response.status, at: (...path) => path.reduce(into, parsed) };
}

export function startLoad(
  nodes: readonly ClusterNode[],
  token: string,
  { writers = 6, readers = 3 } = {},
): Load {
  const counters = new Map<string, Counter>();
  const errors: string[] = [];
  let isOver = false, acknowledged = 0, reads = 0, refused = 0, longest = 0;
  let lastAck = performance.now();

  const pick = () => {
    const up = nodes.filter((node) => node.process !== undefined);
    return up[Math.floor(Math.random() * up.length)];
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

  async function ask(
    path: string,
    body?: unknown,
    node = pick(),
  ): Promise<Told | undefined> {
    if (node === undefined) return undefined;
    // A node that is gone or paused: whether the write was made is not known.
    return await timedCall(`${node.address}/v1/${path}`, token, body).catch(() => undefined);
  }

  async function write(key: string, counter: Counter): Promise<void> {
    while (!isOver) {
      const value = ++counter.attempted;
      const answer = await ask(`secret/${key}`, { value });
      if (answer !== undefined && answer.status < 300) {
        counter.acknowledged = value;
        acknowledged++;
        const now = performance.now();
        longest = Math.max(longest, now - lastAck);
        lastAck = now;
      } else {
        if (answer !== undefined && ![500, 502].includes(answer.status)) refused++;
        counter.unknown.add(value);
        await pause();
      }
    }
  }

  async function read(): Promise<void> {
    while (!isOver) {
      const keys = [...counters];
      const [key, counter] = keys[Math.floor(Math.random() * keys.length)] ?? [];
      if (key === undefined || counter === undefined || counter.acknowledged === 0) {
        await pause();
        continue;
      }
      const before = Math.max(counter.acknowledged, counter.seen);
      const node = pick();
      const answer = await ask(`secret/${key}`, undefined, node);
      if (answer?.status === 200) {
        reads++;
        const found = Number(answer.at("data", "value"));
        const isOld = found < before && !counter.unknown.has(found);
        if (isOld || found > counter.attempted) {
          errors.push(`${key}: read ${found} after ${before} was known (${node?.id})`);
        }
        counter.seen = Math.max(counter.seen, found);
      } else if (answer?.status === 404) errors.push(`${key}: gone after ${before}`);
      else await pause();
    }
  }

  const running: Promise<void>[] = [];
  for (let i = 0; i < writers; i++) {
    const counter = { acknowledged: 0, attempted: 0, seen: 0, unknown: new Set<number>() };
    counters.set(`w${i}`, counter);
    running.push(write(`w${i}`, counter));
  }
  for (let i = 0; i < readers; i++) running.push(read());
  return {
    acknowledged: () => acknowledged,
    reads: () => reads,
    refused: () => refused,
    longestGapMs: () => Math.round(longest),
    mayBeLate: (key, value) => counters.get(key)?.unknown.has(value) ?? false,
    errors,
    async stop() {
      isOver = true;
      await Promise.all(running);
      return new Map([...counters].map(([key, counter]) => [key, counter.acknowledged]));
    },
  };
}
