/** Moving in: snapshots that OpenBao makes here are taken over, and answer as they did there. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { at, TestNode } from "../e2e/node.ts";
import { Peer, peerProgram } from "../e2e/peer.ts";
import { environment, repository, run } from "../e2e/program.ts";
import { skipUnless } from "../e2e/skip.ts";
import {
  comparable,
  countOf,
  furnish,
  furnishWhatStays,
  importSnapshot,
  plaintext,
  type World,
} from "./world.ts";

/** The data of an answer that both must give alike; fields that only one has can be left out. */
async function alike(peer: Peer, node: TestNode, path: string, except: readonly string[] = []) {
  const theirs = await peer.ask("GET", path);
  const ours = await node.api("GET", path);
  assertEquals(ours.status, theirs.status, path);
  const data = (body: unknown) => {
    const found = comparable(at(body, "data"));
    if (found instanceof Object) { for (const name of except) Reflect.deleteProperty(found, name); }
    return found;
  };
  assertEquals(data(ours.body), data(theirs.json), path);
}

async function keysAreAlike(peer: Peer, node: TestNode): Promise<void> {
  for (const name of ["team/app", "many", "big", "huge", "after-rotation", "only-metadata"]) {
    await alike(peer, node, `secret/metadata/${name}`, ["current_metadata_version"]);
  }
  for (const version of [0, 1, 2, 3, 4]) {
    await alike(peer, node, `secret/data/team/app?version=${version}`);
  }
  for (const version of [3, 9]) await alike(peer, node, `secret/data/huge?version=${version}`);
  for (const version of [5, 6, 12]) await alike(peer, node, `secret/data/many?version=${version}`);
  const odd = encodeURIComponent(encodeURIComponent("Odd name, with ünïcode %2F"));
  for (const name of ["big", "after-rotation", odd]) {
    await alike(peer, node, `secret/data/${name}`);
  }
  await alike(peer, node, "secret/config");
  await alike(peer, node, "old/app/db");
  const numbers = async (url: string, token: string) => {
    const answer = await fetch(`${url}/v1/old/numbers`, { headers: { "X-Vault-Token": token } });
    return /"data":(\{[^}]*\})/.exec(await answer.text())?.[1];
  };
  const there = await numbers(peer.url, peer.rootToken);
  assertEquals(await numbers(node.url, node.keys?.rootToken ?? ""), there, "digits are kept");
}

async function settingsAreAlike(peer: Peer, node: TestNode, world: World): Promise<void> {
  await alike(peer, node, "sys/policies/acl/dev", ["modified", "version"]);
  await alike(peer, node, "sys/policies/password/long");
  await alike(peer, node, "auth/people/users/ann");
  await alike(peer, node, "auth/approle/role/web");
  await alike(peer, node, "auth/approle/role/web/role-id");
  await alike(peer, node, "auth/jwt/config", ["status"]);
  await alike(peer, node, "auth/jwt/role/r", ["poll_interval"]);
  await alike(peer, node, "auth/oidc/config", ["status"]);
  await alike(peer, node, "auth/oidc/role/web", ["policies"]);
  await alike(peer, node, "auth/token/roles/ci");
  await alike(peer, node, "db/config/pg");
  await alike(peer, node, "db/roles/reader", ["credential_config"]);
  await alike(peer, node, "sys/quotas/rate-limit/q");
  await alike(peer, node, `identity/entity/id/${world.entityId}`);
  for (const name of ["workers", "everybody"]) {
    await alike(peer, node, `identity/group/name/${name}`);
  }
  // An alias of a group is shown with two more fields here.
  await alike(peer, node, "identity/group/name/outside", ["alias"]);
  const theirs = await peer.ask("GET", "identity/group/name/outside");
  const ours = await node.api("GET", "identity/group/name/outside");
  for (const name of ["id", "name", "mount_accessor", "mount_path", "canonical_id"]) {
    assertEquals(ours.get(`data.alias.${name}`), at(theirs.json, `data.alias.${name}`), name);
  }
  const auth = await node.api("GET", "sys/auth");
  assertEquals(auth.get("data.people/.accessor"), world.userpassAccessor);
  assertEquals(auth.get("data.people/.description"), "who works here");
  const mounts = await node.api("GET", "sys/mounts");
  assertEquals(mounts.get("data.old/.description"), "the old one");
  assertEquals(mounts.get("data.old/.config.max_lease_ttl"), 99 * 3600);
  assertEquals(mounts.get("data.old/.config.listing_visibility"), "unauth");
}

