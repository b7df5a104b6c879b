/** What the pipeline measures of each request, looked up once. */
import type { Operation } from "../logical/request.ts";
import type { Counter } from "./counter.ts";
import type { Registry } from "./registry.ts";
import type { Summary } from "./summary.ts";

/** The shortest of these that a new token's lifetime fits in is its label. */
const ttlBuckets: readonly (readonly [seconds: number, name: string])[] = [
  [60, "1m"],
  [600, "10m"],
  [1200, "20m"],
  [3600, "1h"],
  [7200, "2h"],
  [86_400, "1d"],
  [172_800, "2d"],
  [604_800, "7d"],
  [2_592_000, "30d"],
];

/** A lifetime in seconds as a label; 0 is for ever. */
export function ttlLabel(seconds: number): string {
  if (seconds <= 0) return "+Inf";
  return ttlBuckets.find(([limit]) => seconds <= limit)?.[1] ?? "+Inf";
}

/** One request in so many is timed in its parts: reading the clock costs as much as a cached ACL. */
const timedRequests = 8;

/** What is read from a loaded snapshot is measured apart. */
export type MeasuredOperation = Operation | `${Operation}-snapshot`;

export interface CreatedToken {
  /** Type of the method that made it. */
  readonly authMethod: string;
  /** Ends in "/". */
  readonly mountPoint: string;
  /** Seconds; 0 for ever. */
  readonly ttl: number;
  readonly type: "service" | "batch";
}

export class RequestMetrics {
  readonly handleRequest: Summary;
  readonly handleLogin: Summary;
  /** Until the token is found. */
  readonly lookup: Summary;
  /** Until the token's policies are known, and until they have decided. */
  readonly fetchAcl: Summary;
  readonly checkToken: Summary;
  #checks = 0;
  readonly #routes = new Map<string, Map<MeasuredOperation, Summary>>();
  /** Of tokens that were made, by everything that their labels are made of. */
  readonly #created = new Map<string, Counter>();

  constructor(readonly registry: Registry) {
    this.handleRequest = registry.summary("core.handle_request");
    this.handleLogin = registry.summary("core.handle_login_request");
    this.fetchAcl = registry.summary("core.fetch_acl_and_token");
    this.checkToken = registry.summary("core.check_token");
    this.lookup = registry.summary("token.lookup");
  }

  /**
   * A request's token begins to be looked for: when, on the metrics' clock; undefined for one whose
   * parts are counted and not timed.
   */
  checkBegins(): number | undefined {
    return this.#checks++ % timedRequests === 0 ? this.now() : undefined;
  }

  /** A part of the check that began at `start` is done. */
  checked(part: Summary, start: number | undefined): void {
    if (start === undefined) part.guess();
    else part.observe(this.now() - start);
  }

  /** Milliseconds on the monotonic clock. */
  now(): number {
    return this.registry.clock.monotonic();
  }

  /** How long the backend mounted at `mount` (ending in "/") takes for an operation. */
  route(operation: MeasuredOperation, mount: string): Summary {
    let byOperation = this.#routes.get(mount);
    if (byOperation === undefined) {
      byOperation = new Map();
      this.#routes.set(mount, byOperation);
    }
    let summary = byOperation.get(operation);
    if (summary === undefined) {
      summary = this.registry.summary(`route.${operation}.${mount.replaceAll("/", "-")}`);
      byOperation.set(operation, summary);
    }
    return summary;
  }

  /** Counts a token that was made. */
  tokenCreated({ authMethod, mountPoint, ttl, type }: CreatedToken): void {
    const lasts = ttlLabel(ttl);
    const key = `${mountPoint} ${lasts} ${type} ${authMethod}`;
    let counter = this.#created.get(key);
    if (counter === undefined) {
      counter = this.registry.counter("token.creation", {
        auth_method: authMethod,
        mount_point: mountPoint,
        creation_ttl: lasts,
        token_type: type,
        namespace: "root",
      });
      this.#created.set(key, counter);
    }
    counter.add();
  }

  /** Counts the lease of a secret that an engine made; `ttl` in seconds. */
  leaseCreated(engine: string, mountPoint: string, ttl: number): void {
    this.registry.counter("secret.lease.creation", {
      secret_engine: engine,
      mount_point: mountPoint,
      creation_ttl: ttlLabel(ttl),
      namespace: "root",
    }).add();
  }
}
