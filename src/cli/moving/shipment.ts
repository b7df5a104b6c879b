/** Sends items to a node in batches, and keeps what became of each. */
import { describeError } from "../../base/failure.ts";
import type { Item, ItemKind } from "../../foreign/items.ts";
import type { Client } from "../client/client.ts";
import { toSecret } from "../client/secret.ts";
import { ApiError, CommandError } from "../errors.ts";
import { asList, asObject, asText } from "../json.ts";

/** An item that needs a word. */
export interface Told {
  readonly kind: ItemKind;
  readonly path: string;
  readonly reason: string;
}

export interface ShipmentOptions {
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

const batchItemsMax = 200;
/** Characters of JSON; one item may be larger. */
const batchSizeMax = 1024 * 1024;

interface Waiting {
  readonly item: Item;
  readonly text: string;
}

export class Shipment {
  /** Numbers of items by kind, then status. */
  readonly counts = new Map<ItemKind, Map<string, number>>();
  readonly conflicts: Told[] = [];
  readonly refused: Told[] = [];
  /** Of what was there already and may need a hand. */
  readonly notes: Told[] = [];
  #waiting: Waiting[] = [];
  #size = 0;

  constructor(readonly client: Client, readonly options: ShipmentOptions) {}

  /** Items that were answered. */
  get done(): number {
    let sum = 0;
    for (const byStatus of this.counts.values()) for (const n of byStatus.values()) sum += n;
    return sum;
  }

  /** Puts one into the next batch, and sends that when it is full. */
  async add(item: Item): Promise<void> {
    const text = JSON.stringify(item);
    if (this.#size + text.length > batchSizeMax) await this.flush();
    this.#waiting.push({ item, text });
    this.#size += text.length;
    if (this.#waiting.length >= batchItemsMax) await this.flush();
  }

  /** Sends one that others hang on, by itself. Whether it is there now, or would be. */
  async sendAlone(item: Item): Promise<boolean> {
    await this.flush();
    const [status] = await this.#send([{ item, text: JSON.stringify(item) }]);
    return status === "imported" || status === "unchanged" || status === "replaced";
  }

  async flush(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#size = 0;
    if (batch.length > 0) await this.#send(batch);
  }

  async #send(batch: readonly Waiting[]): Promise<string[]> {
    try {
      const results = await this.#post(batch);
      return batch.map(({ item }, i) => this.#note(item, asObject(results[i])));
    } catch (error) {
      if (!(error instanceof ApiError) || !isAboutContent(error)) throw told(error);
      const [first] = batch;
      if (first === undefined) return [];
      if (batch.length === 1) {
        return [this.#note(first.item, { status: "refused", reason: describeError(error) })];
      }
      // One that the node does not take must not keep back the others.
      const statuses: string[] = [];
      for (const one of batch) statuses.push(...await this.#send([one]));
      return statuses;
    }
  }

  async #post(batch: readonly Waiting[]) {
    const { overwrite, dryRun } = this.options;
    const items = batch.map(({ text }) => text).join(",");
    const body = `{"dry_run":${dryRun},"overwrite":${overwrite},"items":[${items}]}`;
    const { json } = await this.client.send({
      method: "POST",
      path: "sys/storage/import",
      headers: [["Content-Type", "application/json"]],
      rawBody: () => body,
    });
    const results = asList(asObject(toSecret(json)?.data).results);
    if (results.length !== batch.length) {
      throw new CommandError("Error: the node did not answer for each item", 2);
    }
    return results;
  }

  #note(item: Item, result: ReturnType<typeof asObject>): string {
    const { kind, path } = item;
    const status = asText(result.status);
    const byStatus = this.counts.get(kind) ?? new Map<string, number>();
    this.counts.set(kind, byStatus.set(status, (byStatus.get(status) ?? 0) + 1));
    const entry = { kind, path, reason: asText(result.reason) };
    if (status === "conflict") this.conflicts.push(entry);
    else if (status === "refused") this.refused.push(entry);
    else if (entry.reason !== "") this.notes.push(entry);
    return status;
  }
}

/** Whether the node refused what was in the request, rather than who sent it or when. */
function isAboutContent(error: ApiError): boolean {
  return error.status === 400 || error.status === 413;
}

function told(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const hint = error.status === 403
    ? " (the token needs update and sudo on sys/storage/import)"
    : error.status === 404
    ? " (this node can't import)"
    : "";
  return new CommandError(`Error importing: ${error.message}${hint}`, 2, { cause: error });
}