async function loginsWork(node: TestNode, { roleId, secretId, entityId, groupId }: World) {
  const wrong = await node.api("POST", "auth/people/login/ann", { password: "wrong" });
  assertEquals(wrong.status, 400);
  const ann = await node.api("POST", "auth/people/login/ann", { password: "correct horse" });
  assertEquals(ann.get("auth.entity_id"), entityId);
  const token = String(ann.get("auth.client_token"));
  const read = await node.api("GET", "secret/data/team/app", undefined, { "X-Vault-Token": token });
  assertEquals(read.get("data.data.v"), 4, "by the policy of the user and of the group");
  const group = await node.api("GET", `identity/group/id/${groupId}`);
  assertEquals(group.get("data.member_entity_ids"), [entityId]);
  const credentials = { role_id: roleId, secret_id: secretId };
  const looked = await node.api("POST", "auth/approle/role/web/secret-id/lookup", {
    secret_id: secretId,
  });
  assertEquals(looked.get("data.secret_id_num_uses"), 2);
  for (const status of [200, 200, 400]) {
    const login = await node.api("POST", "auth/approle/login", credentials);
    assertEquals(login.status, status, "a secret ID is good for the uses that were left");
    if (status === 200) assertEquals(login.get("auth.metadata.k"), "v");
  }
}

