/**
 * Keys from the network: a key set's address, or OIDC discovery. Kept for a while; a token with a
 * key ID that is not in the set makes it be read again, but not as often as a stranger likes.
 */
import type { JWK } from "jose";
import type { Clock } from "../../base/clock.ts";
import { discover, type Metadata } from "./discovery.ts";
import { readKeySet } from "./keys.ts";
import type { FetchDocument } from "./network.ts";

/** Where keys come from. */
export interface KeySource {
  readonly url: string;
  readonly caPem: string;
  /** `url` is an OIDC issuer, not a key set. */
  readonly discovery: boolean;
}

export interface KnownSet {
  readonly keys: readonly JWK[];
  /** What discovery told; undefined for a bare key set. */
  readonly provider: Metadata | undefined;
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
      const provider = source.discovery
        ? await discover(this.fetchDocument, source.url, source.caPem)
        : undefined;
      const url = provider?.jwksUrl ?? source.url;
      const keys = readKeySet(await this.fetchDocument(url, source.caPem));
      state.known = { keys, provider, readAt: this.clock().now() };
      return state.known;
    } finally {
      state.reading = undefined;
    }
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
