/** `config/` and `reset/`: the connections. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import { isRawNumber, type JsonObject, type JsonValue } from "../../logical/json.ts";
import {
  type ConnectionConfig,
  deleteConfig,
  findConfig,
  isSelfManaged,
  listConfigs,
  openSettings,
  readConfig,
  saveConfig,
} from "./config.ts";
import { databaseRefusal, type Engine, nameSource } from "./engine.ts";
import { DatabaseFailure, type DatabasePlugin } from "./plugin.ts";
import { readTimes, rotates, rotationAfter, timesBody, timesFields } from "./rotation_times.ts";
import { readStatements, statementsField } from "./statements.ts";
import { makeUsername } from "./username.ts";

const fields = {
  plugin_name: field.string("The kind of database."),
  plugin_version: field.string("Accepted for compatibility; there is one version.", ""),
  verify_connection: field.bool("Whether to connect before this is kept.", true),
  allowed_roles: field.list("Roles that may use the connection; * for all."),
  root_rotation_statements: statementsField("Statements that change our own password."),
  password_policy: field.string("The policy for passwords; empty for the usual ones."),
  ...timesFields,
  disable_automated_rotation: field.bool("Leaves our own password alone, whatever the times say."),
};

/** Kept, used and never shown. */
const secretNames = ["password", "private_key", "tls_certificate_key"];

function scalarText(name: string, value: JsonValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (isRawNumber(value)) return value.rawJSON;
  throw badRequest(`${name} must be text`);
}

/** What else the request says: settings of this kind of database. */
function kindSettings(data: JsonObject): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(data)) {
    if (name in fields || name === "name" || value === undefined || value === null) continue;
    found[name] = scalarText(name, value);
  }
  return found;
}

function without(settings: Record<string, string>, names: readonly string[]) {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)));
}

type ConfigInput =
  & {
    readonly [K in keyof typeof fields]: (typeof fields)[K]["default"];
  }
  & { readonly name: string };

interface Changed {
  readonly input: ConfigInput;
  readonly data: JsonObject;
  readonly before: ConnectionConfig | undefined;
}

/** A request's changes on top of what is there: what it does not say stays. */
async function merge(
  { input, data, before }: Changed,
  now: number,
  revision: string,
): Promise<ConnectionConfig> {
  const settings = kindSettings(data);
  const rotate = input.root_rotation_statements;
  const pluginName = input.plugin_name ?? before?.pluginName ?? "";
  if (pluginName === "") throw badRequest("plugin_name is missing");
  return {
    name: input.name,
    pluginName,
    pluginVersion: "",
    allowedRoles: input.allowed_roles ?? before?.allowedRoles ?? [],
    rotateStatements: rotate === undefined
      ? before?.rotateStatements ?? []
      : readStatements("root_rotation_statements", rotate),
    passwordPolicy: input.password_policy ?? before?.passwordPolicy ?? "",
    details: { ...before?.details, ...without(settings, [...secretNames, "username"]) },
    username: settings.username ?? before?.username ?? "",
    password: settings.password ?? before?.password ?? "",
    privateKey: settings.private_key ?? settings.tls_certificate_key ?? before?.privateKey ?? "",
    pendingPasswords: settings.password === undefined ? before?.pendingPasswords ?? [] : [],
    ...await mergeRotation(input, before, now),
    revision,
  };
}

/** When our own password is to be changed. New times count from the last change, or from now. */
async function mergeRotation(
  input: ConfigInput,
  before: ConnectionConfig | undefined,
  now: number,
) {
  const times = readTimes(input, before);
  const lastRotation = before?.lastRotation ?? 0;
  const nextRotation = rotates(times) ? await rotationAfter(lastRotation || now, times) : 0;
  const isSame = before !== undefined && rotates(before) &&
    Object.entries(timesBody(times)).join() === Object.entries(timesBody(before)).join();
  return {
    ...times,
    rotationDisabled: input.disable_automated_rotation ?? before?.rotationDisabled ?? false,
    lastRotation,
    nextRotation: isSame ? before.nextRotation : nextRotation,
    ...(before?.indexedAt === undefined ? {} : { indexedAt: before.indexedAt }),
  };
}

/** Throws a 400. */
function checkSelfManaged({ username, password }: ConnectionConfig, plugin: DatabasePlugin): void {
  if (!plugin.selfManaged) throw badRequest(`${plugin.name} knows no self_managed connections`);
  if (username === "" && password === "") return;
  throw badRequest("self_managed goes without username and password");
}