Deno.test("a snapshot of OpenBao is taken over, whole and once", async (t) => {
  const bin = await peerProgram();
  if (!skipUnless(t, bin !== undefined, "python3 and PyPI") || bin === undefined) return;
  await using peer = await Peer.start(bin);
  await using node = await TestNode.create();
  await node.setUp();
  const log = `${node.folder}/audit.log`;
  const audit = { type: "file", options: { file_path: log } };
  assertEquals((await node.api("POST", "sys/audit/file", audit)).status, 204);
  const world = await furnish(peer);
  await furnishWhatStays(peer);
  const file = await peer.snapshot("all.snap");
  const keys = peer.unsealKeys.slice(1);
  const mountsOf = async () => Object.keys(Object((await node.api("GET", "sys/mounts")).body));

  await t.step("a dry run tells what would happen, and changes nothing", async () => {
    const before = await mountsOf();
    const { code, report } = await importSnapshot(node, file, keys, ["-dry-run"]);
    assertEquals(code, 2, "totp can't come");
    assert(countOf(report, "imported") > 20);
    assertEquals(await mountsOf(), before);
    assertEquals((await node.api("GET", "sys/policies/acl/dev")).status, 404);
    assertEquals((await node.api("GET", `identity/entity/id/${world.entityId}`)).status, 404);
  });

  await t.step("everything comes, and what stays is named", async () => {
    const { report, text } = await importSnapshot(node, file, keys);
    assertEquals(at(report, "unreadable"), 0, text);
    const refused = at(report, "refused");
    assertEquals(Array.isArray(refused) && refused.map((one) => at(one, "path")), ["totp/"]);
    const left = JSON.stringify(at(report, "not_brought_over"));
    for (const what of ["entries of totp/", "tokens", "cubbyholes"]) {
      assertStringIncludes(left, what);
    }
    assert(!left.includes("not known here"), `everything has a reason: ${left}`);
    for (
      const secret of [
        ...peer.unsealKeys,
        "hunter-two",
        "database-password",
        "correct horse",
        world.secretId,
      ]
    ) {
      assert(!text.includes(secret), "no secret is printed");
    }
    const recorded = await Deno.readTextFile(log);
    assertStringIncludes(recorded, '"path":"sys/storage/import"');
    for (const secret of [...peer.unsealKeys, "hunter-two", "database-password", "$2a$"]) {
      assert(!recorded.includes(secret), "nor recorded");
    }
  });

  await t.step("secrets answer as they did", () => keysAreAlike(peer, node));
  await t.step("settings answer as they did", () => settingsAreAlike(peer, node, world));

  await t.step("keys decrypt and verify what was made there", async () => {
    for (const [key, text] of Object.entries(world.made)) {
      if (text.includes(":v1:") && /aes|chacha|rsa/.test(key)) {
        const opened = await node.api("POST", `transit/decrypt/${key}`, { ciphertext: text });
        assertEquals(opened.get("data.plaintext"), plaintext, key);
      } else {
        const body = { input: plaintext, signature: text };
        const verified = await node.api("POST", `transit/verify/${key}`, body);
        assertEquals(verified.get("data.valid"), true, key);
      }
      await alike(peer, node, `transit/keys/${key}`);
    }
    await alike(peer, node, "transit/keys/archived");
    for (const least of [1, 3]) {
      const body = { min_decryption_version: least };
      await peer.write("transit/keys/archived/config", body);
      await node.api("POST", "transit/keys/archived/config", body);
      await alike(peer, node, "transit/keys/archived");
    }
  });

  await t.step("a second run does nothing", async () => {
    const { report, text } = await importSnapshot(node, file, keys);
    assertEquals(countOf(report, "imported"), 0, text);
    assert(countOf(report, "unchanged") > 20);
  });

  await t.step("people and programs log in as before", () => loginsWork(node, world));

  await t.step(
    "a large secret that is another one here stays whole, or is replaced whole",
    async () => {
      await node.api("DELETE", "secret/metadata/huge");
      await node.api("POST", "secret/data/huge", { data: { v: "ours" }, options: { cas: 0 } });
      const { report } = await importSnapshot(node, file, keys);
      assertStringIncludes(JSON.stringify(at(report, "conflicts")), "secret/data/huge");
      assertEquals((await node.api("GET", "secret/data/huge")).get("data.data.v"), "ours");
      await importSnapshot(node, file, keys, ["-overwrite"]);
      await alike(peer, node, "secret/metadata/huge", ["current_metadata_version"]);
      await alike(peer, node, "secret/data/huge?version=5");
    },
  );

  await t.step("what is here already stays, unless it may be replaced", async () => {
    await node.api("POST", "old/app/db", { user: "changed here" });
    const { report } = await importSnapshot(node, file, keys);
    assertStringIncludes(JSON.stringify(at(report, "conflicts")), "old/app/db");
    assertEquals((await node.api("GET", "old/app/db")).get("data.user"), "changed here");
    await importSnapshot(node, file, keys, ["-overwrite"]);
    assertEquals((await node.api("GET", "old/app/db")).get("data.user"), "a");
  });

  await t.step("it is still there after a restart", async () => {
    await node.stop();
    await node.start();
    await node.unseal();
    await keysAreAlike(peer, node);
  });
});

