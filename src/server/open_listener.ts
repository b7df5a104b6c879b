/** Chooses what carries a listener: Deno.serve where it can, Node's server where it must. */
import type { ListenerConfig } from "../config/server_types.ts";
import type { Platform } from "../core/backend.ts";
import { cidrContains } from "../core/cidr.ts";
import { formatHostPort, type HostPort, parseHostPort } from "./addresses.ts";
import { type Answerer, type HttpListener, ListenError } from "./listener.ts";
import type { NodeTlsOptions } from "./node_listener.ts";
import type { Trust } from "./proxy_relay.ts";
import type { TimeLimits } from "./sweep_rules.ts";
import type { Sweeper } from "./sweeper.ts";
import { readTlsPair, type TlsPaths } from "./tls_files.ts";
import { clearSocketFile, guardSocketFile } from "./unix_socket.ts";

type Values = ListenerConfig["values"];

/** Opens what a stanza describes. Throws `ListenError` or `TlsFileError`. */
export async function openListener(
  { type, values, given }: ListenerConfig,
  door: Answerer,
  platform: Platform,
  sweeper: Sweeper | undefined,
): Promise<HttpListener> {
  if (type === "unix") return await openUnix(values, door, platform);
  const parsed = parseHostPort(values.address);
  if (parsed === undefined) throw new ListenError(`"${values.address}" is no host and port`);
  const at = { host: parsed.host === "" ? everywhere() : parsed.host, port: parsed.port };
  const tls = await tlsOptions(values, given);
  const carrier = (at: HostPort, door: Answerer) =>
    openCarrier({ at, values, tls, door, platform, sweeper });
  if (values.proxy_protocol_behavior === "") return await carrier(at, door);
  const { proxyRelay } = await import("./proxy_relay.ts");
  return await proxyRelay({
    at,
    trust: (address) => trustIn(values, address),
    headerMs: values.http_read_header_timeout * 1000,
    connectionsMax: Math.floor((sweeper?.capacity ?? 3000) / 3),
    clock: platform.clock,
    log: platform.log.named("listener"),
    answerer: door,
    inner: carrier,
  });
}

/** Whether what a sender says of its client is heeded. */
function trustIn(
  { proxy_protocol_behavior: behavior, proxy_protocol_authorized_addrs: ranges }: Values,
  address: string,
): Trust {
  if (behavior === "use_always" || ranges.some((range) => cidrContains(range, address))) {
    return "heeded";
  }
  return behavior === "allow_authorized" ? "ignored" : "refused";
}

/** The server itself. */
async function openCarrier(
  { at, values, tls, door, platform, sweeper }: {
    readonly at: HostPort;
    readonly values: Values;
    readonly tls: NodeTlsOptions | undefined;
    readonly door: Answerer;
    readonly platform: Platform;
    readonly sweeper: Sweeper | undefined;
  },
): Promise<HttpListener> {
  const { clock, log } = platform;
  const limits = timeLimits(values);
  if (sweeper !== undefined && !needsNode(tls, values)) {
    const { DenoListener } = await import("./deno_listener.ts");
    return new DenoListener({ at, door, sweeper, limits, tls: tls?.pair, clock, log });
  }
  const { nodeListener } = await import("./node_listener.ts");
  return await nodeListener({
    at,
    address: formatHostPort(at),
    door,
    limits: { ...limits, readMs: values.http_read_timeout * 1000 },
    tls,
    sweeper,
    clock,
  });
}

/** All addresses of both kinds, or of IPv4 where the system has no IPv6. */
function everywhere(): string {
  try {
    Deno.listen({ hostname: "::", port: 0 }).close();
    return "::";
  } catch (error) {
    if (error instanceof Error) return "0.0.0.0";
    throw error;
  }
}

async function openUnix(values: Values, door: Answerer, platform: Platform): Promise<HttpListener> {
  const path = values.address;
  await clearSocketFile(path);
  const { nodeListener } = await import("./node_listener.ts");
  // Nobody else connects before the file has the mode that was asked for.
  const umask = values.socket_mode === undefined ? undefined : Deno.umask(0o177);
  try {
    const listener = await nodeListener({
      at: { path },
      address: path,
      door,
      limits: { ...timeLimits(values), readMs: values.http_read_timeout * 1000 },
      tls: undefined,
      sweeper: undefined,
      clock: platform.clock,
    });
    const { socket_mode: mode, socket_user: user, socket_group: group } = values;
    await guardSocketFile({ path, mode, user, group });
    return listener;
  } finally {
    if (umask !== undefined) Deno.umask(umask);
  }
}

function timeLimits(values: Values): TimeLimits {
  return {
    headerMs: values.http_read_header_timeout * 1000,
    idleMs: values.http_idle_timeout * 1000,
    writeMs: values.http_write_timeout * 1000,
  };
}

/** The files of a listener that speaks TLS. */
export function tlsPaths(
  { tls_disable, tls_cert_file, tls_key_file }: Values,
): TlsPaths | undefined {
  if (tls_disable || tls_cert_file === undefined || tls_key_file === undefined) return undefined;
  return { certPath: tls_cert_file, keyPath: tls_key_file };
}

async function tlsOptions(
  values: Values,
  given: ListenerConfig["given"],
): Promise<NodeTlsOptions | undefined> {
  const paths = tlsPaths(values);
  if (paths === undefined) return undefined;
  const caPath = values.tls_client_ca_file;
  const ca = caPath === undefined || caPath === "" ? undefined : await readCa(caPath);
  return {
    pair: await readTlsPair(paths),
    minVersion: values.tls_min_version === "tls13" ? "TLSv1.3" : "TLSv1.2",
    maxVersion: values.tls_max_version === "tls12" ? "TLSv1.2" : "TLSv1.3",
    ciphers: values.tls_cipher_suites.length === 0 ? undefined : values.tls_cipher_suites.join(":"),
    clientCertificates: clientCertificates(values, given),
    clientCa: ca,
  };
}

async function readCa(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new ListenError(`tls_client_ca_file ${path} can't be read`, { cause });
  }
}

/**
 * Asking every client for a certificate costs HTTP/2 and a third of the speed, so it is done where
 * the stanza shows that somebody wants them.
 */
export function clientCertificates(
  values: Values,
  given: ListenerConfig["given"],
): NodeTlsOptions["clientCertificates"] {
  if (values.tls_require_and_verify_client_cert) return "required";
  if (values.tls_disable_client_certs) return "none";
  const wanted = values.tls_client_ca_file !== undefined || "tls_disable_client_certs" in given;
  return wanted ? "asked" : "none";
}

function needsNode(tls: NodeTlsOptions | undefined, values: Values): boolean {
  if (tls === undefined) return false;
  return tls.clientCertificates !== "none" || tls.minVersion !== "TLSv1.2" ||
    tls.maxVersion !== "TLSv1.3" || values.tls_cipher_suites.length > 0;
}
