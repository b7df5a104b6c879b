/** Where the active node can be reached: written by it behind the barrier, read by the others. */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";

export interface Advertisement {
  /** URL for clients. */
  readonly api: string;
  /** URL for other nodes. */
  readonly cluster: string;
  /** Milliseconds since the epoch. */
  readonly activeSince: number;
}

export function advertisementKey(nodeId: string): string {
  return `core/leader/${nodeId}`;
}

export function encodeAdvertisement({ api, cluster, activeSince }: Advertisement): Bytes {
  return utf8(JSON.stringify({
    redirect_addr: api,
    cluster_addr: cluster,
    active_since: activeSince,
  }));
}

/** Throws where the bytes are none. */
export function decodeAdvertisement(bytes: Uint8Array): Advertisement {
  const parsed: unknown = JSON.parse(fromUtf8(bytes));
  const fields = new Map<string, unknown>(Object.entries(Object(parsed)));
  const api = fields.get("redirect_addr"), cluster = fields.get("cluster_addr");
  const activeSince = fields.get("active_since");
  if (typeof api !== "string" || typeof cluster !== "string" || typeof activeSince !== "number") {
    throw new Error("the active node's advertisement is of an unknown form");
  }
  return { api, cluster, activeSince };
}
