/** `sys/mounts` and `sys/auth`: enabling, disabling, tuning, listing. */
import { badRequest, Failure, notFound } from "../base/failure.ts";
import { field, readFields } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Call } from "../core/backend.ts";
import { defaultMountConfig, type MountEntry } from "../core/mount_entry.ts";
import type { Mounted } from "../core/router.ts";
import type { Services } from "../core/services.ts";
import { finishUnmount, taint } from "../core/unmount.ts";
import type { JsonObject } from "../logical/json.ts";
import type { Transaction } from "../storage/transaction.ts";
import { coreTypes, mountBody, tableBody, tuneBody } from "./mount_body.ts";
import { changedConfig, configFields, readConfigObject } from "./mount_config.ts";

type Table = "mounts" | "auth";

/** Paths below which nothing can be mounted, and which can't be disabled. */
const protectedPaths: Readonly<Record<Table, readonly string[]>> = {
  mounts: ["auth/", "sys/", "cubbyhole/", "identity/", "audit/"],
  auth: ["token/"],
};

const enableFields = {
  type: field.string("Type of the backend.", ""),
  description: field.string("A text for people.", ""),
  config: field.map("Its configuration.", {}),
  options: field.pairs("Options of the type, for instance version."),
  local: field.bool("Not replicated.", false),
  seal_wrap: field.bool("Wrapped by the seal too.", false),
  external_entropy_access: field.bool("Accepted for compatibility.", false),
  plugin_name: field.string("Accepted for compatibility."),
  plugin_version: field.string("Accepted for compatibility."),
};

type Enable = { readonly [K in keyof typeof enableFields]: (typeof enableFields)[K]["default"] };

/** A mount path in its stored form: no leading slash, one trailing slash. */
export function mountPath(text: string): string {
  return `${text.replace(/^\/+|\/+$/g, "")}/`;
}

/** The path in front of which `auth/` stands for auth methods. */
function full(table: Table, name: string): string {
  return table === "auth" ? `auth/${name}` : name;
}

/** The mount at a path; sys/mounts takes `auth/…` too. Throws a 400 where there is none. */
function find(services: Services, table: Table, name: string): Mounted {
  const mounted = services.mounts.router.at(full(table, mountPath(name)));
  if (mounted === undefined || mounted.entry.tainted) {
    throw badRequest(`No secret engine mount at ${full(table, mountPath(name))}`);
  }
  return mounted;
}

/** Throws a 400 where nothing can be mounted at a path. */
export function checkFree(services: Services, table: Table, name: string): void {
  if (name === "/") throw badRequest("a mount needs a path");
  // deno-lint-ignore no-control-regex -- control characters are just what must not be there
  if (/[\x00-\x1f\x7f]/.test(name) || /(^|\/)\.\.?\//.test(name)) {
    throw badRequest("the mount path holds characters that are not allowed");
  }
  const taken = protectedPaths[table].find((prefix) => name.startsWith(prefix));
  const existing = services.mounts.router.conflict(full(table, name));
  if (existing !== undefined) throw badRequest(`path is already in use at ${existing}`);
  if (taken !== undefined) throw badRequest(`cannot mount below protected path "${taken}"`);
}

async function enable(
  services: Services,
  transaction: Transaction,
  table: Table,
  name: string,
  given: Enable,
  accessor?: string,
) {
  const path = mountPath(name);
  if (given.type === "") throw badRequest("backend type must be specified as a string");
  const alias = /^kv-v([12])$/.exec(given.type) ?? (given.type === "generic" ? ["", "1"] : null);
  const type = alias === null ? given.type : "kv";
  const options = { ...given.options };
  if (alias?.[1] !== undefined) options.version ??= alias[1];
  if (type === "kv" && !["1", "2", undefined].includes(options.version)) {
    throw badRequest(`unsupported version "${options.version}" of the KV engine`);
  }
  if (type === "plugin") throw badRequest("the backend type must be its own name");
  if (coreTypes.has(type)) throw badRequest(`mount type of "${type}" is not mountable`);
  checkFree(services, table, path);
  const config = readConfigObject(given.config);
  await services.mounts.add(transaction, {
    table,
    path,
    type,
    description: given.description,
    config: changedConfig(defaultMountConfig, config, services.mounts.ttls, undefined, table),
    options,
    local: given.local,
    sealWrap: given.seal_wrap,
    externalEntropyAccess: given.external_entropy_access,
    ...(accessor === undefined ? {} : { accessor }),
  });
}

/**
 * Mounts what was mounted elsewhere, with the accessor that it had. `path` is where requests reach
 * it; `data` are the fields of enabling. Throws a 400 for what can't be mounted.
 */
export async function importMount(
  services: Services,
  transaction: Transaction,
  path: string,
  data: JsonObject,
): Promise<void> {
  const { accessor, ...fields } = readFields({ ...enableFields, accessor: accessorField }, data);
  if (!/^[\w-]{1,128}$/.test(accessor)) throw badRequest("the accessor is none");
  if (services.mounts.byAccessor(accessor) !== undefined) {
    throw badRequest("its accessor is that of another mount");
  }
  const isAuth = path.startsWith("auth/");
  const name = isAuth ? path.slice("auth/".length) : path;
  await enable(services, transaction, isAuth ? "auth" : "mounts", name, fields, accessor);
}

