/**
 * Bounds slow clients where the HTTP server has no limits of its own: looks at the sockets of the
 * process every so often, compares with what the handlers noted, and cuts what is late.
 */
import type { Cancel, Clock } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import { type ConnectionRecord, Connections } from "./connections.ts";
import { chooseUnread, judge, startWatch, type TimeLimits, type Watch } from "./sweep_rules.ts";
import type { SocketFacts, SocketTable } from "./tcp_sockets.ts";

/** At most so much later than its limit is a connection cut. */
const intervalMaxMs = 2000;
const intervalMinMs = 50;
/** Characters of answers that wait to be taken; beyond, those that wait longest are cut. */
const unsentMax = 128 * 1024 * 1024;
const unreadIntervalMs = 50;

export class Sweeper {
  readonly connections = new Connections();
  readonly #sockets: SocketTable;
  readonly #capacity: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits = new Map<number, TimeLimits>();
  #watches = new Map<number, Watch>();
  #looks = 0;
  #unreadAt = Number.NEGATIVE_INFINITY;
  #cancel: Cancel | undefined;

  /** Above `capacity` connections those without a request are cut, so that files can be opened. */
  constructor(sockets: SocketTable, capacity: number, clock: Clock, log: Logger) {
    this.#sockets = sockets;
    this.#capacity = capacity;
    this.#clock = clock;
    this.#log = log;
  }

  /** How many connections there may be. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Watches the connections that a port accepts, with these limits. */
  watch(port: number, limits: TimeLimits): void {
    this.#limits.set(port, limits);
    if (this.#cancel === undefined) this.#schedule();
  }

  unwatch(port: number): void {
    this.#limits.delete(port);
    if (this.#limits.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** One look at all sockets; also called when descriptors have run out. */
  sweep(): void {
    const now = this.#clock.monotonic();
    const sockets = this.#sockets.read(new Set(this.#limits.keys()));
    const watches = new Map<number, Watch>();
    this.#looks++;
    for (const socket of sockets) {
      const watch = this.#watches.get(socket.cookie) ?? startWatch(socket, now);
      watches.set(socket.cookie, watch);
      this.#look(socket, watch, now);
    }
    this.#watches = watches;
    if (sockets.length > this.#capacity) {
      const cut = this.#shed(sockets, sockets.length - this.#capacity);
      this.#log.warn("too many connections", { open: sockets.length, cut });
    }
    this.connections.forgetUnseen(this.#looks);
  }

  /** Cuts up to `count` connections without a request: first those that never made one. */
  shed(count: number): number {
    return this.#shed(this.#sockets.read(new Set(this.#limits.keys())), count);
  }

  #shed(sockets: readonly SocketFacts[], count: number): number {
    const known = sockets.map((socket) => ({
      socket,
      record: this.connections.find(socket.remoteKey, socket.remotePort),
      since: this.#watches.get(socket.cookie)?.activeAt ?? Number.POSITIVE_INFINITY,
    }));
    const idle = known.filter(({ record }) => (record?.inFlight ?? 0) === 0);
    const used = ({ record }: { record: unknown }) => record === undefined ? 0 : 1;
    idle.sort((a, b) => used(a) - used(b) || (a.since < b.since ? -1 : 1));
    const chosen = idle.slice(0, count);
    for (const { socket } of chosen) this.#sockets.cut(socket);
    return chosen.length;
  }

  /** Cuts whatever is connected to a port. */
  cutAll(port: number): void {
    for (const socket of this.#sockets.read(new Set([port]))) this.#sockets.cut(socket);
  }

  /** A large answer begins to be sent. Where too much is not taken, who is slowest is cut. */
  sends(record: ConnectionRecord, size: number, sent: Promise<unknown>): void {
    const now = this.#clock.monotonic();
    this.connections.sends(record, size, now, sent);
    if (this.connections.unsent <= unsentMax || now - this.#unreadAt < unreadIntervalMs) return;
    this.#unreadAt = now;
    this.#cutUnread();
  }

  #cutUnread(): void {
    const slow = this.#sockets.read(new Set(this.#limits.keys())).flatMap((socket) => {
      const record = this.connections.find(socket.remoteKey, socket.remotePort);
      return record === undefined ? [] : [{ socket, record }];
    });
    const { chosen, freed } = chooseUnread(slow, this.connections.unsent - unsentMax / 2);
    for (const { socket } of chosen) this.#sockets.cut(socket);
    this.#log.warn("too much waits for clients that do not read", { cut: chosen.length, freed });
  }

  /** Of several sockets that listen on one address, the newest gets all connections from now on. */
  preferNewest(port: number, addressKey: string): void {
    this.#sockets.preferNewest(port, addressKey);
  }

  #look(socket: SocketFacts, watch: Watch, now: number): void {
    const limits = this.#limits.get(socket.localPort);
    if (limits === undefined) return;
    const record = this.connections.find(socket.remoteKey, socket.remotePort);
    if (record !== undefined) record.seenAt = this.#looks;
    const verdict = judge(watch, socket, record, limits, now);
    if (verdict === "keep") return;
    this.#sockets.cut(socket);
    this.#log.debug("cut a connection", { port: socket.localPort, reason: verdict });
  }

  #schedule(): void {
    const given = [...this.#limits.values()].flatMap(({ headerMs, idleMs, writeMs }) =>
      [headerMs, idleMs, writeMs].filter((limit) => limit > 0)
    );
    const interval = Math.min(intervalMaxMs, ...given.map((limit) => limit / 4));
    this.#cancel = this.#clock.after(Math.max(intervalMinMs, interval), () => {
      try {
        this.sweep();
      } catch (error) {
        this.#log.error("looking for late connections failed", { error: describeError(error) });
      }
      if (this.#limits.size > 0) this.#schedule();
    });
  }
}
