/** `entity/…`: by ID, by name, merge, batch delete. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { pageFields } from "../../backend/page.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { prefixes } from "../../identity/keys.ts";
import { mergeEntities } from "../../identity/merge.ts";
import type { Entity } from "../../identity/types.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { entityBody, entityInfo } from "./bodies.ts";
import { listFolder, listWithInfo } from "./lists.ts";
import { readMetadata, readPolicies } from "./parts.ts";

const fields = {
  metadata: field.pairs("Metadata, for templates in policies."),
  policies: field.list("Policies of all its tokens."),
  disabled: field.bool("Refuses its tokens and logins."),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

/** Makes or changes; `before` is what the ID or name led to. */
async function write(
  services: Services,
  { transaction }: Call,
  before: Entity | undefined,
  name: string,
  given: Given,
): Promise<LogicalResponse | undefined> {
  const { entities } = services.identity;
  const entity: Entity = {
    ...before ?? entities.make({ name }),
    ...(name === "" ? {} : { name }),
    ...(given.metadata === undefined ? {} : { metadata: readMetadata(given.metadata) }),
    ...(given.policies === undefined ? {} : { policies: readPolicies(given.policies) }),
    ...(given.disabled === undefined ? {} : { disabled: given.disabled }),
  };
  await entities.save(transaction, entity, before);
  if (before !== undefined) return undefined;
  return { data: { aliases: null, id: entity.id, name: entity.name } };
}

async function withId(services: Services, call: Call, id: string): Promise<Entity> {
  const entity = await services.identity.entities.get(call.transaction, id);
  if (entity === undefined) throw badRequest("invalid entity ID");
  return entity;
}

async function show(
  services: Services,
  { transaction }: Call,
  entity: Entity | undefined,
): Promise<LogicalResponse> {
  if (entity === undefined) throw notFound();
  return { data: entityBody(services, await services.identity.views.build(transaction, entity)) };
}

async function remove(
  { identity }: Services,
  { transaction }: Call,
  entity: Entity | undefined,
): Promise<void> {
  if (entity !== undefined) await identity.removeEntity(transaction, entity);
}

export function entityPaths(services: () => Services): Path[] {
  const entities = () => services().identity.entities;
  return [
    ...manyPaths(services),
    path("entity/id/:id!", {
      summary: "An entity by its ID.",
      params: { id: "ID of the entity" },
      fields: { ...fields, name: field.string("Its name.", "") },
      operations: {
        read: {
          summary: "Reads an entity.",
          handler: async (call, { id }) =>
            show(services(), call, await entities().get(call.transaction, id)),
        },
        update: {
          summary: "Changes an entity.",
          handler: async (call, input) =>
            write(services(), call, await withId(services(), call, input.id), input.name, input),
        },
        delete: {
          summary: "Deletes an entity; its tokens are refused from then on.",
          handler: async (call, { id }) =>
            remove(services(), call, await entities().get(call.transaction, id)),
        },
      },
    }),
    path("entity/name/+name", {
      summary: "An entity by its name.",
      params: { name: "Name of the entity" },
      fields,
      operations: {
        read: {
          summary: "Reads an entity.",
          handler: async (call, { name }) =>
            show(services(), call, await entities().byName(call.transaction, name)),
        },
        update: {
          summary: "Makes or changes an entity.",
          handler: async (call, input) => {
            const before = await entities().byName(call.transaction, input.name);
            return await write(services(), call, before, input.name, input);
          },
        },
        delete: {
          summary: "Deletes an entity; its tokens are refused from then on.",
          handler: async (call, { name }) =>
            remove(services(), call, await entities().byName(call.transaction, name)),
        },
      },
    }),
    makeEntityPath(services),
  ];
}

function makeEntityPath(services: () => Services): Path {
  return path("entity", {
    summary: "Makes an entity.",
    fields: {
      ...fields,
      id: field.string("ID of the entity to change.", ""),
      name: field.string("Its name; made up where none is given.", ""),
    },
    operations: {
      update: {
        summary: "Makes an entity, or changes the one with this ID or name.",
        handler: async (call, input) => {
          const before = input.id !== ""
            ? await withId(services(), call, input.id)
            : input.name === ""
            ? undefined
            : await services().identity.entities.byName(call.transaction, input.name);
          return await write(services(), call, before, input.name, input);
        },
      },
    },
  });
}

/** Listings, and what concerns several entities at once. */
function manyPaths(services: () => Services): Path[] {
  const entities = () => services().identity.entities;
  return [
    path("entity/id/?", {
      summary: "Lists the entities by their IDs.",
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: {
          summary: "Lists the entities by their IDs.",
          handler: async ({ transaction }, page) => {
            const ids = await listFolder(transaction, prefixes.entity, page);
            return await listWithInfo(ids, async (id) => {
              const entity = await entities().get(transaction, id);
              return entity && entityInfo(services(), entity);
            });
          },
        },
      },
    }),
    path("entity/name/?", {
      summary: "Lists the entities by their names.",
      operations: {
        list: {
          summary: "Lists the entities by their names.",
          handler: async ({ transaction }) => {
            const all = { after: "", limit: 0 };
            const keys: string[] = [];
            for (const id of await listFolder(transaction, prefixes.entity, all)) {
              const entity = await entities().get(transaction, id);
              if (entity !== undefined) keys.push(entity.name);
            }
            return { data: { keys: keys.sort() } };
          },
        },
      },
    }),
    path("entity/batch-delete", {
      summary: "Deletes several entities.",
      fields: { entity_ids: field.list("IDs of the entities.") },
      operations: {
        update: {
          summary: "Deletes several entities.",
          handler: async (call, { entity_ids }) => {
            if (entity_ids === undefined || entity_ids.length === 0) {
              throw badRequest("missing entity_ids");
            }
            for (const id of new Set(entity_ids)) {
              await remove(services(), call, await entities().get(call.transaction, id));
            }
          },
        },
      },
    }),
    mergePath(services),
  ];
}

function mergePath(services: () => Services): Path {
  return path("entity/merge", {
    summary: "Makes one entity of several.",
    fields: {
      from_entity_ids: field.list("Entities that go."),
      to_entity_id: field.string("The entity that stays.", ""),
      force: field.bool("Accepted for compatibility.", false),
      conflicting_alias_ids_to_keep: field.list("Of two aliases on a mount, those that stay.", []),
    },
    operations: {
      update: {
        summary: "Makes one entity of several.",
        handler: async ({ transaction }, input) => {
          if (input.from_entity_ids === undefined || input.from_entity_ids.length === 0) {
            throw badRequest("missing from_entity_ids");
          }
          if (input.to_entity_id === "") throw badRequest("missing to_entity_id");
          await mergeEntities(services().identity, transaction, {
            fromIds: input.from_entity_ids,
            toId: input.to_entity_id,
            aliasIdsToKeep: input.conflicting_alias_ids_to_keep,
          });
        },
      },
    },
  });
}
