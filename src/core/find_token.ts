/** Finds a token that someone names, whatever its kind. */
import type { Transaction } from "../storage/transaction.ts";
import { isExpired, type TokenEntry } from "../token/entry.ts";
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
    ? await liveBatchToken(services, transaction, token)
    : await services.tokens.lookup(transaction, token);
  if (entry === undefined) return undefined;
  return isExpired(entry, services.tokens.clock.now()) ? undefined : entry;
}

/** The same of the token with an accessor. Who ends tokens asks the store: that may be for one that is over. */
export async function findByAccessor(
  { tokens }: Pick<Services, "tokens">,
  transaction: Transaction,
  accessor: string,
): Promise<TokenEntry | undefined> {
  const entry = await tokens.lookupAccessor(transaction, accessor);
  return entry === undefined || isExpired(entry, tokens.clock.now()) ? undefined : entry;
}

/** The entry of a batch token, which ends with its parent; its own time is the caller's to look at. */
async function liveBatchToken(
  { tokens, batchTokens }: Pick<Services, "tokens" | "batchTokens">,
  transaction: Transaction,
  text: string,
): Promise<TokenEntry | undefined> {
  const entry = batchTokens.open(text);
  if (entry === undefined || entry.parent === "") return entry;
  const parent = await tokens.lookupHash(transaction, entry.parent);
  return parent === undefined || isExpired(parent, tokens.clock.now()) ? undefined : entry;
}
