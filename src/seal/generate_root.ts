/**
 * Making a token from a quorum of key shares: a root token, a DR operation token or a recovery
 * token, as the strategy says. The token leaves the node XORed with a one-time password that only
 * who started knows, or encrypted with a PGP key, so that the holder of the last share, who gets
 * the answer, can't use it.
 */
import { randomBase62 } from "../base/base62.ts";
import { type Bytes, toBase64, utf8, wipe } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import { ShareCollector } from "./collector.ts";
import { parsePgpKey, type PgpKey } from "./pgp.ts";
import type { SharedKey } from "./seal.ts";
import { parseKeyShare } from "./shares.ts";

/** What is made, and how long its one-time password is. */
export interface TokenStrategy {
  /** Length of every token it makes, in bytes: also that of the password. */
  readonly tokenLength: number;
  /** Makes the token once the shares have proved right. */
  createToken(): Promise<string>;
}

export interface GenerateRootParts {
  readonly holders: SharedKey;
  readonly strategy: TokenStrategy;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

export interface GenerateRootStatus {
  readonly started: boolean;
  /** "" where none is started. */
  readonly nonce: string;
  readonly progress: number;
  readonly required: number;
  readonly complete: boolean;
  /** Only in the answer to `init` that made it. */
  readonly otp: string;
  readonly otpLength: number;
  /** "" where a one-time password is used. */
  readonly pgpFingerprint: string;
  /** Only when complete: base64 of token XOR password, without padding, or of a PGP message. */
  readonly encodedToken: string;
}

interface Attempt {
  readonly nonce: string;
  readonly collected: ShareCollector;
  readonly otp?: Bytes;
  readonly pgpKey?: PgpKey;
}

export class GenerateRoot {
  readonly #parts: GenerateRootParts;
  #attempt: Attempt | undefined;

  constructor(parts: GenerateRootParts) {
    this.#parts = parts;
  }

  async status(): Promise<GenerateRootStatus> {
    const { threshold: required } = await this.#parts.holders.config();
    const attempt = this.#attempt;
    return {
      started: attempt !== undefined,
      nonce: attempt?.nonce ?? "",
      progress: attempt?.collected.progress ?? 0,
      required,
      complete: false,
      otp: "",
      otpLength: this.#parts.strategy.tokenLength,
      pgpFingerprint: attempt?.pgpKey?.fingerprint ?? "",
      encodedToken: "",
    };
  }

  /**
   * Starts, with the caller's password or PGP key, else with a password made here and told once.
   * Throws a 400 `Failure`.
   */
  async init(options: { otp?: string; pgpKey?: string } = {}): Promise<GenerateRootStatus> {
    const { otp = "", pgpKey = "" } = options;
    const length = this.#parts.strategy.tokenLength;
    if (otp !== "" && utf8(otp).length !== length) {
      throw badRequest("OTP string has incorrect length");
    }
    if (otp !== "" && pgpKey !== "") throw badRequest("otp and pgp_key exclude each other");
    const key = pgpKey === ""
      ? undefined
      : await parsePgpKey(pgpKey, this.#parts.clock.now(), "error parsing PGP key: ");
    if (this.#attempt !== undefined) throw badRequest("root generation already in progress");
    const made = otp === "" && key === undefined ? randomBase62(this.#parts.random, length) : "";
    const password = key === undefined ? utf8(otp === "" ? made : otp) : undefined;
    this.#attempt = {
      nonce: this.#parts.random.uuid(),
      collected: new ShareCollector(this.#parts.crypto),
      ...(password === undefined ? {} : { otp: password }),
      ...(key === undefined ? {} : { pgpKey: key }),
    };
    return { ...await this.status(), otp: made };
  }

  /**
   * Takes a share; with the last that is needed the answer carries the token. Throws a 400
   * `Failure`; where the shares together are wrong, none of them counts any more.
   */
  async update(share: { key: string; nonce: string }): Promise<GenerateRootStatus> {
    const { holders } = this.#parts;
    const { threshold: required } = await holders.config();
    const attempt = this.#attempt;
    if (attempt === undefined) throw badRequest("no root generation in progress");
    if (share.nonce !== attempt.nonce) {
      throw badRequest(
        "incorrect nonce supplied; nonce for this root generation operation is " +
          `"${attempt.nonce}"`,
      );
    }
    if (!attempt.collected.add(parseKeyShare(share.key))) {
      throw badRequest("given key has already been provided during this generation operation");
    }
    if (attempt.collected.progress < required) return await this.status();
    const key = await attempt.collected.combine();
    try {
      if (!await holders.isKey(key)) {
        throw badRequest("root generation aborted: unable to authenticate: invalid key");
      }
    } finally {
      wipe(key);
    }
    return await this.#complete(attempt, required);
  }

  /** Gives up. Harmless where none is started. */
  cancel(): void {
    this.#attempt?.collected.reset();
    wipe(this.#attempt?.otp);
    this.#attempt = undefined;
  }

  async #complete(attempt: Attempt, required: number): Promise<GenerateRootStatus> {
    if (this.#attempt !== attempt) throw badRequest("root generation was cancelled");
    const { strategy } = this.#parts;
    // Ended first: no second token comes of the same attempt, whatever happens from here on.
    this.#attempt = undefined;
    try {
      const token = await strategy.createToken();
      return {
        started: true,
        nonce: attempt.nonce,
        progress: required,
        required,
        complete: true,
        otp: "",
        otpLength: strategy.tokenLength,
        pgpFingerprint: attempt.pgpKey?.fingerprint ?? "",
        encodedToken: await encode(token, attempt),
      };
    } finally {
      wipe(attempt.otp);
    }
  }
}

async function encode(token: string, attempt: Attempt): Promise<string> {
  if (attempt.pgpKey !== undefined) return toBase64(await attempt.pgpKey.encrypt(token));
  const bytes = utf8(token);
  const { otp } = attempt;
  if (otp === undefined || otp.length !== bytes.length) {
    throw new RangeError("the token is not as long as its one-time password");
  }
  for (const [i, byte] of otp.entries()) bytes[i] = (bytes[i] ?? 0) ^ byte;
  return bytes.toBase64({ omitPadding: true });
}
