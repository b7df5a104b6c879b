/** Response wrapping: the answer waits in the cubbyhole of a token that can be used once. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { envelope, rfc3339 } from "../logical/envelope.ts";
import { isJsonObject, type JsonObject, parseJson } from "../logical/json.ts";
import type { Request, WrapRequest } from "../logical/request.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { TokenEntry } from "../token/entry.ts";
import type { TokenStore } from "../token/store.ts";
import type { TokenIssuer } from "./issue.ts";

/** Signs and reads the JWT form of wrapping tokens. */
export interface WrappingJwt {
  sign(claims: { jti: string; iat: number; exp: number }): Promise<string>;
  /** The token inside; undefined where the text is no JWT of this cluster. */
  tokenOf(jwt: string): Promise<string | undefined>;
}

export const wrappingPolicy = "response-wrapping";

/** What waits behind a wrapping token. */
interface Wrapped {
  readonly ttlSeconds: number;
  readonly creationTime: number;
  readonly creationPath: string;
  /** The whole answer, as it would have been sent. */
  readonly body: JsonObject;
}

export class Wrapping {
  constructor(
    readonly issuer: TokenIssuer,
    readonly tokens: TokenStore,
    readonly cubbyholePrefix: () => string,
    readonly jwt: WrappingJwt,
  ) {}

  /** Puts an answer behind a new token and returns what the client is told instead. */
  async wrap(
    transaction: Transaction,
    request: Pick<Request, "id" | "path">,
    response: LogicalResponse,
    wrap: WrapRequest,
  ): Promise<LogicalResponse> {
    return await this.wrapBody(transaction, envelope(request.id, response), {
      ...wrap,
      creationPath: request.path,
      ...accessorInside(response),
    });
  }

  async wrapBody(
    transaction: Transaction,
    body: JsonObject,
    wrap: WrapRequest & { creationPath: string; wrappedAccessor?: string },
  ): Promise<LogicalResponse> {
    const { ttlSeconds, creationPath } = wrap;
    const { token, entry } = await this.issuer.issue(transaction, {
      policies: [wrappingPolicy],
      path: creationPath,
      displayName: "wrapping",
      ttl: ttlSeconds,
      explicitMaxTtl: ttlSeconds,
      numUses: 1,
      renewable: false,
    });
    await this.tokens.burden(transaction, entry.id);
    const creationTime = entry.creationTime;
    const kept: Wrapped = { ttlSeconds, creationTime, creationPath, body };
    transaction.put(this.#key(entry), utf8(JSON.stringify(kept)));
    const iat = Math.floor(creationTime / 1000);
    const shown = wrap.format === "jwt"
      ? await this.jwt.sign({ jti: token, iat, exp: iat + ttlSeconds })
      : token;
    return {
      wrapInfo: {
        token: shown,
        accessor: entry.accessor,
        ttlSeconds,
        creationTime: rfc3339(creationTime),
        creationPath,
        ...(wrap.wrappedAccessor === undefined ? {} : { wrappedAccessor: wrap.wrappedAccessor }),
      },
    };
  }

  /** The entry of a wrapping token in either form. Throws a 400 where it is none that lives. */
  async find(transaction: Transaction, text: string): Promise<TokenEntry> {
    const token = text.split(".").length === 3 ? await this.jwt.tokenOf(text) : text;
    const entry = token === undefined ? undefined : await this.tokens.lookup(transaction, token);
    const now = this.tokens.clock.now();
    if (entry === undefined || !isWrapping(entry) || entry.expireTime <= now) {
      throw badRequest("wrapping token is not valid or does not exist");
    }
    return entry;
  }

  /** What waits behind a token. The caller decides whether the token ends with it. */
  async read(transaction: Transaction, entry: TokenEntry): Promise<Wrapped> {
    const bytes = await transaction.get(this.#key(entry));
    const kept = bytes === undefined ? undefined : parseJson(fromUtf8(bytes));
    if (!isJsonObject(kept) || !isJsonObject(kept.body)) {
      throw badRequest("wrapping token is not valid or does not exist");
    }
    return {
      ttlSeconds: Number(kept.ttlSeconds),
      creationTime: Number(kept.creationTime),
      creationPath: String(kept.creationPath),
      body: kept.body,
    };
  }

  #key(entry: TokenEntry): string {
    return `${this.cubbyholePrefix()}${entry.id}/response`;
  }
}

export function isWrapping(entry: TokenEntry): boolean {
  return entry.policies.length === 1 && entry.policies[0] === wrappingPolicy;
}

/** The accessor of what is wrapped: a token's, or a secret ID's. */
function accessorInside({ auth, data }: LogicalResponse): { wrappedAccessor?: string } {
  if (auth !== undefined) return { wrappedAccessor: auth.accessor };
  const ofSecretId = data?.secret_id_accessor;
  return typeof ofSecretId === "string" && data?.secret_id !== undefined
    ? { wrappedAccessor: ofSecretId }
    : {};
}
