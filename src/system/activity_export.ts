/** `sys/internal/counters/activity/export`: who the clients are that the counts are of. */
import { utf8 } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Client, ClientSet, FirstUse } from "../core/activity/client_set.ts";
import type { Call } from "../core/backend.ts";
import { routePath } from "../core/mount_entry.ts";
import type { Services } from "../core/services.ts";
import { rfc3339 } from "../logical/envelope.ts";
import type { JsonObject } from "../logical/json.ts";
import { rootNamespace } from "../logical/namespace.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { Transaction } from "../storage/transaction.ts";
import { csvHead, csvLine, noteColumns } from "./csv.ts";
import { monthsAsked } from "./activity.ts";

/** Clients that are looked up in one transaction. */
const pageSize = 100;

/** A client of whom it is known who it is. */
type Known = Client & { readonly first: FirstUse };

interface Found {
  /** In the order of their first months. */
  readonly clients: readonly Known[];
  /** What is left out, for people. */
  readonly warnings: readonly string[];
}

/** Each client once, as it first was in the months asked for. */
async function findClients(
  { activity }: Services,
  transaction: Transaction,
  { first, last }: { readonly first: string; readonly last: string },
): Promise<Found> {
  const found = new Map<number, Known>();
  const unknown = new Set<number>();
  const sampled: string[] = [];
  for (const month of await activity.months(transaction)) {
    if (month < first || month > last) continue;
    const set = await activity.clientsOf(transaction, month, { withFirstUses: true });
    if (set === undefined) continue;
    collect(set, found, unknown);
    if (set.threshold < 1) sampled.push(`${month} (1 of ${1 / set.threshold})`);
  }
  const left = [...unknown].filter((hash) => !found.has(hash)).length;
  const warnings = [
    ...(left === 0 ? [] : [`${left} clients are left out: an older version counted them only`]),
    ...(sampled.length === 0 ? [] : [`only a sample is known of ${sampled.join(", ")}`]),
  ];
  return { clients: [...found.values()], warnings };
}

function collect(set: ClientSet, found: Map<number, Known>, unknown: Set<number>): void {
  for (const client of set.values()) {
    const { hash, first } = client;
    if (first === undefined) unknown.add(hash);
    else if (!found.has(hash)) found.set(hash, { ...client, first });
  }
}

async function* records(services: Services, clients: readonly Known[]): AsyncGenerator<JsonObject> {
  for (let at = 0; at < clients.length; at += pageSize) {
    const page = clients.slice(at, at + pageSize);
    yield* await services.transactions.run((transaction) =>
      Promise.all(page.map((client) => recordOf(services, transaction, client)))
    );
  }
}

/** Mounts and entities as they are today; what is gone since is shown by its path or id alone. */
async function recordOf(
  services: Services,
  transaction: Transaction,
  { kind, mount, first }: Known,
): Promise<JsonObject> {
  const entry = services.mounts.router.at(mount)?.entry;
  const accessor = entry?.accessor ?? "";
  const isEntity = kind === "entity";
  return {
    client_id: first.id,
    client_type: isEntity ? "entity" : "non-entity-token",
    namespace_id: rootNamespace.id,
    namespace_path: "",
    mount_accessor: accessor,
    mount_path: entry === undefined ? mount : routePath(entry),
    mount_type: entry?.type ?? "",
    token_creation_time: rfc3339(first.tokenCreated),
    client_first_used_time: rfc3339(first.time),
    ...(isEntity
      ? await entityBody(services, transaction, first.id, accessor)
      : { policies: [...first.policies] }),
  };
}

async function entityBody(
  { identity: { entities, groups } }: Services,
  transaction: Transaction,
  id: string,
  accessor: string,
): Promise<JsonObject> {
  const entity = await entities.follow(transaction, id);
  const alias = entity?.aliases.find(({ mountAccessor }) => mountAccessor === accessor);
  return {
    entity_name: entity?.name ?? "",
    entity_alias_name: alias?.name ?? "",
    local_entity_alias: alias?.local ?? false,
    policies: [...entity?.policies ?? []],
    entity_metadata: { ...entity?.metadata },
    entity_alias_metadata: { ...alias?.metadata },
    entity_alias_custom_metadata: { ...alias?.customMetadata },
    entity_group_ids: entity === undefined ? [] : await groups.ofEntity(transaction, entity.id),
  };
}

async function* jsonLines(services: Services, clients: readonly Known[]) {
  for await (const record of records(services, clients)) yield `${JSON.stringify(record)}\n`;
}

/** Columns depend on what clients have: all are looked at twice, and held at no time. */
async function* csvLines(services: Services, clients: readonly Known[]) {
  const columns = new Set<string>();
  for await (const record of records(services, clients)) noteColumns(record, columns);
  yield csvHead(columns);
  for await (const record of records(services, clients)) yield csvLine(record, columns);
}

async function* encoded(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const line of lines) yield utf8(line);
}

async function exported(
  services: Services,
  call: Call,
  input: { readonly start_time: string; readonly end_time: string; readonly format: string },
): Promise<LogicalResponse> {
  const { format } = input;
  if (format !== "json" && format !== "csv") throw badRequest('format must be "json" or "csv"');
  const range = monthsAsked(services, input.start_time, input.end_time);
  const { clients, warnings } = await findClients(services, call.transaction, range);
  const headers: Record<string, string> = warnings.length === 0
    ? {}
    // Lines of a file have no place for them; RFC 7234, 5.5: 299 is a warning that stays.
    : { warning: warnings.map((text) => `299 - "${text}"`).join(", ") };
  if (clients.length === 0) {
    return { raw: { status: 204, contentType: "", body: null, headers } };
  }
  const lines = format === "json" ? jsonLines(services, clients) : csvLines(services, clients);
  const name = `activity_export_${range.first}_to_${range.last}.${format}`;
  return {
    raw: {
      status: 200,
      contentType: format === "json" ? "application/json" : "text/csv",
      body: ReadableStream.from(encoded(lines)),
      headers: { ...headers, "content-disposition": `attachment; filename="${name}"` },
    },
  };
}

export function activityExportPath(services: () => Services): Path {
  return path("internal/counters/activity/export", {
    summary: "Who has used the server.",
    description:
      "One record a line for each client of a range of months, with its first use in it.",
    fields: {
      start_time: field.string("First month, RFC 3339 or seconds since the epoch.", ""),
      end_time: field.string("Last month.", ""),
      format: field.string("json, one object a line, or csv.", "json"),
    },
    query: ["start_time", "end_time", "format"],
    sudo: true,
    operations: {
      read: {
        summary: "Writes them out.",
        handler: (call, input) => exported(services(), call, input),
      },
    },
  });
}
