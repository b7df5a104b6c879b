import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { enableAuth, loginNode } from "../auth/common/testing.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { NodeKit } from "../core/testing/kit.ts";
import { InmemStorage } from "../storage/inmem.ts";

const path = "sys/internal/counters/activity/export";
const day = 86_400_000;

async function exported(kit: NodeKit, data: Record<string, string> = {}) {
  const { raw } = await kit.ask("read", path, { data });
  assert(raw !== undefined);
  const text = raw.body === null ? "" : await new Response(raw.body).text();
  return { ...raw, lines: text.split("\n").filter((line) => line !== "") };
}

/** A node on which ann, an entity of a group, and tokens of one policy have been at work. */
async function usedNode(physical = new InmemStorage()): Promise<NodeKit> {
  const kit = await loginNode(physical);
  await enableAuth(kit, "userpass");
  await kit.ask("update", "auth/userpass/users/ann", { data: { password: "p" } });
  const login = await kit.ask("update", "auth/userpass/login/ann", {
    token: "",
    data: { password: "p" },
  });
  const entity = login.auth?.entityId ?? "";
  await kit.ask("update", `identity/entity/id/${entity}`, {
    data: { metadata: { team: "blue" }, policies: ["p1"] },
  });
  await kit.ask("update", "identity/group", { data: { name: "g", member_entity_ids: [entity] } });
  await kit.clock.jump(3_600_000);
  await kit.ask("update", "auth/token/create", { data: { policies: ["x"] } });
  await kit.ask("update", "auth/token/create", { data: { policies: ["x"] } });
  return kit;
}

Deno.test("each client is written out once, with who it is and when it was first there", async () => {
  const kit = await usedNode();
  const { lines, headers, contentType } = await exported(kit);
  assertEquals(contentType, "application/json");
  assertEquals(headers?.warning, undefined);
  const [ann, token, ...more] = lines.map((line) => JSON.parse(line));
  assertEquals(more, []);
  assertEquals(
    [ann.client_type, ann.mount_path, ann.mount_type, ann.entity_alias_name, ann.policies],
    ["entity", "auth/userpass/", "userpass", "ann", ["p1"]],
  );
  assertEquals([ann.entity_metadata, ann.entity_group_ids.length], [{ team: "blue" }, 1]);
  assertEquals(
    [token.client_type, token.mount_path, token.policies],
    ["non-entity-token", "auth/token/", ["default", "x"]],
  );
  assertEquals(
    Date.parse(token.client_first_used_time) - Date.parse(ann.client_first_used_time),
    3_600_000,
  );
  assertEquals(token.token_creation_time, token.client_first_used_time);
  const csv = await exported(kit, { format: "csv" });
  assertEquals(csv.contentType, "text/csv");
  assertStringIncludes(csv.lines[0] ?? "", "client_first_used_time,entity_name,");
  assertStringIncludes(csv.lines[0] ?? "", "policies.0,entity_metadata.team,");
  assertEquals(csv.lines.length, 3);
  assertEquals(await kit.status("read", path, { data: { format: "xml" } }), 400);
});

Deno.test("who was there in the month before is told with its first use of then", async () => {
  const kit = await usedNode();
  const before = (await exported(kit)).lines;
  await kit.clock.jump(31 * day);
  await kit.ask("update", "auth/token/create", { data: { policies: ["x"] } });
  assertEquals((await exported(kit)).lines, before);
  const start_time = new Date(kit.clock.now()).toISOString();
  const now = await exported(kit, { start_time });
  assertEquals(now.lines.length, 1);
  const [token] = now.lines.map((line) => JSON.parse(line));
  assertEquals(Date.parse(token.client_first_used_time), kit.clock.now());
  const none = await exported(kit, { end_time: "2020-01-02T00:00:00Z", start_time: "1577836800" });
  assertEquals([none.status, none.lines], [204, []]);
});

Deno.test("it takes sudo", async () => {
  const kit = await usedNode();
  const policy = `path "${path}" { capabilities = ["read"] }`;
  await kit.ask("update", "sys/policies/acl/look", { data: { policy } });
  const token = await kit.token({ policies: ["look"] });
  assertEquals(await kit.status("read", path, { token }), 403);
});

Deno.test("a restart keeps who the clients are; of those that an older version counted it tells the number", async () => {
  const physical = new InmemStorage();
  const kit = await usedNode(physical);
  const { lines } = await exported(kit);
  await kit.node.seal();
  const again = await loginNode(physical);
  assertEquals((await exported(again)).lines, lines);
  // As an older version leaves them: it writes neither the rows nor how many there are.
  const folder = `sys/clients/month/${new Date(again.clock.now()).toISOString().slice(0, 7)}/`;
  await again.node.services.transactions.run(async (t) => {
    const head = JSON.parse(fromUtf8(await t.get(`${folder}head`) ?? utf8("")));
    assertEquals(head.known, 2);
    t.put(`${folder}head`, utf8(JSON.stringify({ ...head, known: undefined })));
    t.delete(`${folder}first-00000`);
  });
  await again.node.seal();
  const last = await loginNode(physical);
  await last.ask("update", "auth/token/create", { data: { policies: ["y"] } });
  const left = await exported(last);
  assertEquals(left.lines.length, 1);
  assertStringIncludes(left.headers?.warning ?? "", "2 clients are left out");
  const counted = await last.ask("read", "sys/internal/counters/activity/monthly");
  assertEquals(counted.data?.clients, 3);
});
