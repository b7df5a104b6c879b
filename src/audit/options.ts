/** The options that every type of device has. */
import { badRequest } from "../base/failure.ts";
import { type DeviceOptions, flag } from "./device.ts";
import { type Exclude, type Filter, parseExclude, parseFilter } from "./filter.ts";

export interface DeviceSettings {
  readonly format: "json" | "jsonx";
  readonly hmacAccessor: boolean;
  /** Nothing is hashed: for tests of log pipelines only. */
  readonly logRaw: boolean;
  /** Lists are logged by their length. */
  readonly elideListResponses: boolean;
  /** In front of each line. */
  readonly prefix: string;
  /** Opened without a test line. */
  readonly skipTest: boolean;
  /** Takes what no device with a filter took. */
  readonly fallback: boolean;
  readonly filter: Filter | undefined;
  readonly exclude: Exclude | undefined;
}

const common = [
  "elide_list_responses",
  "exclude",
  "fallback",
  "filter",
  "format",
  "hmac_accessor",
  "log_raw",
  "prefix",
  "skip_test",
];

/** Characters of a prefix. */
const prefixMax = 256;

/** Reads them. Throws a 400 `Failure` that names the option. */
export function readSettings(options: DeviceOptions, allowsPrefix: boolean): DeviceSettings {
  const { format = "", prefix = "", filter = "", exclude = "" } = options;
  if (!["", "json", "jsonx"].includes(format)) throw badRequest(`unknown format type "${format}"`);
  if (prefix !== "" && !allowsPrefix) {
    throw badRequest(
      "prefix is not allowed: allow_audit_log_prefixing = true in the configuration allows it",
    );
  }
  if (prefix.length > prefixMax) throw badRequest(`prefix is longer than ${prefixMax} characters`);
  const fallback = flag(options, "fallback", false);
  if (fallback && filter !== "") throw badRequest("a fallback device can't have a filter");
  return {
    format: format === "jsonx" ? "jsonx" : "json",
    hmacAccessor: flag(options, "hmac_accessor", true),
    logRaw: flag(options, "log_raw", false),
    elideListResponses: flag(options, "elide_list_responses", false),
    prefix,
    skipTest: flag(options, "skip_test", false),
    fallback,
    filter: filter === "" ? undefined : parseFilter(filter),
    exclude: exclude === "" ? undefined : parseExclude(exclude),
  };
}

/** Throws a 400 `Failure` for an option that is neither common nor one of the type's own. */
export function refuseUnknown(options: DeviceOptions, own: readonly string[]): void {
  const known = [...own, ...common];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw badRequest(`unknown option ${JSON.stringify(unknown)}; there are ${known.join(", ")}`);
}
