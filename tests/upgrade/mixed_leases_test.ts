/**
 * Leases of batch tokens in a cluster of an earlier version, which knows nothing of `tokenEnd`, and of
 * today's: either makes, renews and revokes them while it is active, and once today's is active none
 * outlives its token, whoever has renewed it.
 */
import { assert, assertEquals } from "@std/assert";
import { TestRedis } from "../../src/engines/database/testing/redis.ts";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import {
  activeOf,
  call,
  type Cluster,
  type ClusterNode,
  makeCluster,
  settled,
  voters,
} from "../cluster/process_kit.ts";
import { checkOut } from "./history.ts";
import { restart } from "./restart.ts";

/** The last one that had leases of batch tokens without `tokenEnd`. */
const commit = "4b83263";

interface Made {
  readonly lease: string;
  readonly user: string;
  readonly password: string;
}

/** Lets the active node step down until one of these is active. */
async function lead(cluster: Cluster, wanted: readonly ClusterNode[]): Promise<ClusterNode> {
  for (let i = 0; i < 20; i++) {
    const active = await settled(cluster.nodes);
    if (wanted.includes(active)) return active;
    await api(active.address, "sys/step-down", { token: cluster.token, method: "PUT" });
    await eventually(async () => {
      const next = await activeOf(cluster.nodes);
      return next !== undefined && next !== active;
    });
  }
  throw new Error("it does not become active");
}

/** What the tests ask of a cluster with a database. */
function client({ token }: Cluster) {
  const batchToken = async (node: ClusterNode, ttl: string): Promise<string> => {
    const body = { type: "batch", policies: ["reader"], ttl, no_parent: true };
    const made = await call(node, "auth/token/create", { token, body });
    return String(made.at("auth", "client_token"));
  };
  return {
    batchToken,
    async user(node: ClusterNode, by: string): Promise<Made> {
      const made = await call(node, "database/creds/r", { token: by });
      return {
        lease: String(made.at("lease_id")),
        user: String(made.at("data", "username")),
        password: String(made.at("data", "password")),
      };
    },
    async renew(node: ClusterNode, { lease }: Made): Promise<{ status: number; ttl: number }> {
      const body = { lease_id: lease, increment: "1h" };
      const answer = await api(node.address, "sys/leases/renew", { token, body });
      return { status: answer.status, ttl: Number(answer.at("lease_duration")) };
    },
    async revoke(node: ClusterNode, { lease }: Made): Promise<void> {
      await call(node, "sys/leases/revoke", { token, body: { lease_id: lease, sync: true } });
    },
    /** Seconds left; undefined where there is no such lease. */
    async left(node: ClusterNode, { lease }: Made): Promise<number | undefined> {
      const answer = await api(node.address, "sys/leases/lookup", {
        token,
        body: { lease_id: lease },
      });
      return answer.status === 200 ? Number(answer.at("data", "ttl")) : undefined;
    },
  };
}

Deno.test("leases of batch tokens in a cluster of an earlier version and of today's", async () => {
  await using folder = await scratch();
  const old = `${folder.path}/old`;
  if (!await checkOut(commit, old)) {
    console.log(`skipped: the repository's history does not reach back to ${commit}`);
    return;
  }
  const redis = await TestRedis.start();
  if (redis === undefined) return;
  try {
    await using cluster = await makeCluster(folder.path, ["a", "b", "c"], { source: old });
    const { nodes, token, key } = cluster;
    const [a, b, c] = nodes;
    assert(a !== undefined && b !== undefined && c !== undefined);
    await eventually(async () => await voters(a, token) === 3);
    await call(a, "sys/mounts/database", { token, body: { type: "database" }, method: "POST" });
    await call(a, "database/config/db", { token, body: redis.config });
    const body = {
      db_name: "db",
      creation_statements: redis.creation,
      default_ttl: "1h",
      max_ttl: "24h",
    };
    await call(a, "database/roles/r", { token, body });
    const policy = `path "database/creds/r" { capabilities = ["read"] }`;
    await call(a, "sys/policies/acl/reader", { token, body: { policy } });
    const { batchToken, user, renew, revoke, left } = client(cluster);
    const works = ({ user, password }: Made) => redis.login(user, password);

    await restart(b, undefined, key);
    await restart(c, undefined, key);

    // The earlier version is active.
    await lead(cluster, [a]);
    const long = await batchToken(a, "10h");
    const ofOld = await user(a, long), alsoOfOld = await user(a, long);
    assertEquals((await renew(a, ofOld)).status, 200);
    const goneAtOld = await user(a, long);
    await revoke(a, goneAtOld);
    assert(await works(ofOld) && !await works(goneAtOld));

    // Today's is.
    let today = await lead(cluster, [b, c]);
    const short = await batchToken(today, "60s");
    const shortMade = Date.now();
    const brief = await user(today, short), renewedByOld = await user(today, short);
    const revokedByOld = await user(today, short), lasting = await user(today, long);
    for (const made of [brief, renewedByOld, revokedByOld]) {
      assert((await left(today, made) ?? 0) <= 60);
      const renewed = await renew(today, made);
      assertEquals([renewed.status, renewed.ttl <= 60], [200, true]);
    }
    assertEquals((await renew(today, lasting)).ttl, 3600);
    assertEquals((await renew(today, ofOld)).status, 400, "nobody knows when its token ends");
    await revoke(today, alsoOfOld);
    assert(!await works(alsoOfOld));

    // The earlier one is again, and knows no end of a token.
    await lead(cluster, [a]);
    assert((await renew(a, renewedByOld)).ttl > 60, "this test shows nothing otherwise");
    await revoke(a, revokedByOld);
    assert(!await works(revokedByOld));
    for (const made of [ofOld, renewedByOld, lasting]) assert(await works(made));

    // Today's again: what was renewed beyond its token has the token's end.
    today = await lead(cluster, [b, c]);
    await eventually(async () => (await left(today, renewedByOld) ?? 0) <= 60);
    await restart(a, undefined, key);
    await eventually(
      async () => !(await works(renewedByOld) || await works(brief)),
      () => `they outlive their token, which was made ${Date.now() - shortMade} ms ago`,
      90_000,
    );
    today = await settled(nodes);
    // A node that became active just now may still list them, to look for their users again.
    for (const made of [renewedByOld, brief]) assertEquals(await left(today, made) ?? 0, 0);

    // Nothing else is lost.
    for (const made of [ofOld, lasting]) {
      assert(await works(made));
      assert((await left(today, made) ?? 0) > 3000);
    }
    assertEquals((await renew(today, lasting)).ttl, 3600);
    await revoke(today, ofOld);
    await revoke(today, lasting);
    assertEquals(await redis.users("V%"), 0);
  } finally {
    await redis.server.remove();
  }
});
