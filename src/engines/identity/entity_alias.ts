/** `entity-alias/…`: the names by which auth mounts know entities. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { pageFields } from "../../backend/page.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { prefixes } from "../../identity/keys.ts";
import type { Alias, Entity } from "../../identity/types.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { aliasBody, aliasInfo } from "./bodies.ts";
import { listFolder, listWithInfo } from "./lists.ts";
import { checkAccessor, readMetadata } from "./parts.ts";

const fields = {
  name: field.string("Name by which the auth method knows the entity."),
  mount_accessor: field.string("Accessor of the auth mount."),
  canonical_id: field.string("Entity it belongs to; a new one where none is given.", ""),
  entity_id: field.string("Former name of canonical_id.", ""),
  custom_metadata: field.pairs("Metadata that logins leave alone."),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

interface Owned {
  readonly entity: Entity;
  readonly alias: Alias;
}

async function findById(services: Services, call: Call, id: string): Promise<Owned | undefined> {
  const entity = await services.identity.entities.byAliasId(call.transaction, id);
  const alias = entity?.aliases.find((one) => one.id === id);
  return entity === undefined || alias === undefined ? undefined : { entity, alias };
}

async function findByName(
  services: Services,
  call: Call,
  accessor: string,
  name: string,
): Promise<Owned | undefined> {
  const entity = await services.identity.entities.byAlias(call.transaction, accessor, name);
  const alias = entity?.aliases.find((one) => one.mountAccessor === accessor);
  return entity === undefined || alias === undefined ? undefined : { entity, alias };
}

/** Makes an alias, or changes `before`. */
async function write(
  services: Services,
  call: Call,
  before: Owned | undefined,
  given: Given,
): Promise<LogicalResponse> {
  const { entities } = services.identity;
  const name = given.name ?? before?.alias.name;
  if (name === undefined || name === "") throw badRequest("missing alias name");
  const accessor = given.mount_accessor ?? before?.alias.mountAccessor;
  const { local } = checkAccessor(services, accessor);
  const mountAccessor = accessor ?? "";
  const alias: Alias = {
    ...before?.alias ?? entities.makeAlias({ name, mountAccessor, local }),
    name,
    mountAccessor,
    lastUpdateTime: entities.clock.now(),
    ...(given.custom_metadata === undefined
      ? {}
      : { customMetadata: readMetadata(given.custom_metadata) }),
  };
  const id = await place(services, call, before, alias, given.canonical_id || given.entity_id);
  return { data: { canonical_id: id, id: alias.id } };
}

/** Puts the alias into its entity, taking it out of another where it moves. */
async function place(
  services: Services,
  { transaction }: Call,
  before: Owned | undefined,
  alias: Alias,
  wantedId: string,
): Promise<string> {
  const { entities } = services.identity;
  const entity = wantedId === "" ? before?.entity : await entities.get(transaction, wantedId);
  if (entity === undefined && wantedId !== "") throw badRequest("invalid canonical ID");
  if (entity === undefined) {
    const made = entities.make({ aliases: [alias] });
    await entities.save(transaction, made, undefined);
    return made.id;
  }
  const others = entity.aliases.filter(({ id }) => id !== alias.id);
  if (before !== undefined && before.entity.id !== entity.id) {
    const left = before.entity.aliases.filter(({ id }) => id !== alias.id);
    await entities.save(transaction, { ...before.entity, aliases: left }, before.entity);
  }
  await entities.save(transaction, { ...entity, aliases: [...others, alias] }, entity);
  return entity.id;
}

export function entityAliasPaths(services: () => Services): Path[] {
  return [
    path("entity-alias/id/?", {
      summary: "Lists the entity aliases by their IDs.",
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: {
          summary: "Lists the entity aliases by their IDs.",
          handler: async (call, page) => {
            const ids = await listFolder(call.transaction, prefixes.entityAlias, page);
            return await listWithInfo(ids, async (id) => {
              const found = await findById(services(), call, id);
              return found && aliasInfo(services(), found.alias, found.entity.id);
            });
          },
        },
      },
    }),
    idPath(services),
    path("entity-alias", {
      summary: "Makes an entity alias.",
      fields: { ...fields, id: field.string("ID of the alias to change.", "") },
      operations: {
        update: {
          summary: "Makes an alias, or changes the one with this ID or name.",
          handler: async (call, input) => {
            const before = input.id === ""
              ? await findByName(services(), call, input.mount_accessor ?? "", input.name ?? "")
              : await findById(services(), call, input.id);
            if (before === undefined && input.id !== "") throw badRequest("invalid alias ID");
            return await write(services(), call, before, input);
          },
        },
      },
    }),
  ];
}

function idPath(services: () => Services): Path {
  return path("entity-alias/id/:id!", {
    summary: "An entity alias.",
    params: { id: "ID of the alias" },
    fields,
    operations: {
      read: {
        summary: "Reads an alias.",
        handler: async (call, { id }) => {
          const found = await findById(services(), call, id);
          if (found === undefined) throw notFound();
          const body = aliasBody(services(), found.alias, found.entity.id);
          return { data: { ...body, namespace_id: found.entity.namespaceId } };
        },
      },
      update: {
        summary: "Changes an alias.",
        handler: async (call, input) => {
          const before = await findById(services(), call, input.id);
          if (before === undefined) throw badRequest("invalid alias ID");
          return await write(services(), call, before, input);
        },
      },
      delete: {
        summary: "Deletes an alias.",
        handler: async (call, { id }) => {
          const found = await findById(services(), call, id);
          if (found === undefined) return;
          const { entity } = found;
          const aliases = entity.aliases.filter((alias) => alias.id !== id);
          const { entities } = services().identity;
          await entities.save(call.transaction, { ...entity, aliases }, entity);
        },
      },
    },
  });
}
