/** What an identity grants and forbids reaches every request at once. */
import { assertEquals } from "@std/assert";
import { accessorOf, enableAuth, loginNode } from "../../auth/common/testing.ts";
import type { NodeKit } from "../../core/testing/kit.ts";

interface Person {
  readonly kit: NodeKit;
  readonly token: string;
  readonly entityId: string;
}

/** Ann, logged in, on a node with a key/value mount. */
async function start(): Promise<Person> {
  const kit = await loginNode();
  await enableAuth(kit, "userpass");
  await kit.ask("update", "sys/mounts/kv", { data: { type: "kv" } });
  await kit.ask("update", "auth/userpass/users/ann", { data: { password: "x" } });
  const { auth } = await kit.ask("update", "auth/userpass/login/ann", {
    token: "",
    data: { password: "x" },
  });
  return { kit, token: auth?.clientToken ?? "", entityId: auth?.entityId ?? "" };
}

async function policy(kit: NodeKit, name: string, path: string): Promise<void> {
  const text = `path "${path}" { capabilities = ["create", "update", "read"] }`;
  await kit.ask("update", `sys/policies/acl/${name}`, { data: { policy: text } });
}

function write({ kit, token }: Person, path: string): Promise<number> {
  return kit.status("update", path, { token, data: { a: "1" } });
}

Deno.test("a policy counts from the moment the entity gets it until it goes", async () => {
  const ann = await start();
  await policy(ann.kit, "team", "kv/team/*");
  const entity = `identity/entity/id/${ann.entityId}`;
  for (let round = 0; round < 3; round++) {
    assertEquals(await write(ann, "kv/team/a"), 403);
    await ann.kit.ask("update", entity, { data: { policies: "team" } });
    assertEquals(await write(ann, "kv/team/a"), 200);
    await ann.kit.ask("update", entity, { data: { policies: "" } });
  }
});

Deno.test("a policy of a group above the entity's counts, and goes with the group", async () => {
  const ann = await start();
  const { kit } = ann;
  await policy(kit, "team", "kv/team/*");
  const inner = await kit.ask("update", "identity/group", {
    data: { name: "inner", member_entity_ids: [ann.entityId] },
  });
  assertEquals(await write(ann, "kv/team/a"), 403);
  await kit.ask("update", "identity/group", {
    data: { name: "outer", policies: "team", member_group_ids: [String(inner.data?.id)] },
  });
  assertEquals(await write(ann, "kv/team/a"), 200);
  await kit.ask("delete", "identity/group/name/inner");
  assertEquals(await write(ann, "kv/team/a"), 403);
});

Deno.test("templates are filled in for the caller, and follow its changes", async () => {
  const ann = await start();
  const { kit, token } = ann;
  const accessor = accessorOf(kit, "auth/userpass/");
  await policy(
    kit,
    "own",
    `kv/{{identity.entity.metadata.team}}/{{identity.entity.aliases.${accessor}.name}}`,
  );
  const entity = `identity/entity/id/${ann.entityId}`;
  await kit.ask("update", entity, { data: { policies: "own", metadata: { team: "red" } } });
  assertEquals(await write(ann, "kv/red/ann"), 200);
  assertEquals(await write(ann, "kv/red/bob"), 403);
  await kit.ask("update", entity, { data: { metadata: { team: "blue" } } });
  assertEquals(await write(ann, "kv/red/ann"), 403);
  assertEquals(await write(ann, "kv/blue/ann"), 200);
  await kit.ask("update", "auth/userpass/users/bob", {
    data: { password: "x", token_policies: "own" },
  });
  const bob = await kit.ask("update", "auth/userpass/login/bob", {
    token: "",
    data: { password: "x" },
  });
  await kit.ask("update", `identity/entity/id/${bob.auth?.entityId}`, {
    data: { metadata: { team: "blue" } },
  });
  const asBob = { kit, token: bob.auth?.clientToken ?? "", entityId: "" };
  assertEquals(await write(asBob, "kv/blue/bob"), 200);
  assertEquals(await write(asBob, "kv/blue/ann"), 403, "nobody gets another one's ACL");
  assertEquals(await write(ann, "kv/blue/bob"), 403);
  const without = { kit, token: await kit.token({ policies: ["own"] }), entityId: "" };
  assertEquals(await write(without, "kv/blue/ann"), 403);
  assertEquals(await kit.status("read", entity, { token }), 200, "the default policy's template");
});

Deno.test("a changed policy reaches those who have it through a template", async () => {
  const ann = await start();
  const { kit } = ann;
  const path = "kv/{{identity.entity.id}}/*";
  await policy(kit, "own", path);
  await kit.ask("update", `identity/entity/id/${ann.entityId}`, { data: { policies: "own" } });
  assertEquals(await write(ann, `kv/${ann.entityId}/a`), 200);
  await kit.ask("update", "sys/policies/acl/own", {
    data: { policy: `path "${path}" { capabilities = ["read"] }` },
  });
  assertEquals(await write(ann, `kv/${ann.entityId}/a`), 403);
});

Deno.test("a child token is of its parent's entity, and ends with it", async () => {
  const ann = await start();
  const { kit } = ann;
  await policy(kit, "maker", "auth/token/create");
  await kit.ask("update", `identity/entity/id/${ann.entityId}`, { data: { policies: "maker" } });
  const made = await kit.ask("update", "auth/token/create", { token: ann.token });
  const child = { token: made.auth?.clientToken ?? "" };
  const body = (await kit.ask("read", "auth/token/lookup-self", child)).data;
  assertEquals(body?.entity_id, ann.entityId);
  assertEquals(body?.identity_policies, ["maker"]);
  await kit.ask("delete", `identity/entity/id/${ann.entityId}`);
  assertEquals(await kit.status("read", "auth/token/lookup-self", child), 403);
});

Deno.test("root is no policy of entities or groups", async () => {
  const { kit, entityId } = await start();
  const data = { policies: ["root"] };
  assertEquals(await kit.status("update", `identity/entity/id/${entityId}`, { data }), 400);
  assertEquals(await kit.status("update", "identity/group", { data }), 400);
});
