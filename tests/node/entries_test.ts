/** What lies in storage: named, decoded, and checked before surgery. */
import { assert, assertEquals } from "@std/assert";
import type { AuditDevice } from "../../src/audit/device.ts";
import { fromUtf8, utf8 } from "../../src/base/bytes.ts";
import type { NodeKit } from "../../src/core/testing/kit.ts";
import type { JsonObject } from "../../src/logical/json.ts";
import { backendTypes } from "../../src/server/backends.ts";
import { inspectEntry } from "../../src/system/entries/inspect.ts";
import { knownTypes } from "../../src/system/entries/kinds.ts";
import { plainEntries, survey } from "../../src/system/entries/survey.ts";
import { startNode } from "./kit.ts";

const known = knownTypes(backendTypes, ["file"]);

const silent: AuditDevice = {
  write: () => Promise.resolve(),
  reopen: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** A node that has stored something of every kind that it can without a network. */
async function busyNode(): Promise<NodeKit> {
  const kit = await startNode({ auditDevices: { file: () => Promise.resolve(silent) } });
  const put = (path: string, data: JsonObject) => kit.ask("update", path, { data });
  await put("sys/audit/file", { type: "file", options: { file_path: "x" } });
  await put("sys/mounts/one", { type: "kv" });
  await put("sys/mounts/two", { type: "kv", options: { version: "2" } });
  await put("sys/mounts/db", { type: "database", config: { default_lease_ttl: "1h" } });
  await put("sys/mounts/one/tune", { audit_non_hmac_request_keys: "a" });
  for (const type of ["userpass", "approle", "jwt"]) await put(`sys/auth/${type}`, { type });
  await put("one/deep/a", { v: "1" });
  await put("two/config", { max_versions: 5 });
  await put("two/data/a", { data: { v: "1" } });
  await put("two/data/a", { data: { v: "2" } });
  await put("two/metadata/a", { custom_metadata: { owner: "ann" } });
  await put("cubbyhole/c", { v: "1" });
  await put("sys/policies/acl/p", { policy: 'path "one/*" { capabilities = ["read"] }' });
  await put("sys/policies/password/w", {
    policy: 'length = 20\nrule "charset" { charset = "abc" }',
  });
  await put("auth/userpass/users/ann", { password: "secret", token_policies: "p" });
  await put("auth/userpass/login/ann", { password: "secret" });
  await put("auth/approle/role/r", { token_policies: "p" });
  await put("auth/approle/role/r/secret-id", {});
  await put("auth/token/roles/t", { allowed_policies: "p" });
  const child = await kit.token({ policies: ["p"], ttl: "1h", meta: { a: "b" } });
  await kit.ask("update", "auth/token/create", { token: child, data: {} }).catch(() => {});
  await put("auth/token/create", { policies: ["p"], num_uses: 3, period: "1h" });
  await put("identity/entity", { name: "e", metadata: { a: "b" } });
  await put("identity/group", { name: "g", policies: "p" });
  await put("sys/quotas/rate-limit/q", { rate: 100 });
  await put("sys/quotas/config", { enable_rate_limit_audit_logging: true });
  await put("sys/config/cors", { allowed_origins: "*" });
  await put("sys/config/auditing/request-headers/X-A", { hmac: true });
  await kit.ask("update", "sys/wrapping/wrap", {
    data: { a: "b" },
    wrap: { ttlSeconds: 60, format: "jwt" },
  });
  await put("sys/remount", { from: "one", to: "uno" });
  return kit;
}

const opened = ({ node }: NodeKit) =>
  plainEntries(node.physical, (key, frame) => node.barrier.decryptRaw(key, frame));

Deno.test("what a node has written has no damage, and everything of the core has a name", async () => {
  const kit = await busyNode();
  const found = await survey(opened(kit), kit.node.barrier, known);
  assertEquals(found.damages, []);
  assert(found.entries > 60);
  const unnamed: string[] = [];
  const types = new Set<string>();
  for await (const entry of opened(kit)) {
    assert("value" in entry, entry.key);
    const { type } = await inspectEntry(kit.node.barrier, entry.key, entry.value, known);
    types.add(type);
    if (type.startsWith("unknown") || type.includes("not there")) unnamed.push(entry.key);
  }
  assertEquals(unnamed, []);
  for (
    const type of [
      "mount table entry",
      "auth table entry",
      "audit table entry",
      "policy",
      "password policy",
      "token",
      "lease",
      "quota",
      "settings of HTTP",
      "secret of uno/ (kv)",
      "metadata of a secret of two/ (kv)",
      "version of a secret of two/ (kv)",
      "settings of the mount of two/ (kv)",
      "data of auth/userpass/ (userpass)",
    ]
  ) assert(types.has(type), `${type} in ${[...types].join(", ")}`);
});

Deno.test("an entry that a node could not read is told by its field, never by its value", async () => {
  const kit = await startNode();
  const entry = kit.node.services.mounts.router.at("identity/")?.entry;
  assert(entry !== undefined);
  const key = `core/mounts/${entry.uuid}`;
  const good: JsonObject = JSON.parse(JSON.stringify(entry));
  const problemOf = async (text: string, at = key) =>
    (await inspectEntry(kit.node.barrier, at, utf8(text), known)).problem;
  const changed = (change: JsonObject) => problemOf(JSON.stringify({ ...good, ...change }));
  assertEquals(await changed({}), "");
  const cases: [JsonObject, string][] = [
    [{ type: "hunter2" }, `type is none of ${[...known.engines].sort().join(", ")}`],
    [{ path: "hunter2" }, 'path does not end in "/", or begins with it'],
    [{ uuid: "hunter2" }, "uuid is not that of its key"],
    [{ table: "auth" }, 'table is not "mounts"'],
    [{ config: null }, "config is not an object"],
    [{ config: {} }, "config.defaultLeaseTtl is missing"],
    [{ local: "hunter2" }, "local is not true or false"],
    [{ options: undefined }, "options is missing"],
  ];
  for (const [change, problem] of cases) assertEquals(await changed(change), problem);
  for (const text of ["", "{hunter2", '"hunter2"', "[]", '{"a": hunter2}']) {
    const problem = await problemOf(text);
    assert(problem !== "" && !problem.includes("hunter2"), `${text}: ${problem}`);
  }
  const policy = await problemOf(
    JSON.stringify({ text: 'path "a" { capabilities = ["raed"] }', version: 1 }),
    "sys/policy/p",
  );
  assert(policy.includes("raed"), "a policy is no secret");
  assertEquals(await problemOf("short", "sys/token/salt"), "it has 5 bytes, not 32");
  assertEquals(await problemOf("anything", "nobody/knows"), "");
});

Deno.test("a survey names what does not open, two mounts at one path, and what keeps from starting first", async () => {
  const kit = await busyNode();
  const { node } = kit;
  const router = node.services.mounts.router;
  const [one, two] = [router.at("uno/")?.entry, router.at("two/")?.entry];
  assert(one !== undefined && two !== undefined);
  const put = async (key: string, text: string) =>
    await node.barrier.write([{ key, value: utf8(text) }]);
  await put(`core/mounts/${two.uuid}`, JSON.stringify({ ...two, path: "uno/" }));
  await put("sys/policy/p", "{");
  const moved = await node.physical.get("core/http-settings");
  assert(moved !== undefined);
  await node.physical.write([{ key: "core/cluster/local/info", value: moved.slice() }]);
  const found = await survey(opened(kit), node.barrier, known);
  assertEquals(found.damaged, 3);
  const told = found.damages.map(({ key, isNeeded }) => [key, isNeeded]);
  const [later] = [one.uuid, two.uuid].sort().slice(1);
  assertEquals(told, [
    ["core/cluster/local/info", true],
    [`core/mounts/${later}`, true],
    ["sys/policy/p", false],
  ]);
  assert(found.damages[0]?.problem.includes("damaged or was moved"));
  assert(found.damages[1]?.problem.includes("at the same path"));
  assert(!fromUtf8(utf8(JSON.stringify(found))).includes("capabilities"));
});
