/** What a listener hands requests to: the HTTP app, with what the listener's stanza adds to it. */
import type { Clock } from "../base/clock.ts";
import { changingOver, describeError, Failure } from "../base/failure.ts";
import type { LogLevel } from "../base/log.ts";
import type { ListenerConfig, ServerConfig } from "../config/server_types.ts";
import { NotAnswered } from "../core/not_answered.ts";
import type { Platform } from "../core/backend.ts";
import { cidrContains } from "../core/cidr.ts";
import { createApp, type RequestHandler } from "../http/app.ts";
import { BodyReader } from "../http/body.ts";
import { closePaths } from "../http/closed_paths.ts";
import {
  type CertificateDecoder,
  forwardedConnection,
  type ForwardedSettings,
} from "../http/forwarded.ts";
import type { LoadGate } from "../http/load_gate.ts";
import { lookAccess, type Looks } from "../http/look_access.ts";
import { metricsAccess, type MetricsRenderer } from "../http/metrics_access.ts";
import type { RequestLimits } from "../http/read_request.ts";
import { isRedactable, type Redaction, redactResponse } from "../http/redact.ts";
import {
  type Decorator,
  headerDecorator,
  isReserved,
  isWellFormed,
} from "../http/response_headers.ts";
import { TimeLimit } from "../http/time_limit.ts";
import { failureResponse } from "../http/write_response.ts";
import type { Divert } from "./divert.ts";
import type { Connection } from "../logical/request.ts";
import { logLevel } from "./logging.ts";

/** What a door knows of the node it leads to. */
export interface NodeNames {
  readonly hostname: string;
  readonly raftNodeId: string | undefined;
  /** What all doors of the node let in together. */
  readonly load: LoadGate;
  /** Absent where nothing is measured. */
  readonly renderMetrics?: MetricsRenderer;
  /** Absent where nobody may look without a token. */
  readonly looks?: Looks;
  /** Told of each answer but those of sys/health, whose status is what it has to say. */
  readonly countAnswer?: (status: number) => void;
  /** Told of each answer, where requests are traced. */
  readonly trace?: (request: Request, status: number, tookMs: number) => void;
}

/** The settings of one configuration; a reload puts others in their place. */
interface Settings {
  readonly app: ReturnType<typeof createApp>;
  readonly limits: RequestLimits;
  /** Answers what the listener's telemetry stanza decides. */
  readonly metrics: ReturnType<typeof metricsAccess>;
  /** Answers what its stanzas of profiles and requests under way open. */
  readonly look: ReturnType<typeof lookAccess>;
  readonly forwarded: ForwardedSettings | undefined;
  readonly redaction: Redaction | undefined;
  readonly decorate: Decorator | undefined;
  /** Severity at which finished requests are logged; undefined for not at all. */
  readonly logLevel: LogLevel | undefined;
}

export class Door {
  readonly #handler: RequestHandler;
  readonly #platform: Platform;
  readonly #names: NodeNames;
  readonly #time: TimeLimit;
  readonly #divert: Divert | undefined;
  #settings: Settings;

  constructor(
    handler: RequestHandler,
    platform: Platform,
    names: NodeNames,
    listener: ListenerConfig,
    config: ServerConfig,
    divert?: Divert,
  ) {
    this.#divert = divert;
    this.#handler = handler;
    this.#platform = platform;
    this.#names = names;
    this.#time = new TimeLimit(platform.clock, 0);
    this.#settings = this.configure(listener, config);
  }

