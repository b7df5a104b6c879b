/** Client counts over a range of months, from the sets of each. */
import { type Client, ClientSet, countClients, type CountsByMount } from "./client_set.ts";

export interface MonthReport {
  readonly month: string;
  readonly counts: CountsByMount;
  /** Those that were in no month of the range before. */
  readonly newClients: CountsByMount;
}

export interface RangeReport {
  readonly total: CountsByMount;
  readonly months: readonly MonthReport[];
}

/** Clients that are told apart over all months; beyond that they are estimated, as in a month. */
const unionMax = 262_144;

/** `months` come oldest first; each set is looked at once. */
export async function reportRange(
  months: AsyncIterable<{ readonly month: string; readonly set: ClientSet }>,
): Promise<RangeReport> {
  const union = new ClientSet(unionMax);
  const reports: MonthReport[] = [];
  for await (const { month, set } of months) {
    union.lower(set.threshold);
    const added: Client[] = [];
    for (const client of set.values()) if (union.add(client)) added.push(client);
    reports.push({
      month,
      counts: set.counts(),
      newClients: countClients(added, union.threshold),
    });
  }
  return { total: union.counts(), months: reports };
}
