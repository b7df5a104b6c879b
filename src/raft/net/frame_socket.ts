/**
 * Frames over a TLS connection: u32 length of what follows, u8 kind, payload. Whoever sends more
 * than the limit, or nothing at all for too long, is cut off.
 */
import type { Socket } from "node:net";
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import type { Bytes } from "../../base/bytes.ts";

const HEAD_BYTES = 5;
/** The largest batch with room for what is around it. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;
/** Above so many unsent bytes a sender has to wait, or to drop. */
const BACKLOG_BYTES = 4 * 1024 * 1024;

export interface Frame {
  readonly kind: number;
  readonly payload: Bytes;
}

export class FrameSocket {
  readonly #socket: Socket;
  readonly closed: Promise<void>;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #onFrame: ((frame: Frame) => void) | undefined;
  #early: Frame[] = [];
  #isClosed = false;
  #outgoing: Uint8Array[] = [];
  /**
   * Whether what is sent waits for all others that are ready to run: a write to a TLS connection costs
   * as much as some ten frames. Else it waits for the one who sends, and leaves before anything else.
   */
  gathers = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    this.closed = new Promise((resolve) => {
      const end = () => {
        this.#isClosed = true;
        resolve();
      };
      socket.on("close", end);
      socket.on("error", () => {
        end();
        socket.destroy();
      });
      socket.on("end", () => socket.destroy());
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  /** Bytes that have not left yet. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** Takes frames in their order from now on, those that came before as well. */
  onFrame(take: (frame: Frame) => void): void {
    this.#onFrame = take;
    for (const frame of this.#early.splice(0)) take(frame);
  }

  /** Sends; what is sent in one go leaves together, and where it `gathers`, in one turn. */
  send(kind: number, ...parts: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    const length = parts.reduce((sum, part) => sum + part.length, 1);
    const head = new Uint8Array(HEAD_BYTES);
    new DataView(head.buffer).setUint32(0, length);
    head[4] = kind;
    if (this.#outgoing.length === 0) {
      if (this.gathers) setImmediate(() => this.#flush());
      else queueMicrotask(() => this.#flush());
    }
    this.#outgoing.push(head, ...parts);
  }

  /** Resolves when there is room for more, or the connection is closed. */
  async drained(): Promise<void> {
    this.#flush();
    while (!this.#isClosed && this.#socket.writableLength > BACKLOG_BYTES) {
      await Promise.race([
        this.closed,
        new Promise<void>((resolve) => this.#socket.once("drain", () => resolve())),
      ]);
    }
  }

  /** Takes nothing more from the network until a promise has settled. */
  holdBackFor(work: Promise<unknown>): void {
    this.#socket.pause();
    const goOn = () => {
      if (!this.#isClosed) this.#socket.resume();
    };
    work.then(goOn, goOn);
  }

  close(): void {
    this.#flush();
    this.#isClosed = true;
    this.#socket.destroy();
  }

  /** Closes at once, whatever waits. */
  destroy(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  /** Sends what waits, then closes once the other side does. */
  end(): void {
    this.#flush();
    this.#isClosed = true;
    this.#socket.end();
  }

  #flush(): void {
    const parts = this.#outgoing;
    if (parts.length === 0 || this.#isClosed) return;
    this.#outgoing = [];
    this.#socket.write(Buffer.concat(parts));
  }

  #take(chunk: Uint8Array): void {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    // A large frame comes in many parts, which are put together once, when all are there.
    if (this.#bytes < HEAD_BYTES || this.#bytes < 4 + this.#peekLength()) return this.#check();
    const all = this.#parts.length === 1 && this.#parts[0] !== undefined
      ? this.#parts[0]
      : Buffer.concat(this.#parts);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const frames: Frame[] = [];
    let at = 0;
    while (all.length - at >= HEAD_BYTES) {
      const length = view.getUint32(at);
      const end = at + 4 + length;
      if (length < 1 || length > FRAME_BYTES_MAX || end > all.length) break;
      const payload = new Uint8Array(length - 1);
      payload.set(all.subarray(at + HEAD_BYTES, end));
      frames.push({ kind: all[at + 4] ?? 0, payload });
      at = end;
    }
    this.#parts = at === all.length ? [] : [all.subarray(at)];
    this.#bytes = all.length - at;
    for (const frame of frames) {
      if (this.#isClosed) return;
      this.#deliver(frame);
    }
    this.#check();
  }

  /** Cuts off who announces what no frame can be. */
  #check(): void {
    if (this.#isClosed || this.#bytes < HEAD_BYTES) return;
    const length = this.#peekLength();
    if (length < 1 || length > FRAME_BYTES_MAX) this.close();
  }

  #peekLength(): number {
    let [first] = this.#parts;
    if (first === undefined || first.length < HEAD_BYTES) {
      first = Buffer.concat(this.#parts);
      this.#parts = [first];
    }
    return new DataView(first.buffer, first.byteOffset, first.byteLength).getUint32(0);
  }

  #deliver(frame: Frame): void {
    if (this.#onFrame === undefined) this.#early.push(frame);
    else this.#onFrame(frame);
  }
}
