/**
 * The API over HTTP: headers, retries, redirects, errors. Knows nothing of commands or output.
 */
import type { Clock, Random } from "../../base/clock.ts";
import { sleep } from "../../base/clock.ts";
import { ApiError, CommandError, RequestPrinted, TransportError } from "../errors.ts";
import { asList, asObject, isObject, type Json, parseJson, writeJson } from "../json.ts";
import { curlCommand, policyFor } from "./print_request.ts";
import { type ApiRequest, urlOf } from "./request.ts";
import { type Secret, toSecret } from "./secret.ts";
import type { ClientSettings } from "./settings.ts";
import { Throttle } from "./throttle.ts";
import type { Transport, WireRequest, WireResponse } from "./transport.ts";

/** An answer below 400, read to its end. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Undefined where the body is empty or no JSON. */
  readonly json: Json | undefined;
}

export interface ClientParts {
  readonly settings: ClientSettings;
  readonly transport: Transport;
  /** The user's token; "" for none. Asked once, when first needed. */
  readonly token: () => Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
}

const redirectsMax = 3;
const answerBytesMax = 64 * 1024 * 1024;

export class Client {
  readonly #parts: ClientParts;
  readonly #throttle: Throttle | undefined;
  #token: string | undefined;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    const limit = parts.settings.rateLimit;
    this.#throttle = limit && new Throttle(limit, parts.clock);
  }

  get settings(): ClientSettings {
    return this.#parts.settings;
  }

  /** The same user, at another node of the cluster. */
  at(address: string): Client {
    const settings = { ...this.#parts.settings, address };
    return new Client({ ...this.#parts, settings, token: () => this.token() });
  }

  /** The token that requests carry: what was set, else the user's. */
  async token(): Promise<string> {
    return this.#token ??= checkedToken(await this.#parts.token());
  }

  /** Uses this token from now on. */
  setToken(token: string): void {
    this.#token = checkedToken(token);
  }

  /** Throws ApiError for 400 and above, TransportError when nobody answers. */
  async send(request: ApiRequest): Promise<Answer> {
    const { response, url } = await this.stream(request);
    const text = await readText(response);
    const json = text.trim() === "" ? undefined : parseJson(text);
    if (response.status >= 400) throw this.#apiError(request, url, response.status, text, json);
    return { status: response.status, text, json };
  }

  /** Like send, but leaves the body of a good answer to the caller. */
  async open(request: ApiRequest): Promise<WireResponse> {
    const { response, url } = await this.stream(request);
    if (response.status < 400) return response;
    const text = await readText(response);
    throw this.#apiError(request, url, response.status, text, parseJson(text));
  }

  /**
   * Reads a secret; undefined when there is none. A 404 that carries data or warnings is an
   * answer: that is how a deleted version of a key is described.
   */
  async read(path: string, query: ApiRequest["query"] = []): Promise<Secret | undefined> {
    return await this.#orNothing({ method: "GET", path, query });
  }

  /** Lists the keys below a path; undefined when there are none. */
  async list(
    path: string,
    query: readonly (readonly [string, string])[] = [],
  ): Promise<Secret | undefined> {
    return await this.#orNothing({ method: "GET", path, query: [["list", "true"], ...query] });
  }

  /** Writes; undefined when the answer has no body. */
  async write(
    path: string,
    body: Json,
    method: "PUT" | "POST" | "PATCH" = "PUT",
  ): Promise<Secret | undefined> {
    const headers = method === "PATCH"
      ? [["Content-Type", "application/merge-patch+json"] as const]
      : [];
    return toSecret((await this.send({ method, path, body, headers })).json);
  }

  async delete(path: string, query: ApiRequest["query"] = []): Promise<Secret | undefined> {
    return toSecret((await this.send({ method: "DELETE", path, query })).json);
  }

  close(): void {
    this.#parts.transport.close();
  }

  async #orNothing(request: ApiRequest): Promise<Secret | undefined> {
    const { response, url } = await this.stream(request);
    const text = await readText(response);
    const json = text.trim() === "" ? undefined : parseJson(text);
    if (response.status < 400) return toSecret(json);
    const secret = toSecret(json);
    if (response.status === 404) {
      const errors = asList(asObject(json).errors);
      if (secret?.data !== undefined || (secret?.warnings.length ?? 0) > 0) return secret;
      if (errors.length === 0) return undefined;
    }
    throw this.#apiError(request, url, response.status, text, json);
  }

  /** One request with its retries and redirects, whatever the status of the last answer. */
  async stream(request: ApiRequest): Promise<{ response: WireResponse; url: string }> {
    let url = urlOf(this.settings.address, request);
    const wire = await this.#wireRequest(request, url);
    for (let redirects = 0;; redirects++) {
      const response = await this.#withRetries({ ...wire, url }, request.timeoutMs);
      const target = this.#redirectTarget(response, url);
      if (target === undefined || redirects >= redirectsMax) return { response, url };
      await response.body.cancel();
      url = target;
    }
  }

  async #wireRequest(request: ApiRequest, url: string): Promise<WireRequest> {
    const { settings } = this;
    const headers = await this.#headers(request);
    const body = request.body === undefined ? undefined : writeJson(request.body);
    if (settings.print !== undefined && request.preflight !== true) {
      if (settings.print === "policy") throw new RequestPrinted(policyFor(request));
      const socket = settings.address.startsWith("unix://")
        ? settings.address.slice("unix://".length)
        : undefined;
      throw new RequestPrinted(curlCommand(request.method, url, headers, body, socket));
    }
    const open = request.rawBody ?? (body === undefined ? undefined : () => body);
    return { method: request.method, url, headers, ...(open === undefined ? {} : { body: open }) };
  }

  async #headers(request: ApiRequest): Promise<(readonly [string, string])[]> {
    const { settings } = this;
    const headers: (readonly [string, string])[] = [["X-Vault-Request", "true"]];
    const token = request.token ?? await this.token();
    if (token !== "") headers.push(["X-Vault-Token", token]);
    const namespace = request.namespace ?? settings.namespace;
    if (namespace !== "") headers.push(["X-Vault-Namespace", namespace]);
    const wrapTtl = this.#wrapTtl(request);
    if (wrapTtl !== "") headers.push(["X-Vault-Wrap-TTL", wrapTtl]);
    if (settings.policyOverride) headers.push(["X-Vault-Policy-Override", "true"]);
    for (const value of settings.mfa) headers.push(["X-Vault-MFA", value]);
    if (request.body !== undefined && !request.headers?.some(([name]) => name === "Content-Type")) {
      headers.push(["Content-Type", "application/json"]);
    }
    return [...headers, ...(request.headers ?? []), ...settings.headers];
  }

  #wrapTtl(request: ApiRequest): string {
    if (request.preflight === true) return "";
    if (this.settings.wrapTtl !== "") return this.settings.wrapTtl;
    const wrapsByItself = request.path.replace(/^\/+/, "") === "sys/wrapping/wrap";
    return wrapsByItself && request.method !== "GET" ? "5m" : "";
  }

  async #withRetries(request: WireRequest, timeoutMs: number | undefined): Promise<WireResponse> {
    const { settings, transport, clock } = this.#parts;
    const limit = timeoutMs ?? settings.timeoutMs;
    for (let attempt = 0;; attempt++) {
      await this.#throttle?.pass();
      const last = attempt >= settings.retriesMax;
      try {
        const response = await transport.send({
          ...request,
          ...(limit === 0 ? {} : { signal: AbortSignal.timeout(limit) }),
        });
        if (last || !isRetried(response.status)) return response;
        await response.body.cancel();
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        if (last) {
          const where = request.url.replace(/\?.*$/, "");
          throw new TransportError(`${request.method} ${where}: ${error.message}`, {
            cause: error,
          });
        }
      }
      await sleep(clock, this.#retryDelayMs(attempt));
    }
  }

  /** One to one and a half seconds, as other clients of this API wait, so that they don't meet. */
  #retryDelayMs(attempt: number): number {
    const jitter = (this.#parts.random.bytes(1)[0] ?? 0) / 255;
    return Math.min(1000 * 2 ** attempt, 1000) + 500 * jitter;
  }

  #redirectTarget(response: WireResponse, from: string): string | undefined {
    if (![301, 302, 307, 308].includes(response.status)) return undefined;
    const location = response.headers.get("location");
    if (location === null || !this.settings.followRedirects) return undefined;
    if (!URL.canParse(location, from)) return undefined;
    const target = new URL(location, from);
    if (from.startsWith("https:") && target.protocol !== "https:") {
      throw new TransportError("refused a redirect from https to http, which would show the token");
    }
    return target.href;
  }

  #apiError(
    request: ApiRequest,
    url: string,
    status: number,
    text: string,
    json: Json | undefined,
  ): ApiError {
    const namespace = request.namespace ?? this.settings.namespace;
    const where = { method: request.method, url, namespace };
    if (!isObject(json) || !("errors" in json)) {
      return new ApiError(status, [], where, [], text.trim().slice(0, 2000));
    }
    const errors = asList(json.errors).map((item) =>
      (typeof item === "string" ? item : writeJson(item)).trim()
    );
    return new ApiError(status, errors, where, toSecret(json)?.warnings ?? []);
  }
}

/** Retried: "not yet consistent", and what a restart or a change of leader causes. */
function isRetried(status: number): boolean {
  return status === 412 || (status >= 500 && status !== 501);
}

async function readText(response: WireResponse): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  try {
    for await (const chunk of response.body) {
      size += chunk.length;
      if (size > answerBytesMax) throw new TransportError("the answer is larger than 64 MiB");
      text += decoder.decode(chunk, { stream: true });
    }
  } catch (error) {
    if (error instanceof TransportError) throw error;
    throw new TransportError("the connection ended within the answer", { cause: error });
  }
  return text + decoder.decode();
}

/** A token goes into a header; anything that can't is a mistake, for instance a line break. */
function checkedToken(token: string): string {
  if (/^[\x21-\x7e]*$/.test(token)) return token;
  throw new CommandError("the token contains characters that no token has", 1);
}
