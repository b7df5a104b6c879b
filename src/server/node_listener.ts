/**
 * HTTP by Node's server, which has limits for slow clients of its own, asks for client certificates
 * and lets TLS versions be chosen. About a third of Deno.serve's requests a second and no HTTP/2:
 * for unix sockets and for listeners that need what only it can do.
 */
import { getRequestListener } from "@hono/node-server";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Clock } from "../base/clock.ts";
import type { Connection } from "../logical/request.ts";
import { type Answerer, explainListenError, type HttpListener } from "./listener.ts";
import type { TimeLimits } from "./sweep_rules.ts";
import type { Sweeper } from "./sweeper.ts";
import type { TlsPair } from "./tls_files.ts";

export interface NodeTlsOptions {
  readonly pair: TlsPair;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  /** OpenSSL's names, joined by colons; undefined for the runtime's choice. */
  readonly ciphers: string | undefined;
  readonly clientCertificates: "none" | "asked" | "required";
  /** PEM of the CAs that clients must be vouched for by, when required. */
  readonly clientCa: string | undefined;
}

export interface NodeListenerParts {
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly address: string;
  readonly door: Answerer;
  readonly limits: TimeLimits & { readonly readMs: number };
  readonly tls: NodeTlsOptions | undefined;
  /** Ends what never comes to speak HTTP; undefined where sockets can't be looked at. */
  readonly sweeper: Sweeper | undefined;
  readonly clock: Clock;
}

/** Opens it. Throws `ListenError`. */
export async function nodeListener(parts: NodeListenerParts): Promise<HttpListener> {
  const { at, tls, sweeper, limits, clock } = parts;
  const server = createHttpServer(parts);
  try {
    await listening(server, at);
  } catch (cause) {
    throw explainListenError(parts.address, cause);
  }
  const port = portOf(server);
  // Node bounds heads and idling; what has not finished its handshake it does not know yet.
  if (port !== undefined) sweeper?.watch(port, { headerMs: 0, idleMs: 0, writeMs: limits.writeMs });
  return {
    address: port === undefined ? parts.address : parts.address.replace(/:0$/, `:${port}`),
    replaceTls(pair) {
      if (tls !== undefined && isTls(server)) server.setSecureContext(secureContext(tls, pair));
      return Promise.resolve();
    },
    async stop(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cancel = clock.after(graceMs, () => server.closeAllConnections());
      await closed;
      cancel();
      if (port !== undefined) sweeper?.unwatch(port);
    },
  };
}

function createHttpServer({ door, limits, tls }: NodeListenerParts): Server | TlsServer {
  const listener = getRequestListener(
    (request: Request, env) => door.handle(request, connectionOf(env.incoming.socket)),
    { overrideGlobalObjects: false },
  );
  const options = {
    headersTimeout: limits.headerMs,
    // The body reader answers with a sentence; this only ends what is left hanging after it.
    requestTimeout: limits.readMs === 0 ? 0 : limits.readMs + 1000,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: 500,
  };
  if (tls === undefined) return createServer(options, listener);
  const handshakeTimeout = limits.headerMs === 0 ? 120_000 : limits.headerMs;
  return createTlsServer(
    { ...options, ...secureContext(tls, tls.pair), handshakeTimeout },
    listener,
  );
}

function secureContext(tls: NodeTlsOptions, { cert, key }: TlsPair) {
  return {
    cert,
    key,
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    requestCert: tls.clientCertificates !== "none",
    rejectUnauthorized: tls.clientCertificates === "required",
    ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }),
  };
}

function connectionOf(socket: Socket): Connection {
  const { remoteAddress = "", remotePort = 0 } = socket;
  if (!(socket instanceof TLSSocket)) return { remoteAddress, remotePort };
  const chain = peerCertificates(socket);
  return chain.length === 0
    ? { remoteAddress, remotePort }
    : { remoteAddress, remotePort, peerCertificates: chain };
}

/** The leaf, then who signed it, as far as the client sent them. */
function peerCertificates(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: ReturnType<typeof socket.getPeerCertificate> | undefined = socket.getPeerCertificate(
    true,
  );
  while (next?.raw !== undefined && chain.length < 10) {
    const { raw }: { raw: Uint8Array } = next;
    if (chain.at(-1)?.length === raw.length && chain.at(-1)?.every((b, i) => b === raw[i])) break;
    chain.push(raw);
    const issuer: unknown = Reflect.get(next, "issuerCertificate");
    next = isCertificate(issuer) ? issuer : undefined;
  }
  return chain;
}

function isCertificate(value: unknown): value is ReturnType<TLSSocket["getPeerCertificate"]> {
  return typeof value === "object" && value !== null && "raw" in value;
}

function isTls(server: Server | TlsServer): server is TlsServer {
  return "setSecureContext" in server;
}

function listening(server: Server, at: NodeListenerParts["at"]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function portOf(server: Server): number | undefined {
  const address = server.address();
  return typeof address === "object" ? address?.port : undefined;
}
