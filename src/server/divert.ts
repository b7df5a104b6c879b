/**
 * What a standby does with requests that it does not answer itself: passes them on to the active
 * node, or says where that is. A request that may have been executed is never sent again.
 */
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { exactRequest, targetOf } from "../base/exact_request.ts";
import { sleep } from "../base/clock.ts";
import { changingOver, describeError, Failure } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { Node } from "../core/node.ts";
import { NotAnswered } from "../core/not_answered.ts";
import { type ForwardedRequest, NotForwarded } from "../ha/forward_client.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import type { RequestLimits } from "../http/read_request.ts";
import { failureResponse } from "../http/write_response.ts";
import type { Connection, Operation } from "../logical/request.ts";

/** Paths below `/v1/` that each node answers for itself. */
const ownPaths = new Set([
  "sys/health",
  "sys/seal-status",
  "sys/leader",
  "sys/init",
  "sys/unseal",
  "sys/seal",
  "sys/storage/raft/join",
]);

/** Too large to be passed on, or about one node alone. */
const redirectedPaths = new Set([
  "sys/storage/raft/snapshot",
  "sys/storage/raft/snapshot-force",
  "sys/metrics",
  "sys/monitor",
]);

/** Only the file itself is too large of these. */
const loadPath = "sys/storage/raft/snapshot-load";

function isRedirected(path: string, method: string): boolean {
  if (path === loadPath) return method === "POST" || method === "PUT";
  return redirectedPaths.has(path);
}

/** How long a request waits for an active node, so that a change of it goes unnoticed. */
const WAIT_MS = 5000;
const LOOK_MS = 20;

/**
 * Answers what a node in standby was asked; undefined where the node answers it anyway. `here` lets
 * this node answer, and rejects with `NotAnswered` where it can't.
 */
export type Divert = (
  request: Request,
  connection: Connection,
  limits: RequestLimits,
  here: (request: Request) => Promise<Response>,
) => Promise<Response> | undefined;

export function standbyDivert(node: Node, clock: Clock, log: Logger): Divert | undefined {
  const { ha } = node;
  if (ha === undefined) return undefined;
  const divert = new StandbyDivert(node, ha, clock, log);
  const diverted: Divert = (request, connection, limits, here) => {
    const url = new URL(request.url);
    if (url.pathname !== "/v1" && !url.pathname.startsWith("/v1/")) return undefined;
    const path = decode(url.pathname.slice(4).replace(/\/$/, ""));
    if (ownPaths.has(path)) return undefined;
    if (ha.isRemoved) {
      return Promise.resolve(
        failureResponse(new Failure(503, "this node was removed from its cluster")),
      );
    }
    return divert.handle({ request, url, path, connection, limits, here });
  };
  return (request, connection, limits, here) => {
    if (node.standby) return diverted(request, connection, limits, here);
    const hasBody = request.body !== null;
    if (hasBody && ha.group.configuration.members.length < 2) return undefined;
    const forget = hasBody ? limits.body.keep(request) : undefined;
    // It may turn out that another node leads by now, and nothing was done here.
    const answer = here(request).catch((error) => {
      const mayPassOn = error instanceof NotAnswered && limits.body.isReadable(request);
      const elsewhere = mayPassOn ? diverted(request, connection, limits, here) : undefined;
      if (elsewhere === undefined) throw error;
      return elsewhere;
    });
    return forget === undefined ? answer : answer.finally(forget);
  };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}

interface Asked {
  readonly request: Request;
  readonly url: URL;
  readonly path: string;
  readonly connection: Connection;
  readonly limits: RequestLimits;
  readonly here: (request: Request) => Promise<Response>;
}

/** A request that can be tried more than once. */
interface Buffered {
  readonly body: Bytes;
  make(): Request;
}

/** Throws the `Failure` of a body that is too large or does not come. */
async function buffered({ request, limits }: Asked): Promise<Buffered> {
  if (request.body === null || request.method === "GET") {
    return { body: new Uint8Array(0), make: () => request };
  }
  const body = await limits.body.readBytes(request);
  const { method, headers, url } = request;
  return { body, make: () => exactRequest(url, method, headers, body) };
}

