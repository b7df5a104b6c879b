/** What was asked for and is not in this build: said at the start rather than found out later. */
import type { ServerOptions } from "../cli/server_options.ts";
import { formatNote } from "../config/note.ts";
import type { ListenerConfig, ServerConfig } from "../config/server_types.ts";
import { clientCertificates } from "./open_listener.ts";

/** One sentence each; a server that ignored them would not be what its owner takes it for. */
export function unsupportedFlags({ recovery, dev }: ServerOptions): string[] {
  const found: string[] = [];
  if (recovery && dev !== undefined) found.push("-dev and -recovery exclude each other");
  if (dev?.threeNode === true) found.push("-dev-three-node is not in this build");
  if (dev?.autoSeal === true) found.push("-dev-auto-seal is not in this build");
  return found;
}

/** Flags that are taken and change nothing. */
export function ignoredFlags({ dev, experiments }: ServerOptions): string[] {
  const found: string[] = [];
  if (dev !== undefined) {
    if (dev.ha) found.push("-dev-ha has no effect: a dev server is one node in memory");
    if (dev.latencyMs > 0) found.push("-dev-latency has no effect in this build");
    if (dev.leasedKv) found.push("-dev-leased-kv has no effect in this build");
    if (dev.pluginDir !== "") found.push("-dev-plugin-dir has no effect: there are no plugins");
  }
  if (experiments.some((name) => name !== "")) {
    found.push("there are no experiments to take part in");
  }
  return found;
}

export interface Complaints {
  readonly errors: string[];
  readonly warnings: string[];
}

/**
 * Settings that this build can't follow. Those that would open or break the door are errors, the
 * others warnings.
 */
export function unsupportedSettings(config: ServerConfig): Complaints {
  const complaints: Complaints = { errors: [], warnings: [] };
  for (const listener of config.listeners) {
    const place = (message: string) => formatNote({ ...listener.at, message });
    complaints.errors.push(...listenerErrors(listener).map(place));
    complaints.warnings.push(...listenerWarnings(listener).map(place));
  }
  const sealed = config.seals.find(({ type, values }) => type !== "shamir" && !values.disabled);
  if (sealed !== undefined) {
    const message = `seal "${sealed.type}" is not in this build`;
    complaints.errors.push(formatNote({ ...sealed.at, message }));
  }
  return complaints;
}

function listenerErrors({ values }: ListenerConfig): string[] {
  const found: string[] = [];
  if (values.tls_acme_domains.length > 0) found.push("ACME is not in this build");
  if (values.chroot_namespace !== "") found.push("chroot_namespace is not in this build");
  return found;
}

function listenerWarnings({ type, values, given }: ListenerConfig): string[] {
  const found: string[] = [];
  if (values.cors_enabled) {
    found.push("cors_enabled has no effect on a listener; sys/config/cors sets it for the node");
  }
  if (type === "unix") return found;
  if (/^tls1[01]$/.test(values.tls_min_version)) {
    found.push("TLS below 1.2 is not offered, whatever tls_min_version says");
  }
  if (values.tls_cipher_suites.length > 0) {
    found.push("tls_cipher_suites: only suites that the runtime knows count");
  }
  if (!values.tls_disable && clientCertificates(values, given) !== "none") {
    found.push("this listener asks for client certificates, so it speaks HTTP/1.1 only");
  }
  return found;
}
