/**
 * Audit lines to a program that listens: by TCP or a unix socket as a stream, by UDP a datagram a
 * line. A connection that is lost is made again with the next line, which is then sent anew: the
 * other side may get it twice, but never half of it.
 */
import { utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { badRequest, describeError } from "../base/failure.ts";
import { type AuditDevice, type DeviceOpener, milliseconds } from "./device.ts";
import { refuseUnknown } from "./options.ts";

export type SocketType = "tcp" | "udp" | "unix";

/** A connection. `write` sends all of a chunk; of a datagram socket, as one datagram. */
export interface Link {
  write(bytes: Uint8Array): Promise<void>;
  /** The other side has gone: what is written now would be lost without a word. */
  readonly isClosed: boolean;
  close(): void;
}

/** Connects; an address is a host and port, or a path. Rejects with what the system says. */
export type Connect = (type: SocketType, address: string) => Promise<Link>;

const ownOptions = ["address", "socket_type", "write_timeout"];
const defaultTimeoutMs = 2000;

export class SocketDevice implements AuditDevice {
  #link: Link | undefined;

  constructor(
    readonly connect: () => Promise<Link>,
    /** Sent one by one instead of together. */
    readonly isDatagram: boolean,
    /** Milliseconds that one attempt may take; 0 for no limit of its own. */
    readonly timeoutMs: number,
    readonly clock: Clock,
  ) {}

  async write(lines: readonly string[]): Promise<void> {
    const chunks = (this.isDatagram ? lines : [lines.join("")]).map(utf8);
    const isFresh = this.#link === undefined || this.#link.isClosed;
    try {
      await this.#send(chunks);
    } catch (error) {
      this.#drop();
      // A connection that had been there for a while may only have been closed meanwhile.
      if (isFresh) throw error;
      await this.#send(chunks);
    }
  }

  async reopen(): Promise<void> {
    this.#drop();
    await this.#linked();
  }

  close(): Promise<void> {
    this.#drop();
    return Promise.resolve();
  }

  async #send(chunks: readonly Uint8Array[]): Promise<void> {
    const sending = this.#sendAll(chunks);
    if (this.timeoutMs === 0) return await sending;
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = this.clock.after(this.timeoutMs, () => {
      // What hangs ends when its connection does, and then has nobody who waits for it.
      sending.catch(() => {});
      this.#drop();
      reject(new Error(`it took longer than write_timeout, ${this.timeoutMs} ms`));
    });
    try {
      await Promise.race([sending, promise]);
    } finally {
      cancel();
    }
  }

  async #sendAll(chunks: readonly Uint8Array[]): Promise<void> {
    const link = await this.#linked();
    for (const chunk of chunks) await link.write(chunk);
  }

  async #linked(): Promise<Link> {
    if (this.#link?.isClosed) this.#drop();
    this.#link ??= await this.connect();
    return this.#link;
  }

  #drop(): void {
    this.#link?.close();
    this.#link = undefined;
  }
}

export function socketDevices(connect: Connect, clock: Clock): DeviceOpener {
  return async (options) => {
    refuseUnknown(options, ownOptions);
    const { address = "", socket_type = "" } = options;
    if (address === "") throw badRequest("address is required");
    const type = socket_type === "" ? "tcp" : socket_type;
    if (type !== "tcp" && type !== "udp" && type !== "unix") {
      throw badRequest(`socket_type must be tcp, udp or unix, not ${JSON.stringify(type)}`);
    }
    const timeoutMs = milliseconds(options, "write_timeout", defaultTimeoutMs);
    const device = new SocketDevice(
      () => connect(type, address),
      type === "udp",
      timeoutMs,
      clock,
    );
    try {
      await device.reopen();
    } catch (cause) {
      throw badRequest(`${address} can't be connected to: ${describeError(cause)}`, cause);
    }
    return device;
  };
}
