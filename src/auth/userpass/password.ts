/**
 * Hashes of passwords. New ones are scrypt (RFC 7914; N = 2^15, r = 8, p = 1, in the PHC string
 * format), which the runtime computes off the event loop. bcrypt is understood for hashes that
 * come from elsewhere; the first login replaces it.
 */
import { scrypt, timingSafeEqual } from "node:crypto";
import { compare } from "bcryptjs";
import { utf8 } from "../../base/bytes.ts";
import type { Random } from "../../base/clock.ts";
import { badRequest } from "../../base/failure.ts";
import type { Request } from "../../logical/request.ts";
import { Turnstile } from "../common/turnstile.ts";

export interface Cost {
  /** Binary logarithm of scrypt's N. */
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

export const defaultCost: Cost = { logN: 15, r: 8, p: 1 };

/** Makes a key of a password. */
export type Derive = (password: string, salt: Uint8Array, cost: Cost) => Promise<Uint8Array>;

const saltBytes = 16;
const keyBytes = 32;
const bcryptForm = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** Above this, one guess would hold a processor for seconds. */
const mostBcryptRounds = 14;
/** bcrypt looks at no more; longer passwords would match by their beginning. */
const mostBcryptBytes = 72;
const scryptForm = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** A hash that was made elsewhere, or a 400 where it is none that can be checked. */
export function readForeignHash(text: string): string {
  const rounds = bcryptForm.exec(text)?.[1];
  if (rounds === undefined) throw badRequest("password_hash is no bcrypt hash");
  if (Number(rounds) < 4 || Number(rounds) > mostBcryptRounds) {
    throw badRequest(`password_hash must have a cost of 4 to ${mostBcryptRounds}`);
  }
  return text;
}

/** True for a hash that the next login should replace. */
export function isForeign(hash: string): boolean {
  return bcryptForm.test(hash);
}

export class Passwords {
  /** A handler may run again for the same request; hashing the same again would be a waste. */
  readonly #made = new WeakMap<Request, Promise<string>>();
  readonly #checked = new WeakMap<Request, { hash: string; result: Promise<boolean> }>();
  #dummy: string | undefined;

  constructor(
    readonly random: () => Random,
    readonly cost: Cost = defaultCost,
    readonly turnstile: Turnstile = new Turnstile(2, 512),
    readonly derive: Derive = deriveElsewhere,
  ) {}

  /** The hash to keep for a password that came with a request. */
  hash(request: Request, password: string): Promise<string> {
    let made = this.#made.get(request);
    if (made === undefined) {
      made = this.#hash(password);
      this.#made.set(request, made);
    }
    return made;
  }

  /**
   * Whether the password is the one that was hashed. Without a hash (there is no such user) it
   * takes as long and says no.
   */
  async verify(request: Request, password: string, hash: string | undefined): Promise<boolean> {
    const against = hash ?? (this.#dummy ??= this.#nobodys());
    let checked = this.#checked.get(request);
    if (checked === undefined || checked.hash !== against) {
      checked = {
        hash: against,
        result: this.turnstile.pass(() => this.#matches(password, against)),
      };
      this.#checked.set(request, checked);
    }
    return await checked.result && hash !== undefined;
  }

  async #hash(password: string): Promise<string> {
    const salt = this.random().bytes(saltBytes);
    return format(
      this.cost,
      salt,
      await this.turnstile.pass(() => this.derive(password, salt, this.cost)),
    );
  }

  /** Looks like a hash and is that of no known password. */
  #nobodys(): string {
    return format(this.cost, this.random().bytes(saltBytes), this.random().bytes(keyBytes));
  }

  async #matches(password: string, hash: string): Promise<boolean> {
    if (isForeign(hash)) {
      return utf8(password).length <= mostBcryptBytes && await compare(password, hash);
    }
    const [, logN, r, p, salt, key] = scryptForm.exec(hash) ?? [];
    if (salt === undefined || key === undefined) {
      throw new Error("a kept password hash is unreadable");
    }
    const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
    return timingSafeEqual(
      await this.derive(password, fromUnpadded(salt), cost),
      fromUnpadded(key),
    );
  }
}

/** Off the event loop. */
function deriveElsewhere(
  password: string,
  salt: Uint8Array,
  { logN, r, p }: Cost,
): Promise<Uint8Array> {
  const options = { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

function format({ logN, r, p }: Cost, salt: Uint8Array, key: Uint8Array): string {
  return `$scrypt$ln=${logN},r=${r},p=${p}$${unpadded(salt)}$${unpadded(key)}`;
}

function unpadded(bytes: Uint8Array): string {
  return bytes.toBase64({ omitPadding: true });
}

function fromUnpadded(text: string): Uint8Array {
  return Uint8Array.fromBase64(text);
}
