/** `static-roles/`, `static-creds/` and `rotate-role/`. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import { checkAllowed, findConfig, isSelfManaged, readConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import { recoverStaticRole } from "./recover_static.ts";
import { requireStaticRole, rotateLater } from "./rotate_static.ts";
import { readTimes, rotates, rotationAfter, timesBody, timesFields } from "./rotation_times.ts";
import { readStatements, statementsField } from "./statements.ts";
import {
  deleteStaticRole,
  listStaticRoles,
  readStaticRole,
  saveStaticRole,
  type StaticRole,
} from "./static_role.ts";

const fields = {
  db_name: field.string("The connection that the role uses."),
  username: field.string("The database user whose password is changed."),
  ...timesFields,
  skip_import_rotation: field.bool("Leaves the password as it is until its first time comes."),
  password: field.string(
    "The password that the user has, where that is left as it is or the user changes it itself.",
  ),
  self_managed_password: field.string("The same, as it was called before."),
  rotation_statements: statementsField("Change the password."),
  credential_type: field.string("Only password.", "password"),
  credential_config: field.pairs("Accepted for compatibility."),
};

type StaticInput =
  & { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] }
  & { readonly name: string };

async function merge(
  input: StaticInput,
  before: StaticRole | undefined,
  selfManaged: boolean,
  now: number,
): Promise<StaticRole> {
  const statements = input.rotation_statements;
  const skipImportRotation = input.skip_import_rotation ?? before?.skipImportRotation ?? false;
  const given = input.password || input.self_managed_password || "";
  if (given !== "" && !skipImportRotation && !selfManaged) {
    throw badRequest(
      "password is taken with skip_import_rotation or a self-managed connection only",
    );
  }
  const role = {
    dbName: input.db_name ?? before?.dbName ?? "",
    username: input.username ?? before?.username ?? "",
    ...readTimes(input, before),
    skipImportRotation,
    rotateStatements: statements === undefined
      ? before?.rotateStatements ?? []
      : readStatements("rotation_statements", statements),
    // Who changes it itself must have the right one: another may be told later.
    password: selfManaged && given !== "" ? given : before?.password || given,
    pendingPassword: before?.pendingPassword ?? "",
    // One whose password is left as it is counts as changed when it came.
    lastRotation: before?.lastRotation ?? (skipImportRotation ? now : 0),
    ...(before?.retry === undefined ? {} : { retry: before.retry }),
    ...(before?.indexedAt === undefined ? {} : { indexedAt: before.indexedAt }),
  };
  if (!rotates(role)) throw badRequest("one of rotation_period and rotation_schedule is needed");
  if (role.dbName === "") throw badRequest("empty database name attribute");
  if (role.username === "") throw badRequest("empty username attribute");
  if (before !== undefined && role.username !== before.username) {
    throw badRequest("the username of a static role cannot be changed");
  }
  if (selfManaged && role.password === "") {
    throw badRequest("a role of a self-managed connection needs the password that its user has");
  }
  if (input.credential_type !== "password") {
    throw badRequest("credential_type can only be password");
  }
  return { ...role, nextRotation: await rotationAfter(role.lastRotation || now, role) };
}

async function write(engine: Engine, call: Call, input: StaticInput): Promise<void> {
  const before = await readStaticRole(call.storage, input.name);
  const config = await findConfig(call.storage, input.db_name ?? before?.dbName ?? "");
  const selfManaged = config !== undefined && isSelfManaged(config);
  const role = await merge(input, before, selfManaged, engine.services().tokens.clock.now());
  const isNew = role.lastRotation === 0 && !role.skipImportRotation;
  if (isNew) return await rotateLater(engine, call, input.name, role);
  checkAllowed(await readConfig(call.storage, role.dbName), input.name);
  saveStaticRole(call.storage, input.name, role);
  call.transaction.afterCommit(() => engine.schedule.nudge(role.nextRotation));
}

function body(role: StaticRole): JsonObject {
  return {
    credential_type: "password",
    db_name: role.dbName,
    username: role.username,
    ...timesBody(role),
    skip_import_rotation: role.skipImportRotation ?? false,
    rotation_statements: [...role.rotateStatements],
    last_vault_rotation: rfc3339(role.lastRotation),
  };
}

async function credentials(engine: Engine, call: Call, name: string): Promise<JsonObject> {
  const role = await requireStaticRole(call, name);
  if (role.lastRotation === 0 || role.password === "") {
    throw badRequest(`the role ${name} has no password yet`);
  }
  checkAllowed(await readConfig(call.storage, role.dbName), name);
  const left = role.nextRotation - engine.services().tokens.clock.now();
  return {
    username: role.username,
    password: role.password,
    ...timesBody(role),
    last_vault_rotation: rfc3339(role.lastRotation),
    ttl: Math.max(0, Math.floor(left / 1000)),
  };
}

function rolePath(engine: Engine): Path {
  return path("static-roles/:name", {
    summary: "A database user whose password is changed from time to time.",
    params: { name: "The role" },
    fields,
    exists: async (call, { name }) => await readStaticRole(call.storage, name) !== undefined,
    operations: {
      read: {
        summary: "Reads a static role.",
        handler: async (call, { name }) => {
          const role = await readStaticRole(call.storage, name);
          if (role === undefined) throw notFound();
          return { data: body(role) };
        },
      },
      update: {
        summary: "Makes or changes a static role. Its first password is set at once.",
        handler: (call, input) => write(engine, call, input),
      },
      recover: {
        summary: "Brings a static role back from a loaded snapshot.",
        handler: (call, { name }) => recoverStaticRole(engine, call, name),
      },
      delete: {
        summary: "Forgets a static role. The database user stays.",
        handler: (call, { name }) => deleteStaticRole(call.storage, name),
      },
    },
  });
}

export function staticPaths(engine: Engine): Path[] {
  return [
    path("static-roles/?", {
      summary: "The static roles.",
      operations: {
        list: {
          summary: "Lists the static roles.",
          handler: async (call) => ({ data: { keys: await listStaticRoles(call.storage) } }),
        },
      },
    }),
    rolePath(engine),
    path("static-creds/:name", {
      summary: "The password of a static role's user.",
      params: { name: "The role" },
      operations: {
        read: {
          summary: "Reads the password of a static role's user.",
          handler: async (call, { name }) => ({ data: await credentials(engine, call, name) }),
        },
      },
    }),
    path("rotate-role/:name", {
      summary: "Changes a static role's password now.",
      params: { name: "The role" },
      operations: {
        update: {
          summary: "Changes a static role's password now.",
          handler: async (call, { name }) =>
            await rotateLater(engine, call, name, await requireStaticRole(call, name)),
        },
      },
    }),
  ];
}
