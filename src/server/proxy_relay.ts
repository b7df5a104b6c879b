/**
 * Stands before a listener whose clients come through load balancers that say whom they stand for
 * by the PROXY protocol. No HTTP server of the runtime takes a connection whose first bytes were
 * read already, so this one reads them, and hands the rest to a server on the loopback address,
 * which knows each of its connections by the port that it comes from. TLS goes through untouched.
 */
import { describeError } from "../base/failure.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Connection } from "../logical/request.ts";
import { formatHostPort, type HostPort } from "./addresses.ts";
import { type Answerer, explainListenError, type HttpListener } from "./listener.ts";
import { type ProxiedClient, PROXY_HEADER_MAX, readProxyHeader } from "./proxy_header.ts";
import type { TlsPair } from "./tls_files.ts";

/** Whose header is heeded. */
export type Trust =
  /** Anybody's. */
  | "heeded"
  /** It is read and means nothing. */
  | "ignored"
  /** The connection is closed. */
  | "refused";

export interface ProxyRelayParts {
  readonly at: HostPort;
  readonly trust: (address: string) => Trust;
  /** Until the header has come, or shown not to be one; 0 for no limit. */
  readonly headerMs: number;
  /** Connections at a time; each takes three descriptors. */
  readonly connectionsMax: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly answerer: Answerer;
  /** Opens the server behind, which may be reached from this machine only. */
  readonly inner: (at: HostPort, answerer: Answerer) => Promise<HttpListener>;
}

const LOOPBACK = "127.0.0.1";
const FAREWELL_MS = 1000;
const PIECE_BYTES = 64 * 1024;
/** After a failed accept, for want of descriptors usually. */
const PAUSE_MS = 20;

/** Opens it. Throws `ListenError`. */
export async function proxyRelay(parts: ProxyRelayParts): Promise<HttpListener> {
  const { at } = parts;
  let outer: Deno.TcpListener;
  try {
    outer = Deno.listen({ hostname: at.host, port: at.port });
  } catch (cause) {
    throw explainListenError(formatHostPort(at), cause);
  }
  const clients = new Clients(parts.answerer);
  try {
    const inner = await parts.inner({ host: LOOPBACK, port: 0 }, clients);
    return new ProxyRelay(parts, outer, inner, clients);
  } catch (error) {
    outer.close();
    throw error;
  }
}

/** Who is behind each port of the loopback address from which this process connects to itself. */
class Clients implements Answerer {
  readonly #byPort = new Map<number, ProxiedClient>();
  readonly #answerer: Answerer;

  constructor(answerer: Answerer) {
    this.#answerer = answerer;
  }

  add(port: number, client: ProxiedClient): void {
    this.#byPort.set(port, client);
  }

  remove(port: number): void {
    this.#byPort.delete(port);
  }

  handle(request: Request, connection: Connection): Promise<Response> {
    const client = this.#byPort.get(connection.remotePort);
    // Somebody on this machine has gone round the relay.
    if (client === undefined || connection.remoteAddress !== LOOPBACK) {
      return Promise.resolve(new Response(null, { status: 403 }));
    }
    const { address, port } = client;
    return this.#answerer.handle(request, {
      ...connection,
      remoteAddress: address,
      remotePort: port,
    });
  }
}

class ProxyRelay implements HttpListener {
  readonly address: string;
  readonly #parts: ProxyRelayParts;
  readonly #outer: Deno.TcpListener;
  readonly #inner: HttpListener;
  readonly #innerPort: number;
  readonly #clients: Clients;
  readonly #open = new Set<Deno.TcpConn>();
  #isStopping = false;

  constructor(
    parts: ProxyRelayParts,
    outer: Deno.TcpListener,
    inner: HttpListener,
    clients: Clients,
  ) {
    this.#parts = parts;
    this.#outer = outer;
    this.#inner = inner;
    this.#innerPort = Number(inner.address.slice(inner.address.lastIndexOf(":") + 1));
    this.#clients = clients;
    this.address = formatHostPort({ host: parts.at.host, port: outer.addr.port });
    void this.#accept();
  }

