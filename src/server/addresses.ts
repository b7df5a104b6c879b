/** The addresses that a node tells others, and those of its listeners. */
import type { ListenerConfig, ServerConfig } from "../config/server_types.ts";

export interface HostPort {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8200`, `[::1]:8200`, `:8200`. Undefined where it is none. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) return undefined;
  return { host: match[1] ?? match[2] ?? "", port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where other nodes reach this one through a listener: as configured, or the next port. */
export function clusterAddressOf(listener: ListenerConfig): string {
  const { address, cluster_address } = listener.values;
  if (cluster_address !== undefined && cluster_address !== "") return cluster_address;
  const parsed = parseHostPort(address);
  if (parsed === undefined) return "";
  return formatHostPort({ host: parsed.host, port: Math.min(parsed.port + 1, 65535) });
}

export interface NodeAddresses {
  /** URL for clients; "" where it is not known. */
  readonly api: string;
  /** URL for other nodes. */
  readonly cluster: string;
  /** The configuration did not say where clients reach this node. */
  readonly guessed: boolean;
}

/**
 * What the node announces. Without `api_addr` the first listener that others could reach tells;
 * one that listens everywhere does not, because any guess of the machine's address may be wrong.
 */
export function announcedAddresses({ settings, listeners }: ServerConfig): NodeAddresses {
  const guessed = settings.api_addr === "";
  const api = guessed ? guessApiAddress(listeners) : settings.api_addr;
  if (settings.disable_clustering) return { api, cluster: "", guessed };
  return { api, cluster: clusterUrl(settings.cluster_addr, api), guessed };
}

function guessApiAddress(listeners: readonly ListenerConfig[]): string {
  for (const { type, values } of listeners) {
    if (type !== "tcp") continue;
    const parsed = parseHostPort(values.address);
    if (parsed === undefined || isWildcard(parsed.host)) continue;
    return `${values.tls_disable ? "http" : "https"}://${values.address}`;
  }
  return "";
}

function isWildcard(host: string): boolean {
  return host === "" || host === "0.0.0.0" || host === "::";
}

/** Nodes always speak TLS with each other, whatever the scheme says. */
function clusterUrl(configured: string, api: string): string {
  if (configured !== "") {
    return `https://${configured.replace(/^[a-z]+:\/\//, "")}`;
  }
  const match = /^https?:\/\/(.+)$/.exec(api);
  if (match?.[1] === undefined) return "";
  const parsed = parseHostPort(match[1].replace(/\/.*$/, ""));
  if (parsed === undefined) return "";
  return `https://${formatHostPort({ host: parsed.host, port: parsed.port + 1 })}`;
}
