/** Who is asking: turns the client's token into an entry, or refuses. */
import { badRequest, Failure, permissionDenied } from "../base/failure.ts";
import type { Request } from "../logical/request.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { BatchTokens } from "../token/batch.ts";
import type { TokenEntry } from "../token/entry.ts";
import type { TokenStore } from "../token/store.ts";
import { cidrContains } from "./cidr.ts";
import { findNamedToken } from "./find_token.ts";

/** The longest token that is looked at. */
const maxTokenLength = 8192;

/** The entry of a token that is valid now for this request, or undefined. */
export async function findToken(
  transaction: Transaction,
  tokens: TokenStore,
  batch: BatchTokens,
  request: Request,
): Promise<TokenEntry | undefined> {
  const text = request.clientToken;
  if (text === "" || text.length > maxTokenLength) return undefined;
  return await findNamedToken({ tokens, batchTokens: batch }, transaction, text);
}

/** The same, refusing what has no valid token with the API's 403. */
export async function authenticate(
  transaction: Transaction,
  tokens: TokenStore,
  batch: BatchTokens,
  request: Request,
): Promise<TokenEntry> {
  if (request.clientToken === "") throw new Failure(403, "permission denied");
  const entry = await findToken(transaction, tokens, batch, request);
  if (entry === undefined) throw refusal(request);
  checkAddress(entry.boundCidrs, request.connection.remoteAddress);
  return entry;
}

/** Where the caller's token is at the same time the one that wraps something. */
const unwrapping: ReadonlySet<string> = new Set(["sys/wrapping/unwrap", "sys/wrapping/rewrap"]);

/** Who unwraps for a second time is told so: that somebody else was faster is worth an alarm. */
function refusal({ path }: Request): Failure {
  if (unwrapping.has(path)) return badRequest("wrapping token is not valid or does not exist");
  return new Failure(403, ["permission denied", "invalid token"]);
}

/** Refuses a caller whose address is in none of the bound ranges. */
export function checkAddress(cidrs: readonly string[], address: string): void {
  if (cidrs.length === 0) return;
  if (!cidrs.some((cidr) => cidrContains(cidr, address))) throw permissionDenied();
}
