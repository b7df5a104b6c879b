/**
 * HTTP by Deno.serve: the fastest there is here, HTTP/2 included. It has no limits for slow clients
 * and dies when descriptors run out; the sweeper and this file see to both.
 */
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { Clock } from "../base/clock.ts";
import { largeAnswerSize } from "../http/write_response.ts";
import { addressKey } from "./address_key.ts";
import { formatHostPort, type HostPort } from "./addresses.ts";
import { type Answerer, explainListenError, type HttpListener } from "./listener.ts";
import type { TimeLimits } from "./sweep_rules.ts";
import type { Sweeper } from "./sweeper.ts";
import type { TlsPair } from "./tls_files.ts";
import { widening } from "./wide_answers.ts";

export interface DenoListenerParts {
  readonly at: HostPort;
  readonly door: Answerer;
  readonly sweeper: Sweeper;
  readonly limits: TimeLimits;
  /** Undefined for plain HTTP. */
  readonly tls: TlsPair | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Connections that are cut when descriptors have run out. */
const shedCount = 256;
const relistenMs = 20;
/** The old server of an exchange ends so long after it. */
const drainMs = 2000;

type Serving = Deno.HttpServer<Deno.NetAddr>;

export class DenoListener implements HttpListener {
  readonly address: string;
  readonly #parts: DenoListenerParts;
  readonly #at: HostPort;
  #tls: TlsPair | undefined;
  #server: Serving;
  readonly #draining = new Set<Serving>();
  #stopping = false;

  /** Throws `ListenError`. */
  constructor(parts: DenoListenerParts) {
    this.#parts = parts;
    this.#tls = parts.tls;
    this.#at = parts.at;
    try {
      if (canSharePort(parts.tls)) probe(parts.at);
      this.#server = this.#serve();
    } catch (cause) {
      throw explainListenError(formatHostPort(parts.at), cause);
    }
    this.#at = { host: parts.at.host, port: this.#server.addr.port };
    this.address = formatHostPort(this.#at);
    parts.sweeper.watch(this.#at.port, parts.limits);
  }

  async replaceTls(pair: TlsPair): Promise<void> {
    const before = this.#server;
    this.#tls = pair;
    if (!canSharePort(pair)) {
      // The port is free at once, its connections end on their own.
      const ended = before.shutdown();
      this.#server = this.#serve();
      return await ended;
    }
    // Both listen; connections that come from now on go to the new one. Those of the old one may
    // ask once more and are then told to come again, so that no request is lost to the change.
    this.#server = this.#serve();
    const key = addressKey(this.#at.host);
    if (key !== undefined) this.#parts.sweeper.preferNewest(this.#at.port, key);
    this.#drain(before);
  }

  #drain(old: Serving): void {
    this.#draining.add(old);
    this.#parts.clock.after(drainMs, async () => {
      await old.shutdown();
      this.#draining.delete(old);
    });
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    // Not by a signal: Deno.serve throws at one that comes while it shuts down.
    const cancel = this.#parts.clock.after(graceMs, () => {
      this.#parts.sweeper.cutAll(this.#at.port);
    });
    await Promise.all([this.#server, ...this.#draining].map((server) => server.shutdown()));
    cancel();
    this.#parts.sweeper.unwatch(this.#at.port);
  }

  #serve(): Serving {
    const { host, port } = this.#at;
    const { door, sweeper } = this.#parts;
    const { connections } = sweeper;
    const tls = this.#tls;
    const server = Deno.serve({
      hostname: host,
      port,
      onListen() {},
      ...(tls === undefined ? {} : { ...tls, reusePort: canSharePort(tls) }),
    }, (request, info) => {
      const { hostname: remoteAddress, port: remotePort } = info.remoteAddr;
      // HTTP/2 has no Host header.
      const record = connections.at(remoteAddress, remotePort, () => !request.headers.has("host"));
      record.heads++;
      record.inFlight++;
      const done = () => {
        record.inFlight--;
      };
      info.completed.then(done, done);
      const widens = record.heads === 2 && !record.multiplexed;
      const answer = door.handle(request, { remoteAddress, remotePort }).then((response) => {
        const size = largeAnswerSize(response);
        if (size > 0) sweeper.sends(record, size, info.completed);
        return widens ? widening(response) : response;
      });
      if (this.#draining.has(server) && !record.multiplexed) return answer.then(lastOfConnection);
      return request.body === null ? answer : answer.then((response) => {
        // The rest of a body that did not come in time would be taken for the next request.
        if (response.status === 408) {
          const doom = () => {
            record.doomed = true;
          };
          info.completed.then(doom, doom);
        }
        return response;
      });
    });
    this.#guard(server);
    return server;
  }

  /** Deno.serve gives up when a connection can't be accepted, for want of descriptors usually. */
  #guard(server: Serving): void {
    server.finished.catch((error) => {
      if (this.#stopping || server !== this.#server) return;
      const { sweeper, log, clock } = this.#parts;
      const cut = sweeper.shed(shedCount);
      log.error("a listener failed and starts again", {
        address: this.address,
        error: describeError(error),
        cut,
      });
      clock.after(relistenMs, () => this.#relisten());
    });
  }

  #relisten(): void {
    if (this.#stopping) return;
    try {
      this.#server = this.#serve();
    } catch (error) {
      this.#parts.log.error("listening again failed", { error: describeError(error) });
      this.#parts.clock.after(relistenMs * 10, () => this.#relisten());
    }
  }
}

function lastOfConnection(response: Response): Response {
  response.headers.set("connection", "close");
  return response;
}

/** Whether two servers can hold the port while certificates change. Deno ends at once without it. */
function canSharePort(tls: TlsPair | undefined): boolean {
  return tls !== undefined && typeof Reflect.get(Deno, "listenDatagram") === "function";
}

/** With a shared port the kernel would not refuse the port of another process of this user. */
function probe({ host, port }: HostPort): void {
  if (port !== 0) Deno.listen({ hostname: host, port }).close();
}