  /** Takes what is reloadable; requests that come from now on see it. */
  configure(listener: ListenerConfig, config: ServerConfig): Settings {
    const { clock, random, log } = this.#platform;
    const { values } = listener;
    const handler = closePaths(this.#handler, {
      rekey: values.disable_unauthed_rekey_endpoints,
      generateRoot: values.disable_unauthed_generate_root_endpoints,
    });
    const seconds = values.max_request_duration ?? config.settings.default_max_request_duration;
    this.#time.limitMs = Math.max(0, seconds * 1000);
    warnOfHeaders(listener, this.#platform);
    const limits = requestLimits(listener, clock, this.#names.load);
    this.#settings = {
      app: createApp({
        handler,
        limits,
        load: values.disable_request_limiter ? undefined : this.#names.load,
        random,
        log,
      }),
      limits,
      metrics: this.#metricsAccess(listener, config),
      look: this.#lookAccess(listener),
      forwarded: forwardedSettings(listener),
      redaction: redactionOf(listener),
      logLevel: logLevel(config.settings.log_requests_level),
      decorate: headerDecorator(values.custom_response_headers, this.#ownHeaders(config)),
    };
    return this.#settings;
  }

  /** Requests that have not been answered. */
  get inFlight(): number {
    return this.#time.inFlight;
  }

  /** Answers a request; never rejects. */
  handle(request: Request, connection: Connection): Promise<Response> {
    const { forwarded, redaction, decorate, logLevel } = this.#settings;
    let from = connection;
    if (forwarded !== undefined) {
      try {
        from = forwardedConnection(request.headers, connection, forwarded);
      } catch (error) {
        if (!(error instanceof Failure)) this.#logBug(error);
        return Promise.resolve(failureResponse(error));
      }
    }
    let answer = this.#answer(request, from);
    if (redaction !== undefined && isRedactable(request.url)) {
      answer = answer.then((response) => redactResponse(response, redaction));
    }
    const bounded = this.#time.run(answer, this.#refused, bringsSnapshot(request));
    const { countAnswer, trace } = this.#names;
    const isTimed = trace !== undefined || logLevel !== undefined;
    if (decorate === undefined && countAnswer === undefined && !isTimed) return bounded;
    const start = isTimed ? this.#platform.clock.monotonic() : 0;
    return bounded.then((response) => {
      if (countAnswer !== undefined && !request.url.includes("/v1/sys/health")) {
        countAnswer(response.status);
      }
      trace?.(request, response.status, this.#platform.clock.monotonic() - start);
      decorate?.(response);
      if (logLevel !== undefined) this.#logRequest(logLevel, request, from, response, start);
      return response;
    });
  }

  #logRequest(
    level: LogLevel,
    request: Request,
    { remoteAddress }: Connection,
    { status }: Response,
    start: number,
  ): void {
    const { clock, log } = this.#platform;
    log[level]("completed request", {
      method: request.method,
      path: new URL(request.url).pathname,
      status,
      client: remoteAddress,
      duration_ms: Math.round((clock.monotonic() - start) * 1000) / 1000,
    });
  }

  /** As a standby would be asked elsewhere, or by this node. */
  #answer(request: Request, connection: Connection): Promise<Response> {
    const { app, limits, metrics, look } = this.#settings;
    const aside = metrics?.(request) ?? look?.(request);
    if (aside !== undefined) return aside;
    const here = (asked: Request) => {
      const fetched = app.fetch(asked, { connection });
      return fetched instanceof Response ? Promise.resolve(fetched) : fetched;
    };
    return this.#divert?.(request, connection, limits, here) ?? here(request);
  }

