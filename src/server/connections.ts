/** What request handlers know of the connections they serve, for the sweeper. */
import { addressKey } from "./address_key.ts";

/** A connection as its requests show it. */
export interface ConnectionRecord {
  /** Requests whose head has come, since the start. */
  heads: number;
  /** Those whose answer has not been sent in full. */
  inFlight: number;
  /** Several requests at a time share it, and frames between them are no request. */
  readonly multiplexed: boolean;
  /** Characters of large answers that have not been sent in full, and since when there are some. */
  unsent: number;
  unsentSince: number;
  /** To be cut: what is left of it is of no use. */
  doomed: boolean;
  /** The last look of the sweeper at which its socket was there. */
  seenAt: number;
}

/**
 * Connections by remote address and port. Noting a request costs two look-ups in maps, a fraction
 * of a microsecond; all else is left to the sweeper, once a second.
 */
export class Connections {
  readonly #byHost = new Map<string, Map<number, ConnectionRecord>>();
  /** The kernel's form of each host text. */
  readonly #byKey = new Map<string, Map<number, ConnectionRecord>>();
  #unsent = 0;

  /** Characters of large answers that wait to be taken, of all connections. */
  get unsent(): number {
    return this.#unsent;
  }

  /** A large answer begins to be sent; `sent` resolves or rejects when it is over. */
  sends(record: ConnectionRecord, size: number, now: number, sent: Promise<unknown>): void {
    if (record.unsent === 0) record.unsentSince = now;
    record.unsent += size;
    this.#unsent += size;
    const over = () => {
      record.unsent -= size;
      this.#unsent -= size;
    };
    sent.then(over, over);
  }

  /** The record of a connection, made when it is new. */
  at(host: string, port: number, multiplexed: () => boolean): ConnectionRecord {
    let ports = this.#byHost.get(host);
    if (ports === undefined) ports = this.#addHost(host);
    let record = ports.get(port);
    if (record === undefined) {
      record = {
        heads: 0,
        inFlight: 0,
        multiplexed: multiplexed(),
        unsent: 0,
        unsentSince: 0,
        doomed: false,
        seenAt: 0,
      };
      ports.set(port, record);
    }
    return record;
  }

  /** By the kernel's form of the address. */
  find(key: string, port: number): ConnectionRecord | undefined {
    return this.#byKey.get(key)?.get(port);
  }

  /** Forgets the records of connections that the last look did not find and that answer nothing. */
  forgetUnseen(look: number): void {
    for (const [host, ports] of this.#byHost) {
      for (const [port, record] of ports) {
        if (record.inFlight === 0 && record.seenAt !== look) ports.delete(port);
      }
      if (ports.size > 0) continue;
      this.#byHost.delete(host);
      this.#byKey.delete(addressKey(host) ?? host);
    }
  }

  get size(): number {
    let size = 0;
    for (const ports of this.#byHost.values()) size += ports.size;
    return size;
  }

  #addHost(host: string): Map<number, ConnectionRecord> {
    const key = addressKey(host) ?? host;
    const ports = this.#byKey.get(key) ?? new Map<number, ConnectionRecord>();
    this.#byHost.set(host, ports);
    this.#byKey.set(key, ports);
    return ports;
  }
}
