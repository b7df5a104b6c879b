/** `sys/storage/import`: see README.md. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { type Item, type ItemKind, itemKinds } from "../../foreign/items.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../logical/json.ts";
import { Draft } from "../../storage/draft.ts";
import { putItem } from "./kinds.ts";
import { outcomeOf } from "./outcome.ts";

/** More take longer than a request should. */
const itemsMax = 1000;

const fields = {
  items: field.any("What to take over: objects with kind, path and data."),
  overwrite: field.bool("Replaces what is there and differs.", false),
  dry_run: field.bool("Says what would happen, and changes nothing.", false),
};

function isKind(text: JsonValue | undefined): text is ItemKind {
  return itemKinds.some((kind) => kind === text);
}

function readItems(value: JsonValue | undefined): Item[] {
  if (!Array.isArray(value) || value.length === 0) throw badRequest("items must be a list");
  if (value.length > itemsMax) throw badRequest(`items may be at most ${itemsMax}`);
  return value.map((item, i) => {
    const { kind, path, data } = isJsonObject(item) ? item : {};
    if (!isKind(kind)) throw badRequest(`items[${i}]: kind is none of ${itemKinds.join(", ")}`);
    if (typeof path !== "string" || path === "") throw badRequest(`items[${i}]: path is missing`);
    if (!isJsonObject(data)) throw badRequest(`items[${i}]: data must be an object`);
    return { kind, path, data };
  });
}

async function take(
  services: Services,
  call: Call,
  items: readonly Item[],
  { overwrite, dryRun }: { readonly overwrite: boolean; readonly dryRun: boolean },
) {
  const sheet = dryRun ? new Draft(call.transaction) : call.transaction;
  const results: JsonObject[] = [];
  for (const item of items) {
    const put = (draft: Draft) =>
      putItem({ services, call, transaction: draft, dryRun, overwrite }, item);
    results.push({ ...await outcomeOf(sheet, overwrite, put) });
  }
  return { data: { results } };
}

export function importPaths(services: () => Services): Path[] {
  return [
    path("storage/import", {
      summary: "Takes over what another program of this API kept.",
      description: "For `holdfast operator import`, which reads the other program's snapshot.",
      sudo: true,
      fields,
      operations: {
        update: {
          summary: "Takes over items, all in one transaction.",
          handler: (call, { items, overwrite, dry_run: dryRun }) =>
            take(services(), call, readItems(items), { overwrite, dryRun }),
        },
      },
    }),
  ];
}
