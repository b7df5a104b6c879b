/** Which connections are cut: a pure decision over what was seen of one at two moments. */
import type { ConnectionRecord } from "./connections.ts";
import type { SocketFacts } from "./tcp_sockets.ts";

/** Milliseconds; 0 for no limit. */
export interface TimeLimits {
  /** From the first byte of a request, or from the opening, to the end of its head. */
  readonly headerMs: number;
  /** Without a request. */
  readonly idleMs: number;
  /** While the other side does not take what is sent. */
  readonly writeMs: number;
}

/** What the sweeper keeps of a connection from one look to the next. Times are monotonic. */
export interface Watch {
  heads: number;
  /** Bytes that had come when it was last known to be between requests or within one. */
  received: number;
  acknowledged: number;
  /** Since when it waits for the end of a request's head; undefined between requests. */
  headSince: number | undefined;
  /** The last time a request came, was under way, or bytes of an answer were taken. */
  activeAt: number;
  /** The last time the other side took something of what waits for it. */
  takenAt: number;
}

export type Verdict = "keep" | "no head in time" | "idle" | "not read" | "of no use";

/** A connection seen for the first time: until its first request's head has come, it is late. */
export function startWatch(socket: SocketFacts, now: number): Watch {
  const { received, acknowledged } = socket;
  return { heads: 0, received, acknowledged, headSince: now, activeAt: now, takenAt: now };
}

/** Updates the watch and says what is to become of the connection. */
export function judge(
  watch: Watch,
  socket: SocketFacts,
  record: ConnectionRecord | undefined,
  limits: TimeLimits,
  now: number,
): Verdict {
  if (record?.doomed === true) return "of no use";
  if (socket.acknowledged !== watch.acknowledged || !socket.pending) watch.takenAt = now;
  if (socket.acknowledged !== watch.acknowledged) watch.activeAt = now;
  watch.acknowledged = socket.acknowledged;
  if (over(limits.writeMs, watch.takenAt, now)) return "not read";
  const heads = record?.heads ?? 0;
  if (heads !== watch.heads || (record?.inFlight ?? 0) > 0) {
    watch.heads = heads;
    watch.received = socket.received;
    watch.headSince = undefined;
    watch.activeAt = now;
    return "keep";
  }
  if (watch.headSince === undefined && socket.received > watch.received) {
    // Frames between the requests of HTTP/2 are no request; the limit on idling is enough there.
    if (record?.multiplexed !== true) watch.headSince = now;
  }
  if (watch.headSince !== undefined && over(limits.headerMs, watch.headSince, now)) {
    return "no head in time";
  }
  return over(limits.idleMs, watch.activeAt, now) ? "idle" : "keep";
}

function over(limitMs: number, since: number, now: number): boolean {
  return limitMs > 0 && now - since >= limitMs;
}

/** Those whose answers have waited longest to be taken, until `toFree` characters of them are gone. */
export function chooseUnread<T extends { readonly record: ConnectionRecord }>(
  connections: readonly T[],
  toFree: number,
): { chosen: T[]; freed: number } {
  const chosen: T[] = [];
  let freed = 0;
  const waiting = connections.filter(({ record }) => record.unsent > 0);
  waiting.sort((a, b) => a.record.unsentSince - b.record.unsentSince);
  for (const one of waiting) {
    if (freed >= toFree) break;
    chosen.push(one);
    freed += one.record.unsent;
  }
  return { chosen, freed };
}
