/** What clients were told of tokens: none is alive after its revocation was acknowledged. */
import { BrokenPromise } from "./promises.ts";

export interface Token {
  readonly id: string;
  /** Milliseconds of virtual time of each, undefined where it was not. */
  createdAt?: number;
  /** When somebody first asked for its end. */
  revokeFrom?: number;
  revokedAt?: number;
}

/** A token lies under these: itself, its accessor, and a lease that ends with it. */
export function tokenKeys(id: string): readonly string[] {
  return [`sys/token/id/${id}`, `sys/token/accessor/${id}`, `sys/expire/id/auth/${id}`];
}

export class TokenHistory {
  readonly tokens: Token[] = [];
  /** When everything was last replaced, or may have been; tokens of before may be gone. */
  replacedAt = -1;
  #made = 0;

  begin(): Token {
    const token: Token = { id: `t${++this.#made}` };
    this.tokens.push(token);
    return token;
  }

  /** Judges what somebody found under a token's keys who began to look at `start`. */
  found({ id, createdAt, revokeFrom, revokedAt }: Token, start: number, found: readonly boolean[]) {
    const isAlive = found.some((each) => each);
    if (isAlive && revokedAt !== undefined && revokedAt < start) {
      throw new BrokenPromise(`token or lease ${id} is alive after its revocation`);
    }
    const isSure = createdAt !== undefined && createdAt < start && revokeFrom === undefined &&
      createdAt > this.replacedAt;
    if (isSure && !found.every((each) => each)) {
      throw new BrokenPromise(`token or lease ${id} is lost`);
    }
  }
}
