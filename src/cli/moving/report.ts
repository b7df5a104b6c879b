/** What an import tells at its end, for people and for programs. */
import type { Account } from "../../foreign/account.ts";
import type { Call } from "../call.ts";
import type { Json } from "../json.ts";
import { titled } from "../output/table.ts";
import type { Shipment, Told } from "./shipment.ts";

const names: Readonly<Record<string, string>> = {
  mount: "mounts",
  write: "settings, KV 1, roles",
  policy: "policies",
  kv2_version: "large versions of KV 2",
  kv2: "keys of KV 2",
  transit_key: "keys of transit",
  secret_id: "secret IDs",
  entity: "entities",
  group: "groups",
  members: "memberships",
};

/** Of a list for people; programs get all. */
const linesMax = 50;

export function explain(call: Call, shipment: Shipment, account: Account): void {
  const { dryRun } = shipment.options;
  const statuses = ["imported", "unchanged", "replaced", "conflict", "refused"];
  const rows = [...shipment.counts].map(([kind, byStatus]) => [
    names[kind] ?? kind,
    ...statuses.map((status) => String(byStatus.get(status) ?? 0)),
  ]);
  const heads = ["Imported", "Unchanged", "Replaced", "Conflict", "Refused"];
  call.lines(titled(["What", ...heads], rows));
  section(call, "Something else is here already (-overwrite takes the file's)", shipment.conflicts);
  section(call, "The node does not take", shipment.refused);
  section(call, "To look after", shipment.notes);
  if (account.left.length > 0) {
    call.line();
    call.line("Not brought over:");
    for (const { what, reason, count } of account.left) {
      call.line(`  ${what}${count === 1 ? "" : ` (${count})`}: ${reason}`);
    }
  }
  if (account.failed > 0) {
    call.line();
    call.line(`Not readable: ${account.failed}`);
    for (const { key, reason } of account.failures) call.line(`  ${key}: ${reason}`);
  }
  call.line();
  call.line(dryRun ? "Nothing was changed: this was a dry run." : "The import is done.");
}

function section(call: Call, title: string, list: readonly Told[]): void {
  if (list.length === 0) return;
  call.line();
  call.line(`${title}:`);
  for (const { path, reason } of list.slice(0, linesMax)) {
    call.line(`  ${path}${reason === "" ? "" : `: ${reason}`}`);
  }
  if (list.length > linesMax) {
    call.line(`  and ${list.length - linesMax} more (-format=json has them all)`);
  }
}

export function reportJson(shipment: Shipment, account: Account): Json {
  const { dryRun, overwrite } = shipment.options;
  const list = (items: readonly Told[]) => items.map((item) => ({ ...item }));
  return {
    dry_run: dryRun,
    overwrite,
    counts: Object.fromEntries(
      [...shipment.counts].map(([kind, byStatus]) => [kind, Object.fromEntries(byStatus)]),
    ),
    conflicts: list(shipment.conflicts),
    refused: list(shipment.refused),
    notes: list(shipment.notes),
    not_brought_over: account.left.map((left) => ({ ...left })),
    unreadable: account.failed,
    unreadable_keys: account.failures.map((failure) => ({ ...failure })),
  };
}
