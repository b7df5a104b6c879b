/**
 * What fetch can't do: unix sockets, another name in the TLS handshake, unchecked certificates.
 * Loaded only for those, since node:https costs as long to load as all the rest together.
 */
import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { describeError } from "../../base/failure.ts";
import { TransportError } from "../errors.ts";
import type { Certificates } from "./certificates.ts";
import type { Transport, WireBody, WireRequest, WireResponse } from "./transport.ts";

export interface NodeOptions {
  readonly certificates?: Certificates;
  /** Path of a unix socket; the URL's host is then only a name. */
  readonly socketPath?: string;
  readonly serverName: string;
  readonly skipVerify: boolean;
}

export function nodeTransport(options: NodeOptions): Transport {
  const agentOptions = { keepAlive: false };
  const agents = {
    plain: new http.Agent(agentOptions),
    tls: new https.Agent({ ...agentOptions, ...tlsOptions(options) }),
  };
  return {
    send: (request) => send(request, options, agents),
    close() {
      agents.plain.destroy();
      agents.tls.destroy();
    },
  };
}

/** What TLS connections are made with. */
export function tlsOptions(options: NodeOptions): https.AgentOptions {
  const { certificates, serverName, skipVerify } = options;
  return {
    rejectUnauthorized: !skipVerify,
    ...(certificates === undefined || certificates.authorities.length === 0
      ? {}
      : { ca: [...certificates.authorities] }),
    ...(certificates?.identity === undefined
      ? {}
      : { cert: certificates.identity.certificate, key: certificates.identity.key }),
    ...(serverName === "" ? {} : { servername: serverName }),
  };
}

async function send(
  request: WireRequest,
  options: NodeOptions,
  agents: { plain: http.Agent; tls: https.Agent },
): Promise<WireResponse> {
  const url = new URL(request.url);
  const body = await request.body?.();
  const headers = Object.fromEntries(request.headers);
  const common = {
    method: request.method,
    path: url.pathname + url.search,
    headers: typeof body === "string"
      ? { ...headers, "Content-Length": String(new TextEncoder().encode(body).length) }
      : headers,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
  return await new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new TransportError(reason(error), { cause: error }));
    const answer = (response: http.IncomingMessage) => resolve(wireResponse(response));
    const where = options.socketPath === undefined
      ? { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port }
      : { socketPath: options.socketPath };
    const outgoing = url.protocol === "https:"
      ? https.request({ ...common, ...where, ...tlsOptions(options), agent: agents.tls }, answer)
      : http.request({ ...common, ...where, agent: agents.plain }, answer);
    outgoing.on("error", fail);
    sendBody(outgoing, body).catch(fail);
  });
}

async function sendBody(outgoing: http.ClientRequest, body: WireBody | undefined): Promise<void> {
  if (body instanceof ReadableStream) {
    for await (const chunk of body) {
      if (!outgoing.write(chunk)) await new Promise((resume) => outgoing.once("drain", resume));
    }
    outgoing.end();
  } else outgoing.end(body);
}

function wireResponse(response: http.IncomingMessage): WireResponse {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined) headers.append(name, item);
    }
  }
  return { status: response.statusCode ?? 0, headers, body: streamOf(response) };
}

function streamOf(response: Readable): ReadableStream<Uint8Array> {
  const chunks = response[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done) controller.close();
      else controller.enqueue(new Uint8Array(next.value));
    },
    cancel: () => void response.destroy(),
  });
}

function reason(error: Error): string {
  return error.name === "TimeoutError" || error.name === "AbortError"
    ? "no answer in time"
    : describeError(error);
}
