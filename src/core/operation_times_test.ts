import { assertEquals, assertRejects } from "@std/assert";
import { backendFactory } from "../server/backends.ts";
import { plainTelemetry, type Telemetry } from "../telemetry/telemetry.ts";
import { NodeKit } from "./testing/kit.ts";

/** A node whose telemetry outlives its services. */
async function node(): Promise<{ kit: NodeKit; telemetry: () => Telemetry }> {
  let telemetry: Telemetry | undefined;
  const kit = new NodeKit({
    backends: (services, node) => backendFactory(node)(services),
    telemetry: (clock) => telemetry ??= plainTelemetry(clock),
  });
  await kit.start();
  return {
    kit,
    telemetry: () => {
      if (telemetry === undefined) throw new Error("there is none");
      return telemetry;
    },
  };
}

Deno.test("what is done with tokens, leases and policies is counted under Vault's names", async () => {
  const { kit, telemetry } = await node();
  const { registry } = telemetry();
  const count = (name: string, labels = {}) => registry.summary(name, labels).count;
  const counted = (name: string) => registry.counter(name, { namespace: "root" }).total;
  const root = count("token.create");
  const made = await kit.ask("update", "auth/token/create", { data: { ttl: "1h" } });
  assertEquals(count("token.create"), root + 1);
  assertEquals(count("token.createAccessor"), root + 1);
  assertEquals(count("expire.register-auth"), root + 1);
  const token = made.auth?.clientToken ?? "";
  await kit.ask("update", "auth/token/renew", { data: { token } });
  assertEquals([count("expire.renew-token"), count("token.store")], [1, 1]);
  await kit.ask("update", "auth/token/revoke", { data: { token } });
  assertEquals([count("token.revoke"), count("token.revoke-tree")], [1, 1]);
  await kit.ask("update", "auth/token/create", { data: { ttl: "10s" } });
  assertEquals(counted("expire.lease_expiration"), 0);
  await kit.clock.advance(11_000);
  assertEquals(counted("expire.lease_expiration"), 1);
  assertEquals(count("expire.lease_expiration.time_in_queue", { namespace: "root" }), 1);
  assertEquals(counted("expire.lease_expiration.error"), 0);
  await kit.ask("update", "sys/leases/revoke-prefix/auth/token/create");
  assertEquals(count("expire.revoke-prefix"), 1);
  const { count: set } = registry.summary("policy.set_policy");
  await kit.ask("update", "sys/policies/acl/p", { data: { policy: 'path "a" {}' } });
  await kit.ask("delete", "sys/policies/acl/p");
  await kit.ask("list", "sys/policies/acl");
  assertEquals(count("policy.set_policy"), set + 1);
  assertEquals([count("policy.delete_policy"), count("policy.list_policies")], [1, 1]);
  await assertRejects(() => kit.ask("update", "sys/policies/acl/q", { data: { policy: "x {" } }));
  assertEquals(count("policy.set_policy"), set + 1, "one that was refused is none");
  assertEquals(count("core.unseal"), 1);
  await kit.node.seal();
  assertEquals([count("core.seal"), count("core.seal-internal")], [1, 1]);
});

Deno.test("every request's check is counted, one in eight is timed", async () => {
  const { kit, telemetry } = await node();
  const { registry } = telemetry();
  const { count } = registry.summary("core.check_token");
  let reads = 0;
  const clock = registry.clock;
  const { monotonic } = clock;
  clock.monotonic = () => (reads++, monotonic.call(clock));
  for (let i = 0; i < 16; i++) await kit.ask("read", "auth/token/lookup-self");
  assertEquals(registry.summary("core.check_token").count, count + 16);
  assertEquals(registry.summary("token.lookup").count >= 16, true);
  // Start and end of the request and of the backend's part; and four more for two of them.
  assertEquals(reads <= 16 * 4 + 2 * 4 + 4, true, `${reads}`);
});

Deno.test("who is locked, and whose end is waited for, is told when somebody looks", async () => {
  const { kit, telemetry } = await node();
  const { registry } = telemetry();
  const gauge = async (name: string, queue?: string) => {
    const { gauges } = await registry.look();
    return gauges.find((one) => one.name === name && one.labels.queue_id === queue)?.value;
  };
  await kit.ask("update", "sys/auth/userpass", { data: { type: "userpass" } });
  await kit.ask("update", "auth/userpass/users/ann", { data: { password: "p" } });
  const login = (password: string) =>
    kit.status("update", "auth/userpass/login/ann", { token: "", data: { password } });
  assertEquals(await login("p"), 200);
  const created = { auth_method: "userpass", mount_point: "auth/userpass/", namespace: "root" };
  assertEquals(registry.counter("identity.entity.creation", created).total, 1);
  assertEquals(registry.summary("identity.upsert_entity_txn").count, 1);
  await kit.ask("update", "identity/group", { data: { name: "g" } });
  assertEquals(registry.summary("identity.upsert_group_txn").count, 1);
  assertEquals(await gauge("core.locked_users"), 0);
  assertEquals(await gauge("identity.entity.active.partial_month"), 1);
  assertEquals(await gauge("identity.nonentity.active.partial_month"), 0);
  for (let i = 0; i < 5; i++) await login("wrong");
  assertEquals(await gauge("core.locked_users"), 1);
  await kit.clock.jump(901_000);
  assertEquals(await gauge("core.locked_users"), 0);
  assertEquals(await gauge("expire.job_manager.queue_length", "tokens"), 0);
});
