/** Puts a server together: storage, node, listeners; and takes it apart again. */
import { describeError } from "../base/failure.ts";
import type { ListenerConfig, ServerConfig } from "../config/server_types.ts";
import type { Platform } from "../core/backend.ts";
import type { Node } from "../core/node.ts";
import { Front } from "../system/node/front.ts";
import { announcedAddresses, type NodeAddresses, parseHostPort } from "./addresses.ts";
import { assembleNode } from "./assemble.ts";
import { denoListener } from "./deno_listener.ts";
import { createDoor } from "./door.ts";
import { type HttpListener, ListenError } from "./listener.ts";
import { type OpenedStorage, openStorage } from "./open_storage.ts";

/** Requests under way get so long to end when the server stops. */
const stopGraceMs = 20_000;

export interface Server {
  readonly node: Node;
  readonly storage: OpenedStorage;
  readonly addresses: NodeAddresses;
  readonly listeners: readonly HttpListener[];
  /** Lets requests end, seals, flushes and closes the storage. Never throws. */
  stop(): Promise<void>;
}

/** Opens storage and listeners; the node is sealed. Throws what says why it can't. */
export async function startServer(
  config: ServerConfig,
  platform: Platform,
  onFatal: (error: Error) => void,
): Promise<Server> {
  const { settings } = config;
  const addresses = announcedAddresses(config);
  const storage = await openStorage(config.storage, platform, onFatal);
  const node = assembleNode(platform, {
    physical: storage.physical,
    storageType: storage.type,
    haEnabled: storage.haEnabled,
    clusterName: settings.cluster_name,
    addresses,
    defaultLeaseTtl: settings.default_lease_ttl,
    maxLeaseTtl: settings.max_lease_ttl,
    cacheEntries: settings.disable_cache ? 0 : settings.cache_size,
    raftIndexes: () => storage.raftIndexes(),
  });
  const listeners: HttpListener[] = [];
  const stop = async () => {
    await Promise.all(listeners.map((listener) => listener.stop(stopGraceMs)));
    await quietly(platform, "sealing", () => node.seal());
    await quietly(platform, "closing the storage", () => storage.close());
  };
  try {
    const front = new Front(node);
    for (const listener of config.listeners) {
      listeners.push(openListener(listener, createDoor(listener, config, front, platform)));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { node, storage, addresses, listeners, stop };
}

function openListener({ type, values }: ListenerConfig, door: ReturnType<typeof createDoor>) {
  const at = parseHostPort(values.address);
  if (type !== "tcp" || at === undefined) {
    throw new ListenError(`can't listen on ${values.address}`);
  }
  return denoListener(at, door);
}

async function quietly({ log }: Platform, what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    log.error(`${what} failed`, { error: describeError(error) });
  }
}
