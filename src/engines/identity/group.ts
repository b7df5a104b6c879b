/** `group/…`: by ID and by name. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { pageFields } from "../../backend/page.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { prefixes } from "../../identity/keys.ts";
import type { Group, GroupType } from "../../identity/types.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { groupBody, groupInfo } from "./bodies.ts";
import { listFolder, listWithInfo } from "./lists.ts";
import { readMetadata, readPolicies } from "./parts.ts";

const fields = {
  type: field.string("internal, or external: its members come and go with their logins."),
  metadata: field.pairs("Metadata, for templates in policies."),
  policies: field.list("Policies of all its members."),
  member_group_ids: field.list("Groups that are members."),
  member_entity_ids: field.list("Entities that are members; internal groups only."),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

function readType(text: string | undefined, before: Group | undefined): GroupType {
  if (text === undefined || text === "") return before?.type ?? "internal";
  if (text !== "internal" && text !== "external") throw badRequest(`invalid group type "${text}"`);
  if (before !== undefined && before.type !== text) {
    throw badRequest("the type of a group can't be changed");
  }
  return text;
}

async function write(
  services: Services,
  { transaction }: Call,
  before: Group | undefined,
  name: string,
  given: Given,
): Promise<LogicalResponse | undefined> {
  const { groups } = services.identity;
  const type = readType(given.type, before);
  if (given.member_entity_ids !== undefined && type === "external") {
    throw badRequest("member entities can't be set manually for external groups");
  }
  const group: Group = {
    ...before ?? groups.make({ name, type }),
    ...(name === "" ? {} : { name }),
    ...(given.metadata === undefined ? {} : { metadata: readMetadata(given.metadata) }),
    ...(given.policies === undefined ? {} : { policies: readPolicies(given.policies) }),
    ...(given.member_entity_ids === undefined ? {} : { membersGiven: true }),
  };
  await groups.save(transaction, group, before);
  if (given.member_entity_ids !== undefined) {
    await checkEntities(services, transaction, given.member_entity_ids);
    await groups.setEntities(transaction, group.id, given.member_entity_ids);
  }
  if (given.member_group_ids !== undefined) {
    await groups.setGroups(transaction, group.id, given.member_group_ids);
  }
  return before === undefined ? { data: { id: group.id, name: group.name } } : undefined;
}

async function checkEntities(
  { identity }: Services,
  transaction: Call["transaction"],
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) {
    if (await identity.entities.get(transaction, id) === undefined) {
      throw badRequest("a member entity is not there");
    }
  }
}

async function withId(services: Services, call: Call, id: string): Promise<Group> {
  const group = await services.identity.groups.get(call.transaction, id);
  if (group === undefined) throw badRequest("invalid group ID");
  return group;
}

async function show(
  services: Services,
  { transaction }: Call,
  group: Group | undefined,
): Promise<LogicalResponse> {
  if (group === undefined) throw notFound();
  return { data: await groupBody(services, transaction, group) };
}

async function remove(
  { identity }: Services,
  { transaction }: Call,
  group: Group | undefined,
): Promise<void> {
  if (group !== undefined) await identity.groups.remove(transaction, group);
}

export function groupPaths(services: () => Services): Path[] {
  const groups = () => services().identity.groups;
  return [
    ...listPaths(services),
    path("group/id/:id!", {
      summary: "A group by its ID.",
      params: { id: "ID of the group" },
      fields: { ...fields, name: field.string("Its name.", "") },
      operations: {
        read: {
          summary: "Reads a group.",
          handler: async (call, { id }) =>
            show(services(), call, await groups().get(call.transaction, id)),
        },
        update: {
          summary: "Changes a group.",
          handler: async (call, input) =>
            write(services(), call, await withId(services(), call, input.id), input.name, input),
        },
        delete: {
          summary: "Deletes a group.",
          handler: async (call, { id }) =>
            remove(services(), call, await groups().get(call.transaction, id)),
        },
      },
    }),
    path("group/name/+name", {
      summary: "A group by its name.",
      params: { name: "Name of the group" },
      fields,
      operations: {
        read: {
          summary: "Reads a group.",
          handler: async (call, { name }) =>
            show(services(), call, await groups().byName(call.transaction, name)),
        },
        update: {
          summary: "Makes or changes a group.",
          handler: async (call, input) => {
            const before = await groups().byName(call.transaction, input.name);
            return await write(services(), call, before, input.name, input);
          },
        },
        delete: {
          summary: "Deletes a group.",
          handler: async (call, { name }) =>
            remove(services(), call, await groups().byName(call.transaction, name)),
        },
      },
    }),
    makeGroupPath(services),
  ];
}

function makeGroupPath(services: () => Services): Path {
  return path("group", {
    summary: "Makes a group.",
    fields: {
      ...fields,
      id: field.string("ID of the group to change.", ""),
      name: field.string("Its name; made up where none is given.", ""),
    },
    operations: {
      update: {
        summary: "Makes a group, or changes the one with this ID or name.",
        handler: async (call, input) => {
          const before = input.id !== ""
            ? await withId(services(), call, input.id)
            : input.name === ""
            ? undefined
            : await services().identity.groups.byName(call.transaction, input.name);
          return await write(services(), call, before, input.name, input);
        },
      },
    },
  });
}

function listPaths(services: () => Services): Path[] {
  const groups = () => services().identity.groups;
  return [
    path("group/id/?", {
      summary: "Lists the groups by their IDs.",
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: {
          summary: "Lists the groups by their IDs.",
          handler: async ({ transaction }, page) => {
            const ids = await listFolder(transaction, prefixes.group, page);
            return await listWithInfo(ids, async (id) => {
              const group = await groups().get(transaction, id);
              return group && await groupInfo(services(), transaction, group);
            });
          },
        },
      },
    }),
    path("group/name/?", {
      summary: "Lists the groups by their names.",
      operations: {
        list: {
          summary: "Lists the groups by their names.",
          handler: async ({ transaction }) => {
            const all = { after: "", limit: 0 };
            const keys: string[] = [];
            for (const id of await listFolder(transaction, prefixes.group, all)) {
              const group = await groups().get(transaction, id);
              if (group !== undefined) keys.push(group.name);
            }
            return { data: { keys: keys.sort() } };
          },
        },
      },
    }),
  ];
}
