import { api, eventually } from "../../src/server/testing.ts";
import { call, type ClusterNode, kill, start } from "../cluster/process_kit.ts";

/** Ends a node, and starts and unseals it from another version's source, or as today's program. */
export async function restart(node: ClusterNode, source: string | undefined, key: string) {
  // Earlier versions wait without end for who proves itself just as they close their port.
  const isEarlier = node.source !== undefined;
  const patience = isEarlier
    ? setTimeout(() => node.process?.signal("SIGKILL"), 20_000)
    : undefined;
  await kill(node, "SIGTERM");
  clearTimeout(patience);
  node.source = source;
  await start(node);
  await call(node, "sys/unseal", { body: { key } });
  await eventually(async () => [200, 429].includes((await api(node.address, "sys/health")).status));
}