async function write(engine: Engine, call: Call, input: ConfigInput) {
  const { clock, random } = engine.services().tokens;
  const before = await findConfig(call.storage, input.name);
  const changed = { input, data: call.request.data, before };
  const merged = await merge(changed, clock.now(), random.uuid());
  // Who writes what is there anyway need not be connected anew.
  const same = { ...merged, revision: before?.revision ?? "" };
  const config = JSON.stringify(same) === JSON.stringify(before) ? same : merged;
  const plugin = engine.connections.plugin(config.pluginName);
  plugin.check(openSettings(config));
  if (isSelfManaged(config)) checkSelfManaged(config, plugin);
  if (rotates(config)) {
    if (config.username === "") throw badRequest("a connection without username can't be rotated");
    plugin.checkRotation(openSettings(config));
  }
  const template = config.details.username_template;
  if (template) {
    makeUsername(template, nameSource(engine), { DisplayName: "name", RoleName: "role" });
  }
  if (input.verify_connection && !isSelfManaged(config)) {
    // Connecting changes nothing, so it may be done again where the transaction is.
    try {
      await engine.connections.verify(config);
    } catch (error) {
      if (!(error instanceof DatabaseFailure)) throw error;
      throw badRequest(`the connection could not be verified: ${error.message}`, error);
    }
  }
  saveConfig(call.storage, config);
  call.transaction.afterCommit(() => {
    engine.connections.close(config.name);
    if (rotates(config)) engine.schedule.nudge(config.nextRotation);
  });
  const { connection_url = "" } = config.details;
  return hidePassword(connection_url) !== connection_url
    ? {
      warnings: ["connection_url holds a password: with {{password}} instead, it can be rotated"],
    }
    : undefined;
}

/** A connection string without a password that somebody wrote into it. */
function hidePassword(text: string): string {
  const hide = (whole: string, before: string, secret: string) =>
    /^'?\{\{\s*password\s*\}\}'?$/.test(secret) ? whole : `${before}*****`;
  return text
    .replace(/^(\w+:\/\/[^:/@]*:)((?:\{\{[^}]*\}\}|[^@])*)(?=@)/, hide)
    .replace(/((?:^|[\s?&])password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)/gi, hide);
}

/** Shown where it was set. */
function rotationBody(config: ConnectionConfig): JsonObject {
  if (!rotates(config) && !config.rotationDisabled) return {};
  const { rotationDisabled, lastRotation } = config;
  return {
    ...timesBody(config),
    disable_automated_rotation: rotationDisabled,
    ...(lastRotation === 0 ? {} : { last_vault_rotation: rfc3339(lastRotation) }),
  };
}

function body(config: ConnectionConfig): JsonObject {
  const details: JsonObject = { ...config.details, username: config.username };
  if (config.details.connection_url !== undefined) {
    details.connection_url = hidePassword(config.details.connection_url);
  }
  return {
    allowed_roles: [...config.allowedRoles],
    connection_details: details,
    password_policy: config.passwordPolicy,
    plugin_name: config.pluginName,
    plugin_version: config.pluginVersion,
    root_credentials_rotate_statements: [...config.rotateStatements],
    ...rotationBody(config),
  };
}

export function configPaths(engine: Engine): Path[] {
  return [
    path("config/?", {
      summary: "The connections.",
      operations: {
        list: {
          summary: "Lists the connections.",
          handler: async (call) => ({ data: { keys: await listConfigs(call.storage) } }),
        },
      },
    }),
    path("config/:name", {
      summary: "A connection to a database.",
      params: { name: "The connection" },
      fields,
      arbitrary: true,
      exists: async (call, { name }) => await findConfig(call.storage, name) !== undefined,
      operations: {
        read: {
          summary: "Reads a connection, without its password.",
          handler: async (call, { name }) => {
            const config = await findConfig(call.storage, name);
            if (config === undefined) throw notFound();
            return { data: body(config) };
          },
        },
        update: {
          summary: "Makes or changes a connection.",
          handler: (call, input) => write(engine, call, input),
        },
        delete: {
          summary: "Forgets a connection. Users made through it can't be dropped any more.",
          handler: async (call, { name }) => {
            await deleteConfig(call.storage, name);
            call.transaction.afterCommit(() => engine.connections.close(name));
          },
        },
      },
    }),
    path("reset/:name", {
      summary: "Closes a connection and opens it anew.",
      operations: {
        update: {
          summary: "Closes a connection and opens it anew.",
          handler: async (call, { name }) => {
            const config = await readConfig(call.storage, name);
            call.transaction.beforeAnswer(async () => {
              engine.connections.close(name);
              if (isSelfManaged(config)) return;
              try {
                await engine.connections.use(config, () => Promise.resolve());
              } catch (error) {
                throw databaseRefusal("the connection could not be opened", error);
              }
            });
          },
        },
      },
    }),
  ];
}