  replaceTls(pair: TlsPair): Promise<void> {
    return this.#inner.replaceTls(pair);
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#outer.close();
    await this.#inner.stop(graceMs);
    for (const connection of this.#open) close(connection);
  }

  async #accept(): Promise<void> {
    const { clock, log, connectionsMax } = this.#parts;
    while (!this.#isStopping) {
      try {
        const connection = await this.#outer.accept();
        if (this.#open.size >= connectionsMax) close(connection);
        else void this.#serve(connection);
      } catch (error) {
        if (this.#isStopping) return;
        log.error("a connection was not accepted", { error: describeError(error) });
        await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
      }
    }
  }

  async #serve(outside: Deno.TcpConn): Promise<void> {
    const { hostname: address, port } = outside.remoteAddr;
    this.#open.add(outside);
    try {
      const trust = this.#parts.trust(address);
      if (trust === "refused") {
        return this.#parts.log.debug("a connection was refused: not from a load balancer", {
          address,
        });
      }
      const begun = await this.#begin(outside);
      if (begun === undefined) return;
      const heeded = trust === "heeded" ? begun.client : undefined;
      await this.#pass(outside, heeded ?? { address, port }, begun.rest);
    } catch (error) {
      // Whoever goes away in the middle is no error of this program.
      this.#parts.log.debug("a connection broke off", { address, error: describeError(error) });
    } finally {
      this.#open.delete(outside);
      close(outside);
    }
  }

  /** The client that the header names, and what came after it; undefined where there is no use. */
  async #begin(outside: Deno.TcpConn) {
    const { clock, headerMs, log } = this.#parts;
    const address = outside.remoteAddr.hostname;
    const cancel = headerMs === 0 ? () => {} : clock.after(headerMs, () => close(outside));
    try {
      const buffer = new Uint8Array(PROXY_HEADER_MAX);
      for (let length = 0;;) {
        const count = await outside.read(buffer.subarray(length));
        if (count === null) return undefined;
        length += count;
        const bytes = buffer.subarray(0, length);
        const verdict = readProxyHeader(bytes);
        if (verdict.is === "absent") return { client: undefined, rest: bytes };
        if (verdict.is === "header") {
          return { client: verdict.client, rest: bytes.subarray(verdict.bytes) };
        }
        if (verdict.is === "malformed") {
          log.warn("a connection was closed: malformed PROXY header", {
            address,
            reason: verdict.reason,
          });
          return undefined;
        }
      }
    } finally {
      cancel();
    }
  }

  /** The server has closed its side: a client that does not close its own is not waited for. */
  #partFrom(outside: Deno.TcpConn, inside: Deno.TcpConn): void {
    this.#parts.clock.after(FAREWELL_MS, () => {
      close(outside);
      close(inside);
    });
  }

  /** Hands everything on, both ways, until both sides have ended or one is cut. */
  async #pass(outside: Deno.TcpConn, client: ProxiedClient, first: Uint8Array): Promise<void> {
    const inside = await Deno.connect({ hostname: LOOPBACK, port: this.#innerPort });
    const { port } = inside.localAddr;
    // Before the first byte, so that the server knows each request's client.
    this.#clients.add(port, client);
    try {
      outside.setNoDelay();
      inside.setNoDelay();
      await writeAll(inside, first);
      const answered = copy(inside, outside).then(() => this.#partFrom(outside, inside));
      await Promise.all([copy(outside, inside), answered]);
    } finally {
      close(inside);
      this.#clients.remove(port);
    }
  }
}

/** Throws where either end is cut; then both are of no use. */
async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(PIECE_BYTES);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) break;
      await writeAll(to, buffer.subarray(0, count));
    }
    await to.closeWrite();
  } catch (error) {
    close(from);
    close(to);
    throw error;
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** Closing twice does nothing. */
function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
