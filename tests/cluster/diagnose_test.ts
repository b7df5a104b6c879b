/** `operator raft diagnose` against real nodes: it finds them, and names what is wrong. */
import { assert, assertEquals } from "@std/assert";
import { eventually, scratch, spawn } from "../../src/server/testing.ts";
import { call, type ClusterNode, kill, makeCluster } from "./process_kit.ts";

interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly message: string;
}

async function diagnose(node: ClusterNode, token: string, ...args: string[]) {
  const env = { VAULT_ADDR: node.address, VAULT_TOKEN: token };
  const ran = spawn(["operator", "raft", "diagnose", "-format=json", ...args], env);
  const code = await ran.ended;
  assert(ran.output().startsWith("{"), ran.output());
  const told: { peers: { name: string; address: string; checks: Check[] }[] } = JSON.parse(
    ran.output(),
  );
  return { code, peers: told.peers };
}

Deno.test("all is well, then a peer is gone, then one is of another cluster", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  await using other = await makeCluster(folder.path, ["x", "y"]);
  const { nodes: [a, b, c], token } = cluster;
  const [x] = other.nodes;
  assert(a !== undefined && b !== undefined && c !== undefined && x !== undefined);
  const host = (node: ClusterNode) => `127.0.0.1:${node.port + 1}`;
  await eventually(async () => {
    const told = await call(a, "sys/ha-status", { token });
    return told.at("data", "nodes", 2, "api_address") !== undefined;
  });
  const well = await diagnose(a, token);
  assertEquals(well.code, 0, JSON.stringify(well.peers));
  assertEquals(well.peers.length, 6, "the cluster port and the API of each");
  const port = well.peers.find(({ address }) => address === host(b));
  assertEquals(port?.checks.map(({ check }) => check), ["DNS", "TCP", "TLS", "cluster"]);
  const api = well.peers.find(({ address }) => address === b.address);
  assertEquals(api?.checks.map(({ check }) => check), ["DNS", "TCP", "API", "cluster", "clock"]);

  await kill(c);
  const gone = await diagnose(a, token);
  assertEquals(gone.code, 1);
  const wrong = gone.peers.flatMap(({ name, checks }) =>
    checks.filter(({ ok }) => !ok).map(({ check }) => `${name} ${check}`)
  );
  assertEquals([...new Set(wrong)], ["c TCP"]);

  const named = [host(a), host(b), host(x), x.address, "http://nowhere.invalid:8200"];
  const foreign = await diagnose(a, token, ...named);
  assertEquals(foreign.code, 1);
  const found = foreign.peers.flatMap(({ address, checks }) =>
    checks.filter(({ ok }) => !ok).map(({ check, message }) => `${address} ${check} ${message}`)
  );
  assertEquals(found.length, 3, found.join("\n"));
  assert(found[0]?.startsWith(`${host(x)} cluster it shows another cluster's certificate`));
  assert(found[1]?.startsWith(`${x.address} cluster it is of another cluster`));
  assert(found[2]?.startsWith("http://nowhere.invalid:8200 DNS nowhere.invalid has no address"));
});
