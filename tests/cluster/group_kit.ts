/** Raft storages that talk over real TLS, in one process, for tests of the driver and transport. */
import { systemClock, systemRandom } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { makeKeyring, tlsOf } from "../../src/ha/tls_keyring.ts";
import { ClusterPort } from "../../src/raft/net/cluster_port.ts";
import { type ClusterTls, RAFT_PROTOCOL } from "../../src/raft/net/cluster_tls.ts";
import { ownFacts } from "../../src/raft/net/node_facts.ts";
import { RaftTransport } from "../../src/raft/net/raft_transport.ts";
import { openRaftStorage, type RaftStorage, type RaftStorageOptions } from "../../src/raft/mod.ts";

export interface Running {
  readonly storage: RaftStorage;
  readonly address: string;
  /** What this node sends does not arrive. */
  cutOff: boolean;
  /** Each state that this node sends is sent twice at once. */
  doubled: boolean;
  stop(): Promise<void>;
}

let nextPort = 26100 + Math.floor(Math.random() * 300);

/** A port of this range; each is given once. */
export function port(): number {
  nextPort += 2;
  return nextPort;
}

export async function clusterTls(): Promise<ClusterTls> {
  return tlsOf(await makeKeyring(systemClock, systemRandom));
}

/** Opens a node and lets it take part. The first of a group bootstraps it. */
export async function run(
  path: string,
  id: string,
  at: number,
  tls: ClusterTls,
  options: Partial<RaftStorageOptions> = {},
): Promise<Running> {
  const storage = await openRaftStorage({
    path: `${path}/${id}`,
    nodeId: id,
    bootstrap: false,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onFatal: (error) => console.error("fatal", id, error),
    ...options,
  });
  const { group } = storage;
  const address = `127.0.0.1:${at}`;
  const transport = new RaftTransport(
    {
      nodeId: id,
      address,
      tls: () => tls,
      facts: ownFacts({ features: [] }),
      clock: systemClock,
      log: silentLogger,
    },
    {
      receive: (message) => group.receive(message),
      receiveState: (head, entries) => group.receiveState(head, entries),
      moved() {},
      introduced: () => undefined,
      isRemoved: () => false,
      removed() {},
    },
  );
  const port = new ClusterPort(silentLogger, systemClock);
  port.answer(RAFT_PROTOCOL, (connection) => transport.accept(connection));
  await port.listen([{ host: "127.0.0.1", port: at }], tls);
  const running = {
    storage,
    address,
    cutOff: false,
    doubled: false,
    async stop() {
      await port.close();
      transport.close();
      await storage.close();
    },
  };
  group.start({
    send: (message) => running.cutOff ? undefined : transport.send(message),
    sendState: async (to, head, entries) => {
      if (!running.doubled) return await transport.sendState(to, head, entries);
      const all = await Array.fromAsync(entries);
      const once = () => transport.sendState(to, head, ReadableStream.from(all));
      const taken = await Promise.all([once(), once()]);
      return taken.every((each) => each);
    },
    setPeers: (configuration) => transport.setPeers(configuration),
  }, 30);
  return running;
}

export async function until(condition: () => boolean | Promise<boolean>, ms = 10_000) {
  const end = performance.now() + ms;
  while (!await condition()) {
    if (performance.now() > end) throw new Error("it did not come to be");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
