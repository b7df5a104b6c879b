/** Flags and request bodies that `secrets` and `auth` share: both are tables of mounts. */
import { bool, type Flag, int, list, map, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import { UsageError } from "../errors.ts";
import { durationText, parseDuration } from "../duration.ts";
import type { Json } from "../json.ts";

/** A text, since "system" is as good as a duration here. */
const ttl = (name: string, what: string): Flag =>
  text(name, `${what} "system" means the node's own setting.`, { placeholder: "duration" });

export const tuneFlags: readonly Flag[] = [
  list("allowed-response-headers", "Header that the plugin may set in answers. May be repeated."),
  list("audit-non-hmac-request-keys", "Request field that audit logs show as it is. Repeatable."),
  list("audit-non-hmac-response-keys", "Answer field that audit logs show as it is. Repeatable."),
  ttl("default-lease-ttl", "How long leases and tokens of this mount live by default."),
  text("description", "What it is for, for people."),
  text(
    "listing-visibility",
    'Whether the user interface shows it before login: "unauth", "hidden".',
  ),
  ttl("max-lease-ttl", "How long leases and tokens of this mount may live at most."),
  map("options", "Option of the plugin, as name=value. May be repeated."),
  list("passthrough-request-headers", "Request header that the plugin sees. May be repeated."),
  text("plugin-version", "Version of the plugin, where there are several."),
  int("version", "Version of the engine, for those that have several: short for -options=version."),
];

export const enableOnlyFlags: readonly Flag[] = [
  bool("external-entropy-access", "Let it draw from an external source of random numbers."),
  bool("local", "Keep it on this cluster: it is not replicated."),
  text("path", "Where to mount it. By default the name of its type."),
  text("plugin-name", "Name of the plugin, where it is not the type."),
  bool("seal-wrap", "Wrap its storage with the seal as well."),
];

export const tokenTypeFlag: Flag = text("token-type", "Type of the tokens it hands out.", {
  placeholder: "default|service|batch",
});

const configLists = [
  "allowed-response-headers",
  "audit-non-hmac-request-keys",
  "audit-non-hmac-response-keys",
  "passthrough-request-headers",
];

const underscored = (name: string) => name.replaceAll("-", "_");

/** What the flags say about a mount's configuration; only flags that were given. */
function mountConfig(call: Call): Record<string, Json> {
  const { flags } = call;
  const config: Record<string, Json> = {};
  for (const name of configLists) {
    if (flags.given(name)) config[underscored(name)] = flags.list(name);
  }
  for (const name of ["default-lease-ttl", "max-lease-ttl"]) {
    if (flags.given(name)) config[underscored(name)] = ttlText(name, flags.text(name));
  }
  for (const name of ["listing-visibility", "plugin-version"]) {
    if (flags.given(name)) config[underscored(name)] = flags.text(name);
  }
  return config;
}

function ttlText(name: string, given: string): string {
  if (given === "system" || given === "") return given;
  const ms = parseDuration(given);
  if (ms === undefined) throw new UsageError(`invalid value for flag -${name}: no duration`);
  return durationText(ms);
}

/** The options of a mount, with -version among them. */
function mountOptions(call: Call): Record<string, string> {
  const version = call.flags.int("version");
  return {
    ...call.flags.map("options"),
    ...(version === undefined ? {} : { version: String(version) }),
  };
}

/** What enables a mount; `config` holds what only its kind of mount has beside the common settings. */
export function enableBody(
  call: Call,
  type: string,
  config: Readonly<Record<string, Json>>,
): Record<string, Json> {
  const { flags } = call;
  return {
    type,
    description: flags.text("description"),
    config: { ...mountConfig(call), ...config },
    local: flags.bool("local"),
    seal_wrap: flags.bool("seal-wrap"),
    external_entropy_access: flags.bool("external-entropy-access"),
    options: mountOptions(call),
  };
}

/** The settings of a mount that are given. */
export function tuneBody(call: Call): Record<string, Json> {
  const body = mountConfig(call);
  const options = mountOptions(call);
  if (call.flags.given("description")) body.description = call.flags.text("description");
  if (Object.keys(options).length > 0) body.options = options;
  return body;
}
