/** `group-alias/…`: the name by which an auth mount knows an external group. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { pageFields } from "../../backend/page.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { prefixes } from "../../identity/keys.ts";
import type { Alias, Group } from "../../identity/types.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { aliasBody, aliasInfo } from "./bodies.ts";
import { listFolder, listWithInfo } from "./lists.ts";
import { checkAccessor } from "./parts.ts";

const fields = {
  name: field.string("Name by which the auth method knows the group."),
  mount_accessor: field.string("Accessor of the auth mount."),
  canonical_id: field.string("External group it belongs to; a new one where none is given.", ""),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

/** Makes the alias of a group, or changes that of `owner`. */
async function write(
  services: Services,
  { transaction }: Call,
  owner: Group | undefined,
  given: Given,
): Promise<LogicalResponse> {
  const { groups, entities } = services.identity;
  const before = owner?.alias ?? undefined;
  const name = given.name ?? before?.name;
  if (name === undefined || name === "") throw badRequest("missing alias name");
  const { accessor } = checkAccessor(services, given.mount_accessor ?? before?.mountAccessor);
  const alias: Alias = {
    ...before ?? entities.makeAlias({ name, mountAccessor: accessor }),
    name,
    mountAccessor: accessor,
    lastUpdateTime: groups.clock.now(),
  };
  const group = given.canonical_id === ""
    ? owner
    : await groups.get(transaction, given.canonical_id);
  if (group === undefined && given.canonical_id !== "") throw badRequest("invalid group ID");
  if (group?.type === "internal") throw badRequest("an alias belongs to an external group");
  if (owner !== undefined && group?.id !== owner.id) {
    await groups.save(transaction, { ...owner, alias: null }, owner);
  }
  const after: Group = { ...group ?? groups.make({ type: "external" }), alias };
  await groups.save(transaction, after, group);
  return { data: { canonical_id: after.id, id: alias.id } };
}

export function groupAliasPaths(services: () => Services): Path[] {
  const groups = () => services().identity.groups;
  return [
    path("group-alias/id/?", {
      summary: "Lists the group aliases by their IDs.",
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: {
          summary: "Lists the group aliases by their IDs.",
          handler: async ({ transaction }, page) => {
            const ids = await listFolder(transaction, prefixes.groupAlias, page);
            return await listWithInfo(ids, async (id) => {
              const group = await groups().byAliasId(transaction, id);
              if (group === undefined || group.alias === null) return undefined;
              return aliasInfo(services(), group.alias, group.id);
            });
          },
        },
      },
    }),
    idPath(services),
    path("group-alias", {
      summary: "Makes a group alias.",
      fields: { ...fields, id: field.string("ID of the alias to change.", "") },
      operations: {
        update: {
          summary: "Makes an alias, or changes the one with this ID or name.",
          handler: async (call, input) => {
            const { transaction } = call;
            const owner = input.id === ""
              ? await groups().byAlias(transaction, input.mount_accessor ?? "", input.name ?? "")
              : await groups().byAliasId(transaction, input.id);
            if (owner === undefined && input.id !== "") throw badRequest("invalid alias ID");
            return await write(services(), call, owner, input);
          },
        },
      },
    }),
  ];
}

function idPath(services: () => Services): Path {
  const groups = () => services().identity.groups;
  return path("group-alias/id/:id!", {
    summary: "A group alias.",
    params: { id: "ID of the alias" },
    fields,
    operations: {
      read: {
        summary: "Reads an alias.",
        handler: async (call, { id }) => {
          const group = await groups().byAliasId(call.transaction, id);
          if (group === undefined || group.alias === null) throw notFound();
          const body = aliasBody(services(), group.alias, group.id);
          return { data: { ...body, namespace_id: group.namespaceId } };
        },
      },
      update: {
        summary: "Changes an alias.",
        handler: async (call, input) => {
          const owner = await groups().byAliasId(call.transaction, input.id);
          if (owner === undefined) throw badRequest("invalid alias ID");
          return await write(services(), call, owner, input);
        },
      },
      delete: {
        summary: "Deletes an alias.",
        handler: async (call, { id }) => {
          const group = await groups().byAliasId(call.transaction, id);
          if (group === undefined) return;
          await groups().save(call.transaction, { ...group, alias: null }, group);
        },
      },
    },
  });
}
