/** `lookup/…`: an entity or group by whatever is known of it. */
import type { Awaitable } from "../../base/awaitable.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Services } from "../../core/services.ts";
import type { Transaction } from "../../storage/transaction.ts";
import { entityBody, groupBody } from "./bodies.ts";

const fields = {
  id: field.string("ID."),
  name: field.string("Name."),
  alias_id: field.string("ID of its alias."),
  alias_name: field.string("Name of its alias; needs the mount's accessor too."),
  alias_mount_accessor: field.string("Accessor of the alias's mount."),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

/** The ways to find one kind of thing. */
interface Finder<T> {
  get(transaction: Transaction, id: string): Awaitable<T | undefined>;
  byName(transaction: Transaction, name: string): Promise<T | undefined>;
  byAliasId(transaction: Transaction, id: string): Promise<T | undefined>;
  byAlias(transaction: Transaction, accessor: string, name: string): Awaitable<T | undefined>;
}

function find<T>(finder: Finder<T>, transaction: Transaction, given: Given) {
  const { id, name, alias_id, alias_name, alias_mount_accessor } = given;
  if (id !== undefined) return finder.get(transaction, id);
  if (name !== undefined) return finder.byName(transaction, name);
  if (alias_id !== undefined) return finder.byAliasId(transaction, alias_id);
  if (alias_name !== undefined && alias_mount_accessor !== undefined) {
    return finder.byAlias(transaction, alias_mount_accessor, alias_name);
  }
  throw badRequest("one of id, name, alias_id, or alias_name with alias_mount_accessor is needed");
}

export function lookupPaths(services: () => Services): Path[] {
  return [
    path("lookup/entity", {
      summary: "Finds an entity.",
      fields,
      operations: {
        update: {
          summary: "Finds an entity; an empty answer where there is none.",
          handler: async ({ transaction }, given) => {
            const { entities, views } = services().identity;
            const entity = await find(entities, transaction, given);
            if (entity === undefined) return;
            return { data: entityBody(services(), await views.build(transaction, entity)) };
          },
        },
      },
    }),
    path("lookup/group", {
      summary: "Finds a group.",
      fields,
      operations: {
        update: {
          summary: "Finds a group; an empty answer where there is none.",
          handler: async ({ transaction }, given) => {
            const group = await find(services().identity.groups, transaction, given);
            return group && { data: await groupBody(services(), transaction, group) };
          },
        },
      },
    }),
  ];
}
