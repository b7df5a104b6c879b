/** Items that no program would send: each is refused by itself, and nothing breaks. */
import { assert, assertEquals } from "@std/assert";
import { at, TestNode } from "../e2e/node.ts";

const odd: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e300,
  9e15,
  "",
  "x",
  "../..",
  "a/b",
  "a\0b",
  "\ud800",
  "é".repeat(2000),
  [],
  ["x", 1, null],
  {},
  { a: { b: [] } },
  { "1": {} },
  { "1": { data: 1 } },
  { "1": { created: 9e15, data: {} } },
  { "0": { destroyed: true } },
  [{}],
  [{ id: "i", mount: "auth/people/", name: "n", metadata: { a: 1 } }],
];

const hmac = "0".repeat(64);

const good: readonly { readonly kind: string; readonly path: string; readonly data: object }[] = [
  {
    kind: "mount",
    path: "more/",
    data: { type: "kv", options: { version: "2" }, accessor: "a", config: {} },
  },
  { kind: "write", path: "old/a", data: { x: 1 } },
  { kind: "write", path: "auth/people/users/u", data: { password_hash: "x", token_ttl: 1 } },
  { kind: "write", path: "sys/quotas/rate-limit/q", data: { rate: 1e9, path: "old/" } },
  { kind: "policy", path: "p", data: { policy: 'path "a" {}', cas_required: false } },
  { kind: "kv2_version", path: "v", data: { mount: "kv/", name: "n", version: 1, data: {} } },
  {
    kind: "kv2",
    path: "k",
    data: {
      mount: "kv/",
      name: "n",
      current_version: 1,
      created: 0,
      updated: 0,
      custom_metadata: {},
      versions: {},
    },
  },
  {
    kind: "transit_key",
    path: "t",
    data: { mount: "transit/", backup: { policy: { name: "k", type: 0, latest_version: 1 } } },
  },
  {
    kind: "transit_key",
    path: "t",
    data: { mount: "transit/", backup: { policy: { name: "k", latest_version: 9e15, keys: {} } } },
  },
  {
    kind: "secret_id",
    path: "s",
    data: {
      mount: "auth/approle/",
      role: "r",
      hmac,
      hmac_key: "k",
      accessor: "a",
      created: 0,
      expires: 0,
    },
  },
  { kind: "entity", path: "e", data: { id: "i", name: "e", aliases: [], created: 0 } },
  { kind: "group", path: "g", data: { id: "i", name: "g", type: "internal", updated: 0 } },
  { kind: "members", path: "m", data: { id: "i", entity_ids: [], parent_ids: [] } },
];

/** What shows what was taken. */
const shown = [
  "kv/metadata/n",
  "kv/data/n",
  "identity/entity/id/i",
  "identity/group/id/i",
  "identity/entity/name/e",
  "sys/auth",
];

Deno.test("any value in any place of any item is refused or taken, and nothing breaks", async () => {
  await using node = await TestNode.create();
  await node.setUp();
  await node.api("POST", "sys/mounts/old", { type: "kv" });
  await node.api("POST", "sys/mounts/kv", { type: "kv", options: { version: "2" } });
  await node.api("POST", "sys/mounts/transit", { type: "transit" });
  for (const type of ["userpass", "approle"]) {
    const name = type === "userpass" ? "people" : type;
    await node.api("POST", `sys/auth/${name}`, { type });
  }
  await node.api("POST", "auth/approle/role/r", {});
  let answers = 0;
  for (const item of good) {
    const whole = odd.flatMap((value) => [{ ...item, path: value }, { ...item, data: value }]);
    // A limit of almost nothing would be kept.
    const parts = Object.keys(item.data).filter((name) => name !== "rate").flatMap((name) =>
      odd.map((value) => ({ ...item, data: { ...item.data, [name]: value } }))
    );
    for (const sent of [...whole, ...parts]) {
      for (const dry_run of [true, false]) {
        const answer = await node.api("POST", "sys/storage/import", {
          items: [sent],
          dry_run,
          overwrite: true,
        });
        const text = `${JSON.stringify(sent).slice(0, 200)}: ${JSON.stringify(answer.body)}`;
        assert([200, 400, 413].includes(answer.status), text);
        if (answer.status === 200) {
          const status = String(at(answer.body, "data.results.0.status"));
          assert(/^(imported|unchanged|replaced|conflict|refused)$/.test(status), text);
          answers++;
          for (const path of shown) {
            const read = await node.api("GET", path);
            assert(read.status < 500, `${path} after ${text}: ${JSON.stringify(read.body)}`);
          }
        }
      }
    }
  }
  assert(answers > 500);
  assertEquals((await node.api("GET", "sys/health")).status, 200);
  await node.stop();
  await node.start();
  await node.unseal();
  assertEquals((await node.api("GET", "sys/mounts")).status, 200);
});
