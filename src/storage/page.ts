import type { Entry } from "./storage.ts";
import type { View } from "./transaction.ts";

/** Some of what is stored below a prefix, in the order of keys. */
export interface Page {
  readonly entries: readonly Entry[];
  /** After which key the next page begins; undefined where this is the last one. */
  readonly next: string | undefined;
}

/** At most `limit` entries below a prefix, from its beginning or after the key that ended a page. */
export async function readPage(
  view: Pick<View, "scan">,
  prefix: string,
  after: string | undefined,
  limit: number,
): Promise<Page> {
  const entries = await view.scan(prefix, {
    limit,
    ...(after === undefined ? {} : { after }),
  });
  return { entries, next: entries.length < limit ? undefined : entries.at(-1)?.key };
}
