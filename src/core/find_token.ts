/** Finds a token that someone names, whatever its kind. */
import type { Transaction } from "../storage/transaction.ts";
import type { TokenEntry } from "../token/entry.ts";
import { isBatchText } from "../token/text.ts";
import type { Services } from "./services.ts";

/** The entry of a live token; undefined for any other text. */
export async function findNamedToken(
  services: Pick<Services, "tokens" | "batchTokens">,
  transaction: Transaction,
  token: string,
): Promise<TokenEntry | undefined> {
  if (token === "") return undefined;
  const entry = isBatchText(token)
    ? services.batchTokens.open(token)
    : await services.tokens.lookup(transaction, token);
  if (entry === undefined) return undefined;
  const now = services.tokens.clock.now();
  return entry.expireTime > 0 && entry.expireTime <= now ? undefined : entry;
}