/** Undefined where this node can't answer. */
async function answered(
  here: Asked["here"],
  request: Request,
): Promise<Response | undefined> {
  try {
    return await here(request);
  } catch (error) {
    if (!(error instanceof NotAnswered)) throw error;
    return undefined;
  }
}

/** What a method may stand for, as far as a standby answers it. */
function operationsOf(method: string, query: URLSearchParams): Operation[] {
  if (method === "GET") {
    return query.has("list") ? ["list"] : query.has("scan") ? ["scan"] : ["read"];
  }
  if (method === "LIST") return ["list"];
  if (method === "SCAN") return ["scan"];
  return method === "POST" || method === "PUT" ? ["update"] : [];
}

class StandbyDivert {
  constructor(
    readonly node: Node,
    readonly ha: HighAvailability,
    readonly clock: Clock,
    readonly log: Logger,
  ) {}

  async handle(asked: Asked): Promise<Response> {
    const { request, url, path, here } = asked;
    const isRead = this.#mayRead(asked);
    const refuses = (request.headers.get("x-vault-no-request-forwarding") ?? "") !== "";
    if (refuses || (!isRead && isRedirected(path, request.method))) {
      return await this.#redirect(url);
    }
    try {
      const again = await buffered(asked);
      if (isRead) {
        const answer = await answered(here, again.make());
        if (answer !== undefined) return answer;
        if (isRedirected(path, request.method)) return await this.#redirect(url);
      }
      return await this.#passOn(asked, again);
    } catch (error) {
      if (error instanceof NotForwarded) return await this.#redirect(url);
      if (error instanceof Failure) return failureResponse(error);
      throw error;
    } finally {
      asked.limits.body.load.release(request);
    }
  }

  /** Passes it on until somebody has answered, which may be this node by then. */
  async #passOn({ request, connection, here }: Asked, again: Buffered): Promise<Response> {
    const { method, headers } = request;
    const target = targetOf(request.url);
    const deadline = this.clock.monotonic() + WAIT_MS;
    for (;;) {
      const forwarded = { method, target, headers, body: again.body, connection };
      const response = await this.#forward(forwarded, deadline) ??
        await answered(here, again.make());
      if (response !== undefined) return response;
      if (this.clock.monotonic() > deadline) throw new NotForwarded("no node is active");
      await sleep(this.clock, LOOK_MS);
    }
  }

  /** Whether this node may try to answer itself. */
  #mayRead({ request: { method, headers }, url, path }: Asked): boolean {
    const { reads, standbySettings } = this.node;
    if (reads === undefined || headers.has("x-vault-wrap-ttl")) return false;
    const wantsActive = headers.get("x-vault-forward") === "active-node";
    if (wantsActive && standbySettings.headersForward) return false;
    const operations = operationsOf(method, url.searchParams);
    return operations.some((operation) => reads.mayAnswer(path, operation));
  }

  /** Undefined where this node has become active itself. Throws `NotForwarded` in the end. */
  async #forward(request: ForwardedRequest, deadline: number): Promise<Response | undefined> {
    for (;;) {
      try {
        const active = await this.ha.active();
        if (active !== undefined && active.id !== this.ha.nodeId) {
          const client = await this.#client(active.cluster);
          return await client.forward(request);
        }
      } catch (error) {
        if (!(error instanceof NotForwarded)) throw error;
        this.log.debug("a request was not forwarded yet", { error: describeError(error) });
      }
      if (!this.node.standby) return undefined;
      if (this.clock.monotonic() > deadline) throw new NotForwarded("no node is active");
      await sleep(this.clock, LOOK_MS);
    }
  }

  /** Where nobody can be reached, nothing was done either. */
  async #client(address: string) {
    try {
      return await this.ha.client(address);
    } catch (cause) {
      throw new NotForwarded(`${address} can't be reached`, { cause });
    }
  }

  async #redirect(url: URL): Promise<Response> {
    const active = await this.ha.active();
    if (active === undefined || active.api === "" || active.id === this.ha.nodeId) {
      return failureResponse(changingOver("no active node is known; try again"));
    }
    const location = `${active.api.replace(/\/$/, "")}${url.pathname}${url.search}`;
    return new Response(null, {
      status: 307,
      headers: { location, "cache-control": "no-store" },
    });
  }
}
