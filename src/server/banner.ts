/** What a server prints when it starts, for the person who started it. */
import type { ListenerConfig, ServerConfig } from "../config/server_types.ts";
import { formatDuration } from "../config/units.ts";
import { version } from "../base/version.ts";
import { clusterAddressOf, type NodeAddresses } from "./addresses.ts";
import { buildDate } from "./assemble.ts";

export interface BannerFacts {
  readonly config: ServerConfig;
  readonly addresses: NodeAddresses;
  readonly storageType: string;
  readonly haEnabled: boolean;
  readonly recovery: boolean;
  /** Name of the cryptographic provider. */
  readonly crypto: string;
  readonly logLevel: string;
}

const keyWidth = 24;

/** The table of the configuration as it is used, ending in an empty line. */
export function banner(facts: BannerFacts): string {
  const { config, addresses } = facts;
  const rows: [string, string][] = [];
  if (addresses.api !== "") rows.push(["Api Address", addresses.api]);
  if (addresses.cluster !== "") rows.push(["Cluster Address", addresses.cluster]);
  rows.push(["Crypto", facts.crypto]);
  config.listeners.forEach((listener, at) => {
    rows.push([`Listener ${at + 1}`, describeListener(listener, config)]);
  });
  rows.push(["Log Level", facts.logLevel]);
  rows.push(["Recovery Mode", String(facts.recovery)]);
  rows.push(["Runtime", `deno ${Deno.version.deno}`]);
  rows.push([
    "Storage",
    facts.haEnabled ? `${facts.storageType} (HA available)` : facts.storageType,
  ]);
  rows.push(["Version", `Holdfast v${version}, built ${buildDate}`]);
  const lines = rows.map(([key, value]) => `${key.padStart(keyWidth)}: ${value}`);
  return `==> Holdfast server configuration:\n\n${lines.join("\n")}\n\n`;
}

/** The line after which the server answers. */
export const startedLine = "==> Holdfast server started!\n";
export const stoppingLine = "==> Holdfast shutdown triggered\n";

function describeListener(listener: ListenerConfig, config: ServerConfig): string {
  const { values, type } = listener;
  const duration = values.max_request_duration ?? config.settings.default_max_request_duration;
  // The peer counts what a body's JSON takes; where nothing is configured these are its defaults.
  const memory = values.max_request_json_memory || values.max_request_size + 512 * 1024;
  const strings = values.max_request_json_strings || 1000;
  const facts: [string, string][] = type === "unix" ? [] : [
    ["addr", values.address],
    ["cluster address", clusterAddressOf(listener)],
  ];
  facts.push(
    ["max_request_duration", formatDuration(duration)],
    ["max_request_json_memory", String(memory)],
    ["max_request_json_strings", String(strings)],
    ["max_request_size", String(values.max_request_size)],
  );
  if (type === "tcp") facts.push(["tls", values.tls_disable ? "disabled" : "enabled"]);
  return `${type} (${facts.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(", ")})`;
}
