/** `static-roles/`, `static-creds/` and `rotate-role/`. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import { checkAllowed, readConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import { requireStaticRole, rotateLater } from "./rotate_static.ts";
import { readStatements, statementsField } from "./statements.ts";
import {
  deleteStaticRole,
  listStaticRoles,
  readStaticRole,
  rotationAfter,
  saveStaticRole,
  type StaticRole,
} from "./static_role.ts";

/** Seconds; what is shorter would change passwords under the hands of those who read them. */
const shortestPeriod = 5;

const fields = {
  db_name: field.string("The connection that the role uses."),
  username: field.string("The database user whose password is changed."),
  rotation_period: field.duration("Seconds between two changes."),
  rotation_schedule: field.string("When to change it, in cron's notation and UTC, not a period."),
  rotation_window: field.duration("Seconds after a scheduled time in which it may be done."),
  rotation_statements: statementsField("Change the password."),
  credential_type: field.string("Only password.", "password"),
  credential_config: field.pairs("Accepted for compatibility."),
};

type StaticInput =
  & { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] }
  & { readonly name: string };

/** A window that is shorter would be missed by a restart. */
const shortestWindow = 3_600;

type Times = Pick<StaticRole, "rotationPeriod" | "rotationSchedule" | "rotationWindow">;

/** What is given of period and schedule takes the other's place. Throws a 400. */
function times(input: StaticInput, before: StaticRole | undefined): Times {
  const { rotation_period: period, rotation_schedule: schedule, rotation_window: window } = input;
  if (period && schedule) {
    throw badRequest("rotation_period and rotation_schedule are mutually exclusive");
  }
  const rotationSchedule = period ? "" : schedule ?? before?.rotationSchedule ?? "";
  if (rotationSchedule !== "") {
    const rotationWindow = window ?? before?.rotationWindow ?? 0;
    if (rotationWindow !== 0 && rotationWindow < shortestWindow) {
      throw badRequest(`rotation_window must be ${shortestWindow} seconds or more`);
    }
    return { rotationPeriod: 0, rotationSchedule, rotationWindow };
  }
  if (window) throw badRequest("rotation_window needs a rotation_schedule");
  const rotationPeriod = period ?? before?.rotationPeriod ?? 0;
  if (rotationPeriod < shortestPeriod) {
    throw badRequest(`rotation_period must be ${shortestPeriod} seconds or more`);
  }
  return { rotationPeriod, rotationSchedule: "", rotationWindow: 0 };
}

async function merge(
  input: StaticInput,
  before: StaticRole | undefined,
  now: number,
): Promise<StaticRole> {
  const statements = input.rotation_statements;
  const role = {
    dbName: input.db_name ?? before?.dbName ?? "",
    username: input.username ?? before?.username ?? "",
    ...times(input, before),
    rotateStatements: statements === undefined
      ? before?.rotateStatements ?? []
      : readStatements("rotation_statements", statements),
    password: before?.password ?? "",
    pendingPassword: before?.pendingPassword ?? "",
    lastRotation: before?.lastRotation ?? 0,
  };
  if (role.dbName === "") throw badRequest("empty database name attribute");
  if (role.username === "") throw badRequest("empty username attribute");
  if (before !== undefined && role.username !== before.username) {
    throw badRequest("the username of a static role cannot be changed");
  }
  if (input.credential_type !== "password") {
    throw badRequest("credential_type can only be password");
  }
  return { ...role, nextRotation: await rotationAfter(role.lastRotation || now, role) };
}

async function write(engine: Engine, call: Call, input: StaticInput): Promise<void> {
  const before = await readStaticRole(call.storage, input.name);
  const role = await merge(input, before, engine.services().tokens.clock.now());
  if (role.password === "") return await rotateLater(engine, call, input.name, role);
  checkAllowed(await readConfig(call.storage, role.dbName), input.name);
  saveStaticRole(call.storage, input.name, role);
  call.transaction.afterCommit(() => engine.schedule.nudge(role.nextRotation));
}

function timesBody({ rotationPeriod, rotationSchedule, rotationWindow }: Times): JsonObject {
  if (rotationSchedule === "") return { rotation_period: rotationPeriod };
  return {
    rotation_schedule: rotationSchedule,
    ...(rotationWindow === 0 ? {} : { rotation_window: rotationWindow }),
  };
}

function body(role: StaticRole): JsonObject {
  return {
    credential_type: "password",
    db_name: role.dbName,
    username: role.username,
    ...timesBody(role),
    rotation_statements: [...role.rotateStatements],
    last_vault_rotation: rfc3339(role.lastRotation),
  };
}

async function credentials(engine: Engine, call: Call, name: string): Promise<JsonObject> {
  const role = await requireStaticRole(call, name);
  if (role.password === "") throw badRequest(`the role ${name} has no password yet`);
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
