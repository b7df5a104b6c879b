/**
 * Keys from the network: a key set's address, or OIDC discovery. Kept for a while; a token with a
 * key ID that is not in the set makes it be read again, but not as often as a stranger likes.
 */
import type { JWK } from "jose";
import type { Clock } from "../../base/clock.ts";
import { badRequest } from "../../base/failure.ts";
import { isJsonObject, type JsonValue } from "../../logical/json.ts";
import { readKeySet } from "./keys.ts";

/** Reads a JSON document; `caPem` is "" for the system's authorities. Rejects with a Failure. */
export type FetchDocument = (url: string, caPem: string) => Promise<JsonValue>;

/** Where keys come from. */
export interface KeySource {
  readonly url: string;
  readonly caPem: string;
  /** `url` is an OIDC issuer, not a key set. */
  readonly discovery: boolean;
}

interface KnownSet {
  readonly keys: readonly JWK[];
  /** The issuer that discovery told; "" for a bare key set. */
  readonly issuer: string;
  readonly readAt: number;
}

/** What one source may be read at most: this often at once, and once a second on average. */
const burst = 10;
const keptMs = 10 * 60_000;
const mostSources = 256;

interface Source {
  known: KnownSet | undefined;
  reading: Promise<KnownSet> | undefined;
  allowance: number;
  allowanceAt: number;
}

export class KeySets {
  readonly #sources = new Map<string, Source>();

  constructor(readonly fetchDocument: FetchDocument, readonly clock: () => Clock) {}

  /** The set as it is known; `isEnough` false makes it be read again where that is allowed. */
  async get(source: KeySource, isEnough: (keys: readonly JWK[]) => boolean): Promise<KnownSet> {
    const state = this.#state(source);
    const now = this.clock().now();
    const { known } = state;
    const fresh = known !== undefined && now - known.readAt < keptMs;
    if (fresh && (isEnough(known.keys) || !this.#mayRead(state, now))) return known;
    return await (state.reading ??= this.#read(source, state));
  }

  /** Reads the set now, whatever is known: for a new configuration. */
  async check(source: KeySource): Promise<void> {
    await this.#read(source, this.#state(source));
  }

  #mayRead(state: Source, now: number): boolean {
    state.allowance = Math.min(burst, state.allowance + (now - state.allowanceAt) / 1000);
    state.allowanceAt = now;
    if (state.allowance < 1) return false;
    state.allowance--;
    return true;
  }

  async #read(source: KeySource, state: Source): Promise<KnownSet> {
    try {
      const { jwksUrl, issuer } = source.discovery
        ? await this.#discover(source)
        : { jwksUrl: source.url, issuer: "" };
      const keys = readKeySet(await this.fetchDocument(jwksUrl, source.caPem));
      state.known = { keys, issuer, readAt: this.clock().now() };
      return state.known;
    } finally {
      state.reading = undefined;
    }
  }

  async #discover({ url, caPem }: KeySource): Promise<{ jwksUrl: string; issuer: string }> {
    const base = url.replace(/\/$/, "");
    const document = await this.fetchDocument(`${base}/.well-known/openid-configuration`, caPem);
    if (!isJsonObject(document)) throw badRequest("the discovery document is no JSON object");
    const { issuer, jwks_uri: jwksUrl } = document;
    if (typeof issuer !== "string" || issuer.replace(/\/$/, "") !== base) {
      throw badRequest("the issuer of the discovery document is not the discovery URL");
    }
    if (typeof jwksUrl !== "string") throw badRequest("the discovery document names no key set");
    return { jwksUrl, issuer };
  }

  #state({ url, caPem, discovery }: KeySource): Source {
    const id = JSON.stringify([url, caPem, discovery]);
    const found = this.#sources.get(id);
    if (found !== undefined) return found;
    if (this.#sources.size >= mostSources) {
      const [oldest] = this.#sources.keys();
      if (oldest !== undefined) this.#sources.delete(oldest);
    }
    const allowanceAt = this.clock().now();
    const made: Source = { known: undefined, reading: undefined, allowance: burst, allowanceAt };
    this.#sources.set(id, made);
    return made;
  }
}
