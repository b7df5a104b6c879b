/**
 * What a standby does with requests that it does not answer itself: passes them on to the active
 * node, or says where that is. A request that may have been executed is never sent again.
 */
import { utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { sleep } from "../base/clock.ts";
import { describeError, Failure } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { Node } from "../core/node.ts";
import { type ForwardedRequest, NotForwarded } from "../ha/forward_client.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import { readBody } from "../http/body.ts";
import type { RequestLimits } from "../http/read_request.ts";
import { failureResponse } from "../http/write_response.ts";
import type { Connection } from "../logical/request.ts";

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

/** How long a request waits for an active node, so that a change of it goes unnoticed. */
const WAIT_MS = 5000;
const LOOK_MS = 20;

/** Answers here what a node in standby was asked, or hands it back for this node to answer. */
export type Divert = (
  request: Request,
  connection: Connection,
  limits: RequestLimits,
) => Promise<Response | Request> | undefined;

export function standbyDivert(node: Node, clock: Clock, log: Logger): Divert | undefined {
  const { ha } = node;
  if (ha === undefined) return undefined;
  const divert = new StandbyDivert(node, ha, clock, log);
  return (request, connection, limits) => {
    if (!node.standby) return undefined;
    const url = new URL(request.url);
    if (!url.pathname.startsWith("/v1/")) return undefined;
    const path = decode(url.pathname.slice(4).replace(/\/$/, ""));
    if (ownPaths.has(path)) return undefined;
    if (ha.isRemoved) {
      return Promise.resolve(
        failureResponse(new Failure(503, "this node was removed from its cluster")),
      );
    }
    return divert.handle(request, url, path, connection, limits);
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

class StandbyDivert {
  constructor(
    readonly node: Node,
    readonly ha: HighAvailability,
    readonly clock: Clock,
    readonly log: Logger,
  ) {}

  async handle(
    request: Request,
    url: URL,
    path: string,
    connection: Connection,
    limits: RequestLimits,
  ): Promise<Response | Request> {
    const refuses = (request.headers.get("x-vault-no-request-forwarding") ?? "") !== "";
    if (refuses || redirectedPaths.has(path)) return await this.#redirect(url);
    try {
      const hasBody = request.body !== null && request.method !== "GET";
      const text = hasBody
        ? await readBody(request, limits.maxRequestSize, limits.readTimeoutMs)
        : "";
      const { method, headers } = request;
      const body = utf8(text);
      const target = url.pathname + url.search;
      const response = await this.#forward({ method, target, headers, body, connection });
      if (response !== undefined) return response;
      return new Request(request.url, { method, headers, ...(hasBody ? { body } : {}) });
    } catch (error) {
      if (error instanceof NotForwarded) return await this.#redirect(url);
      if (error instanceof Failure) return failureResponse(error);
      throw error;
    }
  }

  /** Undefined where this node has become active itself. Throws `NotForwarded` in the end. */
  async #forward(request: ForwardedRequest): Promise<Response | undefined> {
    const deadline = this.clock.monotonic() + WAIT_MS;
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
      return failureResponse(new Failure(503, "no active node is known; try again"));
    }
    const location = `${active.api.replace(/\/$/, "")}${url.pathname}${url.search}`;
    return new Response(null, {
      status: 307,
      headers: { location, "cache-control": "no-store" },
    });
  }
}