const accessorField = field.string("The accessor.", "");

/** Whether what was mounted elsewhere finds its own kind here. */
export function isSameMount(entry: MountEntry, data: JsonObject): boolean {
  const { type, options } = readFields(enableFields, data);
  const version = entry.type === "kv" ? entry.options.version ?? "1" : "";
  return !entry.tainted && entry.type === type &&
    (entry.type !== "kv" || version === (options?.version ?? "1"));
}

async function disable(services: Services, call: Call, table: Table, name: string) {
  const path = mountPath(name);
  if (protectedPaths[table].some((prefix) => path.startsWith(prefix))) {
    throw badRequest(`cannot unmount "${full(table, path)}"`);
  }
  const mounted = services.mounts.router.at(full(table, path));
  if (mounted === undefined) return;
  const entry = await taint(services, call.transaction, mounted.entry);
  call.transaction.beforeAnswer(() => finishUnmount(services, entry));
}

function checkOptions(entry: MountEntry, options: Readonly<Record<string, string>>): string[] {
  const { version } = options;
  if (entry.type !== "kv" || version === undefined) return [];
  if (version !== "1" && version !== "2") throw badRequest("the KV engine has versions 1 and 2");
  if (version === "1" && entry.options.version === "2") {
    throw badRequest("cannot downgrade mount from version 2");
  }
  return version === "2" && entry.options.version !== "2"
    ? [
      "Upgrading mount from version 1 to version 2. This mount will be unavailable for a brief " +
      "period and will resume service shortly.",
    ]
    : [];
}

const tuneFields = {
  ...configFields,
  description: field.string("A text for people."),
  options: field.pairs("Options of the type, for instance version."),
};

type Tune = { readonly [K in keyof typeof tuneFields]: (typeof tuneFields)[K]["default"] };

async function tune(services: Services, call: Call, table: Table, name: string, given: Tune) {
  const { entry } = find(services, table, name);
  const path = full(entry.table === "auth" ? "auth" : "mounts", entry.path);
  if (["sys/", "auth/", "audit/", "cubbyhole/", "identity/"].includes(path)) {
    throw badRequest(`cannot tune "${path}"`);
  }
  const own = entry.table === "auth" ? "auth" as const : "mounts" as const;
  const config = changedConfig(entry.config, given, services.mounts.ttls, entry, own);
  const warnings = checkOptions(entry, given.options ?? {});
  const options = { ...entry.options, ...given.options };
  const description = given.description ?? entry.description;
  await services.mounts.change(call.transaction, entry, { ...entry, config, options, description });
  return warnings.length === 0 ? undefined : { warnings };
}

/** Answers with the same fields in `data` and at the top, as old clients expect. */
function doubled(data: JsonObject) {
  return { data, topLevel: data };
}

function tablePaths(services: () => Services, table: Table): Path[] {
  const what = table === "auth" ? "auth method" : "secrets engine";
  return [
    path(`${table}/+path/tune`, {
      summary: `Tuning of a mounted ${what}.`,
      fields: tuneFields,
      sudo: table === "auth",
      operations: {
        read: {
          summary: `Shows the tuning of a ${what}.`,
          handler: (_call, input) => {
            const { entry } = find(services(), table, String(input.path));
            return doubled(tuneBody(services().mounts, entry));
          },
        },
        update: {
          summary: `Tunes a ${what}.`,
          handler: (call, input) => tune(services(), call, table, String(input.path), input),
        },
      },
    }),
    path(`${table}/+path`, {
      summary: `A mounted ${what}.`,
      fields: enableFields,
      sudo: table === "auth",
      operations: {
        read: {
          summary: `Shows a ${what}.`,
          handler: (_call, input) => {
            const { entry } = find(services(), table, String(input.path));
            return doubled(mountBody(entry));
          },
        },
        update: {
          summary: `Enables a ${what}.`,
          handler: (call, input) =>
            enable(services(), call.transaction, table, String(input.path), input),
        },
        delete: {
          summary: `Disables a ${what}, with all its data and leases.`,
          handler: (call, input) => disable(services(), call, table, String(input.path)),
        },
      },
    }),
    path(`${table}/?`, {
      summary: `All mounted ${what}s.`,
      operations: {
        read: {
          summary: `Lists all ${what}s.`,
          handler: () => doubled(tableBody(services().mounts, table)),
        },
        update: {
          summary: `Enables a ${what}; a path is needed.`,
          undocumented: true,
          handler: () => {
            throw badRequest("a mount needs a path");
          },
        },
      },
    }),
  ];
}

export function mountPaths(services: () => Services): Path[] {
  return [...tablePaths(services, "mounts"), ...tablePaths(services, "auth")];
}

/** Shared with remounting: a mount that may be moved. */
export function movable(services: Services, from: string): Mounted {
  const mounted = services.mounts.router.at(from);
  if (mounted === undefined) throw badRequest(`no matching mount at "${from}"`);
  const table: Table = mounted.entry.table === "auth" ? "auth" : "mounts";
  if (protectedPaths[table].some((prefix) => mounted.entry.path.startsWith(prefix))) {
    throw new Failure(400, `cannot remount "${from}"`);
  }
  return mounted;
}

/** For paths that tell of a mount that is not there. */
export function noMount(): Failure {
  return notFound();
}