Deno.test("an import that was killed is begun again, and nothing is done twice", async (t) => {
  const bin = await peerProgram();
  if (!skipUnless(t, bin !== undefined, "python3 and PyPI") || bin === undefined) return;
  await using peer = await Peer.start(bin);
  await using node = await TestNode.create();
  await node.setUp();
  await peer.write("sys/mounts/old", { type: "kv" });
  const count = 1500;
  for (let from = 0; from < count; from += 50) {
    const some = Array.from(
      { length: 50 },
      (_, i) => peer.write(`old/${from + i}`, { n: from + i }),
    );
    await Promise.all(some);
  }
  const file = await peer.snapshot("many.snap");
  await Deno.writeTextFile(`${node.folder}/keys.txt`, peer.unsealKeys.join("\n"));
  const child = new Deno.Command(node.bin, {
    args: ["operator", "import", `-keys-file=${node.folder}/keys.txt`, file],
    clearEnv: true,
    env: environment({
      VAULT_ADDR: node.url,
      VAULT_TOKEN: node.keys?.rootToken ?? "",
      HOME: node.folder,
    }),
    stdout: "null",
    stderr: "null",
  }).spawn();
  const there = async () => {
    const keys = (await node.api("GET", "old?list=true")).get("data.keys");
    return Array.isArray(keys) ? keys.length : 0;
  };
  const ended = child.status;
  for (let i = 0; i < 2000 && await there() === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  child.kill("SIGKILL");
  await ended;
  const half = await there();
  assert(half > 0 && half < count, `${half} were there`);
  const { report, text } = await importSnapshot(node, file, peer.unsealKeys);
  assertEquals(at(report, "counts.write.unchanged"), half, text);
  assertEquals(at(report, "counts.write.imported"), count - half);
  assertEquals(await there(), count);
});

Deno.test("what is no snapshot, or not with these keys, changes nothing", async (t) => {
  const bin = await peerProgram();
  if (!skipUnless(t, bin !== undefined, "python3 and PyPI") || bin === undefined) return;
  await using peer = await Peer.start(bin);
  await using node = await TestNode.create();
  await node.setUp();
  await peer.write("sys/policies/acl/dev", { policy: 'path "a" { capabilities = ["read"] }' });
  const file = await peer.snapshot("some.snap");
  const whole = await Deno.readFile(file);
  const made = async (name: string, bytes: Uint8Array) => {
    const path = `${node.folder}/${name}`;
    await Deno.writeFile(path, bytes);
    return path;
  };
  const own = `${node.folder}/own.snap`;
  assertEquals((await node.cli(["operator", "raft", "snapshot", "save", own])).code, 0);
  const flipped = whole.slice();
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
  const good = peer.unsealKeys;
  const strangers = ["AAAA".repeat(11), "BBBB".repeat(11)];
  const cases: [string, string, readonly string[], string][] = [
    ["wrong keys", file, strangers, "the unseal keys are not those of this file"],
    ["too few keys", file, good.slice(0, 1), "2 different unseal keys are needed"],
    ["one key twice", file, [good[0] ?? "", good[0] ?? ""], "2 different unseal keys are needed"],
    ["no key", file, ["hello"], "must be a valid hex or base64 string"],
    ["cut by a byte", await made("a", whole.slice(0, -1)), good, "damaged"],
    ["cut in half", await made("b", whole.slice(0, whole.length >> 1)), good, "damaged"],
    ["a bit flipped", await made("c", flipped), good, "damaged"],
    ["text", await made("d", new TextEncoder().encode("hello")), good, "no snapshot"],
    ["empty", await made("e", new Uint8Array(0)), good, "no snapshot"],
    ["our own", own, good, "operator raft snapshot restore takes it"],
    ["not there", `${node.folder}/gone`, good, "Error opening"],
  ];
  for (const [name, path, keys, sentence] of cases) {
    await t.step(name, async () => {
      const { code, text } = await importSnapshot(node, path, keys);
      assertStringIncludes(text, sentence);
      assert(code === 1 || code === 2, text);
      for (const key of good) assert(!text.includes(key));
    });
  }
  assertEquals((await node.api("GET", "sys/policies/acl/dev")).status, 404);
  const put = await node.cli(["operator", "raft", "snapshot", "restore", file]);
  assertStringIncludes(put.text, "operator import");
});

Deno.test("the endpoint wants sudo and well-formed items, and each gets its own answer", async () => {
  await using node = await TestNode.create();
  await node.setUp();
  const send = (body: unknown) => node.api("POST", "sys/storage/import", body);
  const policy = (path: string, text: string) => ({ kind: "policy", path, data: { policy: text } });
  for (
    const [items, sentence] of [
      [undefined, "items must be a list"],
      [[{ kind: "policy", path: "p" }], "items[0]: data must be an object"],
      [[policy("p", ""), { kind: "token", path: "p", data: {} }], "items[1]: kind is none of"],
    ]
  ) {
    const answer = await send({ items });
    assertEquals(answer.status, 400);
    assertStringIncludes(String(answer.get("errors.0")), String(sentence));
  }
  const mixed = await send({
    items: [
      policy("good", 'path "a" { capabilities = ["read"] }'),
      policy("bad", "path {"),
      policy("root", 'path "a" { capabilities = ["read"] }'),
      { kind: "write", path: "nowhere/x", data: { a: 1 } },
      { kind: "write", path: "sys/mounts/nope", data: { type: "kv" } },
      { kind: "kv2", path: "x", data: { mount: "sys/", name: "x" } },
      { kind: "entity", path: "e", data: { id: "a/b", name: "e" } },
    ],
  });
  const results = mixed.get("data.results");
  const statuses = Array.isArray(results) ? results.map((one) => at(one, "status")) : [];
  assertEquals(statuses, [
    "imported",
    "refused",
    "refused",
    "refused",
    "refused",
    "conflict",
    "refused",
  ]);
  assertEquals((await node.api("GET", "sys/policies/acl/good")).status, 200);
  await node.api("POST", "sys/mounts/kv", { type: "kv", options: { version: "2" } });
  const mount = (path: string, version: string) => {
    const data = { type: "kv", options: { version }, accessor: "kv_elsewhere" };
    return { kind: "mount", path, data };
  };
  const mounts = await send({ items: [mount("kv/", "2"), mount("kv/", "1"), mount("kv/a/", "1")] });
  assertEquals(mounts.get("data.results.0.status"), "unchanged");
  assertStringIncludes(String(mounts.get("data.results.0.reason")), "policies that name kv_elsewh");
  assertEquals(mounts.get("data.results.1.status"), "conflict");
  assertEquals(mounts.get("data.results.2.status"), "refused");
  assertEquals((await node.api("GET", "sys/policies/acl/bad")).status, 404);
  await node.api("POST", "sys/policies/acl/half", {
    policy: 'path "sys/storage/import" { capabilities = ["update"] }',
  });
  const made = await node.api("POST", "auth/token/create", { policies: ["half"] });
  const token = { "X-Vault-Token": String(made.get("auth.client_token")) };
  const items = [policy("mine", 'path "*" { capabilities = ["sudo"] }')];
  assertEquals((await node.api("POST", "sys/storage/import", { items }, token)).status, 403);
});

/** The indented lines of a section of the README. */
async function commandsOf(section: string): Promise<string> {
  const text = await Deno.readTextFile(`${repository}/README.md`);
  const from = text.indexOf(`## ${section}\n`);
  const body = text.slice(from, text.indexOf("\n## ", from + 1));
  return body.split("\n").filter((line) => line.startsWith("    ")).join("\n");
}

Deno.test("the README's commands move a cluster in", async (t) => {
  const bin = await peerProgram();
  if (!skipUnless(t, bin !== undefined, "python3 and PyPI") || bin === undefined) return;
  await using peer = await Peer.start(bin);
  await using node = await TestNode.create();
  await node.setUp();
  await peer.write("sys/mounts/secret", { type: "kv", options: { version: "2" } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await peer.write("secret/data/app", { data: { who: "world" } });
  const { folder } = node;
  await Deno.mkdir(`${folder}/bin`);
  const script = (name: string, text: string) =>
    Deno.writeTextFile(`${folder}/bin/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await script(
    "vault",
    `BAO_ADDR=${peer.url} BAO_TOKEN=${peer.rootToken} exec env -u VAULT_ADDR -u VAULT_TOKEN ${bin} "$@"`,
  );
  await script("holdfast", `exec "${node.bin}" "$@"`);
  await Deno.writeTextFile(`${folder}/keys.txt`, peer.unsealKeys.slice(0, 2).join("\n"));
  const { code, text } = await run(
    "sh",
    ["-euc", await commandsOf("Moving in from Vault or OpenBao")],
    {
      cwd: folder,
      env: {
        PATH: `${folder}/bin:${Deno.env.get("PATH") ?? ""}`,
        HOME: folder,
        VAULT_ADDR: node.url,
        VAULT_TOKEN: node.keys?.rootToken ?? "",
      },
    },
  );
  assertEquals(code, 0, text);
  assertStringIncludes(text, "Nothing was changed: this was a dry run.");
  assertStringIncludes(text, "world");
});
