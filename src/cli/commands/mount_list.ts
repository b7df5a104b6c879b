/** The tables of `secrets list` and `auth list`. */
import type { Call } from "../call.ts";
import { toSecret } from "../client/secret.ts";
import { asObject, asText, type Json, type JsonObject } from "../json.ts";
import { titled } from "../output/table.ts";
import { valueText } from "../output/value_text.ts";

/** The mounts by path. Old nodes answer with them at the top level. */
export async function fetchMounts(call: Call, path: string, doing: string): Promise<JsonObject> {
  const client = await call.client();
  const answer = await call.during(doing, client.send({ method: "GET", path }));
  return asObject(toSecret(answer.json)?.data);
}

/** The mounts with the fields that nodes leave out when they are empty. */
function completeMounts(mounts: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(mounts).map(([path, mount]) => [path, { ...emptyFields, ...asObject(mount) }]),
  );
}

const emptyFields: JsonObject = {
  uuid: "",
  type: "",
  description: "",
  accessor: "",
  config: {},
  options: null,
  local: false,
  seal_wrap: false,
  external_entropy_access: false,
  plugin_version: "",
  running_plugin_version: "",
  running_sha256: "",
  deprecation_status: "",
};

export interface Column {
  readonly title: string;
  cell(mount: JsonObject, path: string): string;
}

const text = (value: Json | undefined) => value === undefined ? "" : valueText(value);

const field = (title: string, name: string): Column => ({
  title,
  cell: (mount) => text(mount[name]),
});

const setting = (title: string, name: string): Column => ({
  title,
  cell: (mount) => text(asObject(mount.config)[name]),
});

const ttl = (title: string, name: string): Column => ({
  title,
  cell(mount) {
    if (["system", "cubbyhole"].includes(asText(mount.type))) return "n/a";
    const seconds = asObject(mount.config)[name] ?? 0;
    return seconds === 0 ? "system" : text(seconds);
  },
});

export const path: Column = { title: "Path", cell: (_mount, name) => name };
export const type: Column = field("Type", "type");
export const accessor: Column = field("Accessor", "accessor");
export const description: Column = field("Description", "description");
export const pluginVersion: Column = field("Version", "plugin_version");

/** All columns of -detailed; the fourth group differs between engines and auth methods. */
function detailedColumns(kind: "secrets" | "auth"): Column[] {
  return [
    path,
    field("Plugin", "type"),
    accessor,
    ttl("Default TTL", "default_lease_ttl"),
    ttl("Max TTL", "max_lease_ttl"),
    kind === "secrets"
      ? setting("Force No Cache", "force_no_cache")
      : setting("Token Type", "token_type"),
    {
      title: "Replication",
      cell: (mount) => mount.local === true ? "local" : "replicated",
    },
    field("Seal Wrap", "seal_wrap"),
    field("External Entropy Access", "external_entropy_access"),
    { title: "Options", cell: (mount) => text(asObject(mount.options)) },
    description,
    field("UUID", "uuid"),
    pluginVersion,
    field("Running Version", "running_plugin_version"),
    field("Running SHA256", "running_sha256"),
    field("Deprecation Status", "deprecation_status"),
  ];
}

/** Prints the mounts as a table of these columns. */
function printMounts(call: Call, mounts: JsonObject, columns: readonly Column[]): void {
  const paths = Object.keys(mounts).sort();
  const rows = paths.map((name) =>
    columns.map((column) => column.cell(asObject(mounts[name]), name))
  );
  call.lines(titled(columns.map((column) => column.title), rows));
}

/** `secrets list` and `auth list`: everything with -detailed, else the columns of `short`. */
export async function listMounts(
  call: Call,
  kind: "secrets" | "auth",
  short: readonly Column[],
): Promise<number> {
  const [where, what] = kind === "auth"
    ? ["sys/auth", "listing auth methods"] as const
    : ["sys/mounts", "listing secrets engines"] as const;
  const mounts = await fetchMounts(call, where, what);
  if (!call.forPeople) return await call.value(completeMounts(mounts));
  printMounts(call, mounts, call.flags.bool("detailed") ? detailedColumns(kind) : short);
  return 0;
}
