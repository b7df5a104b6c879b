/**
 * The way to one peer: a connection that is made again whenever it ends. Messages that can't leave
 * soon are dropped, which consensus expects; they never arrive twice or out of order.
 */
import { fromUtf8 } from "../../base/bytes.ts";
import type { Cancel, Clock } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import type { Logger } from "../../base/log.ts";
import type { FrameSocket } from "./frame_socket.ts";
import { Kind } from "./kinds.ts";

export interface PeerLinkParts {
  readonly peer: string;
  readonly dial: () => Promise<FrameSocket>;
  /** Sent first on each connection. */
  readonly hello: () => Uint8Array;
  /** The peer leads and says that this node is no member any more. */
  readonly removed: () => void;
  /** The peer does not talk to this node, and says why. */
  readonly refused: (reason: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const BACKOFF_MIN_MS = 30;
const BACKOFF_MAX_MS = 1000;
const PING_MS = 500;
/** A connection on which nothing was answered for so long is given up. */
const SILENCE_MS = 2500;
/** Kept while there is no connection yet, so that the first votes do not get lost. */
const WAITING_MAX = 32;
/** Above so many unsent bytes more is dropped. */
const BACKLOG_BYTES_MAX = 32 * 1024 * 1024;

export class PeerLink {
  readonly #parts: PeerLinkParts;
  #connection: FrameSocket | undefined;
  #waiting: (readonly Uint8Array[])[] = [];
  #backoffMs = BACKOFF_MIN_MS;
  #cancel: Cancel = () => {};
  #isClosed = false;
  #heardAt = 0;
  #isTold = false;
  /** Why the peer does not talk to this node, as it said last. */
  #refusal = "";

  constructor(parts: PeerLinkParts) {
    this.#parts = parts;
    void this.#connect();
  }

  send(message: readonly Uint8Array[]): void {
    const connection = this.#connection;
    if (connection !== undefined) {
      if (connection.backlog < BACKLOG_BYTES_MAX) connection.send(Kind.message, ...message);
      return;
    }
    this.#waiting.push(message);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    this.#connection?.close();
  }

  async #connect(): Promise<void> {
    const { dial, hello, clock, log, peer } = this.#parts;
    try {
      const connection = await dial();
      if (this.#isClosed) return connection.close();
      connection.send(Kind.hello, hello());
      for (const message of this.#waiting.splice(0)) connection.send(Kind.message, ...message);
      connection.onFrame(({ kind, payload }) => {
        this.#heardAt = clock.monotonic();
        if (kind === Kind.removed) this.#parts.removed();
        if (kind === Kind.refused) this.#refused(fromUtf8(payload));
      });
      this.#connection = connection;
      this.#heardAt = clock.monotonic();
      this.#backoffMs = BACKOFF_MIN_MS;
      this.#isTold = false;
      this.#ping(connection);
      await connection.closed;
    } catch (error) {
      if (!this.#isTold) log.warn("a peer can't be reached", { peer, error: describeError(error) });
      this.#isTold = true;
    }
    this.#connection = undefined;
    this.#cancel();
    if (this.#isClosed) return;
    this.#cancel = clock.after(this.#backoffMs, () => void this.#connect());
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2);
  }

  /** Asked again each second, since either side may have been replaced; told once. */
  #refused(reason: string): void {
    this.#backoffMs = BACKOFF_MAX_MS;
    if (reason !== this.#refusal) this.#parts.refused(reason);
    this.#refusal = reason;
  }

  /** A peer that was cut off without a word would else be waited for until TCP gives up. */
  #ping(connection: FrameSocket): void {
    const { clock } = this.#parts;
    this.#cancel = clock.after(PING_MS, () => {
      if (connection !== this.#connection) return;
      if (clock.monotonic() - this.#heardAt > SILENCE_MS) return connection.close();
      connection.send(Kind.ping);
      this.#ping(connection);
    });
  }
}
