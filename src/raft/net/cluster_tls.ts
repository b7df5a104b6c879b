/** The certificate and key that all nodes of a cluster share, and what they say to TLS. */

/** What the connections of one protocol are told by (RFC 7301). */
export const RAFT_PROTOCOL = "raft_storage_v1";
export const FORWARDING_PROTOCOL = "req_fw_sb-act_v1";

export interface ClusterTls {
  /** PEM of a certificate that is its own anchor: who shows it, and has its key, belongs here. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** The name in the certificate; it stays while keys change. */
  readonly serverName: string;
  /** PEM of all certificates that are accepted, this one among them. */
  readonly trusted: readonly string[];
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Of `host:port` or `https://host:port`; undefined where it is neither. */
export function parseEndpoint(address: string): Endpoint | undefined {
  const bare = address.replace(/^[a-z]+:\/\//, "").replace(/\/.*$/, "");
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(bare);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65535) return undefined;
  return { host: match[1] ?? match[2] ?? "", port };
}