  /**
   * A request that another node's listener has taken and passed on. Undefined where nothing was
   * done because this node is not active any more: it may be passed on again.
   */
  async handleForwarded(request: Request, connection: Connection): Promise<Response | undefined> {
    const { app } = this.#settings;
    let isUntouched = false;
    const answer = Promise.resolve(app.fetch(request, { connection }));
    const response = await this.#time.run(answer, (error) => {
      isUntouched = error instanceof NotAnswered;
      return this.#refused(error);
    });
    return isUntouched ? undefined : response;
  }

  readonly #refused = (error: unknown): Response => {
    if (error instanceof NotAnswered) return standbyFailure(error);
    this.#logBug(error);
    return failureResponse(error);
  };

  #logBug(error: unknown): void {
    this.#platform.log.error("a request failed", {
      error: describeError(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  }

  /** The leave that the listener's stanza gives can be given to all listeners by the node's. */
  #metricsAccess(
    { values: { telemetry } }: ListenerConfig,
    { telemetry: { values: ofNode } }: ServerConfig,
  ): Settings["metrics"] {
    const render = this.#names.renderMetrics;
    if (render === undefined) return undefined;
    return metricsAccess({
      unauthenticated: telemetry.unauthenticated_metrics_access ||
        ofNode.unauthenticated_metrics_access,
      disallow: telemetry.disallow_metrics,
      only: telemetry.metrics_only,
      path: telemetry.metrics_path,
    }, render);
  }

  #lookAccess({ values }: ListenerConfig): Settings["look"] {
    const { looks } = this.#names;
    return looks && lookAccess({
      profiles: values.profiling.unauthenticated_pprof_access,
      requests: values.inflight_requests_logging.unauthenticated_in_flight_requests_access,
    }, looks);
  }

  #ownHeaders({ settings }: ServerConfig): Record<string, string> {
    const { hostname, raftNodeId } = this.#names;
    return {
      ...(settings.enable_response_header_hostname ? { "x-vault-hostname": hostname } : {}),
      ...(settings.enable_response_header_raft_node_id && raftNodeId !== undefined
        ? { "x-vault-raft-node-id": raftNodeId }
        : {}),
    };
  }
}

/** What a snapshot takes goes by its size, not by the time that any request may take. */
function bringsSnapshot({ method, url }: Request): boolean {
  return (method === "POST" || method === "PUT") && url.includes("/v1/sys/storage/raft/snapshot");
}

/** This node was active when the request came, and is not any more. */
function standbyFailure(cause: NotAnswered): Response {
  return failureResponse(changingOver("Vault is in standby mode", cause));
}

/** A limit below zero is none. */
function requestLimits(
  { values }: ListenerConfig,
  clock: Clock,
  load: LoadGate,
): RequestLimits {
  return {
    body: new BodyReader(
      clock,
      load,
      Math.max(0, values.max_request_size),
      values.http_read_timeout * 1000,
    ),
    maxTokenHeaderSize: Math.max(0, values.max_token_header_size),
    json: {
      maxDepth: values.max_json_depth,
      maxStringLength: values.max_json_string_value_length,
      maxObjectEntries: values.max_json_object_entry_count,
      maxArrayElements: values.max_json_array_element_count,
      maxTokens: values.max_json_token,
    },
  };
}

function forwardedSettings({ values }: ListenerConfig): ForwardedSettings | undefined {
  const ranges = values.x_forwarded_for_authorized_addrs;
  if (ranges.length === 0) return undefined;
  return {
    isAuthorized: (address) => ranges.some((range) => cidrContains(range, address)),
    hopSkips: values.x_forwarded_for_hop_skips,
    rejectNotAuthorized: values.x_forwarded_for_reject_not_authorized,
    rejectNotPresent: values.x_forwarded_for_reject_not_present,
    certificateHeader: values.x_forwarded_for_client_cert_header ?? "",
    certificateDecoders: values.x_forwarded_for_client_cert_header_decoders
      .map((name) => name.toUpperCase()).filter(isDecoder),
  };
}

function isDecoder(name: string): name is CertificateDecoder {
  return name === "BASE64" || name === "DER" || name === "URL";
}

function redactionOf({ values }: ListenerConfig): Redaction | undefined {
  const redaction = {
    addresses: values.redact_addresses,
    clusterName: values.redact_cluster_name,
    version: values.redact_version,
  };
  return Object.values(redaction).includes(true) ? redaction : undefined;
}

function warnOfHeaders({ values }: ListenerConfig, { log }: Platform): void {
  for (const headers of Object.values(values.custom_response_headers)) {
    for (const [header, texts] of Object.entries(headers)) {
      if (isReserved(header)) {
        log.warn("a custom response header can't start with X-Vault-", { header });
      } else if (!isWellFormed(header, texts)) {
        log.warn("a custom response header is not well-formed and left out", { header });
      }
    }
  }
}
