/** Versions come, stay, and go for good; and a key is what its configuration says. */
import { assert, assertEquals } from "@std/assert";
import { b64, startTransit } from "./testing/kit.ts";

Deno.test("old versions decrypt until that is forbidden, and again when it is allowed", async () => {
  const kit = await startTransit();
  await kit.write("keys/k");
  const made: string[] = [];
  for (let version = 1; version <= 4; version++) {
    made.push(await kit.encrypt("k", `${version}`));
    if (version < 4) await kit.write("keys/k/rotate");
  }
  const working = async () => {
    const statuses = await Promise.all(
      made.map((ciphertext) => kit.status("decrypt/k", { ciphertext })),
    );
    return statuses.map((status) => status === 200);
  };
  assertEquals(await working(), [true, true, true, true]);
  await kit.write("keys/k/config", { min_decryption_version: 3 });
  assertEquals(await working(), [false, false, true, true]);
  await kit.write("keys/k/config", { min_decryption_version: 1 });
  assertEquals(await working(), [true, true, true, true]);
});

Deno.test("trimmed versions are gone from storage", async () => {
  const kit = await startTransit();
  await kit.write("keys/k");
  for (let i = 0; i < 4; i++) await kit.write("keys/k/rotate");
  assertEquals(await kit.status("keys/k/trim", { min_available_version: 3 }), 400);
  await kit.write("keys/k/config", { min_decryption_version: 3, min_encryption_version: 3 });
  await kit.write("keys/k/trim", { min_available_version: 3 });
  const versions = (await kit.stored()).filter((key) => key.startsWith("version/"));
  assertEquals(versions.map((key) => Number(key.split("/")[2])), [3, 4, 5]);
  assertEquals(await kit.status("keys/k/config", { min_decryption_version: 2 }), 400);
});

Deno.test("a deleted key leaves nothing, and its name may be used again", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { auto_rotate_period: "1h" });
  await kit.write("keys/k/rotate");
  await kit.write("keys/other");
  const ciphertext = await kit.encrypt("k", "x");
  assertEquals(await kit.node.status("delete", "t/keys/k"), 400);
  await kit.write("keys/k/config", { deletion_allowed: true });
  await kit.node.ask("delete", "t/keys/k");
  assert((await kit.stored()).every((key) => !key.split("/").includes("k")));
  await kit.write("keys/k");
  assertEquals(await kit.status("decrypt/k", { ciphertext }), 400);
});

Deno.test("a key rotates hundreds of times, and its first version still decrypts", async () => {
  const kit = await startTransit();
  await kit.write("keys/k");
  const first = await kit.encrypt("k", "first");
  for (let i = 0; i < 200; i++) await kit.write("keys/k/rotate");
  assertEquals(await kit.decrypt("k", first), b64("first"));
  assertEquals((await kit.read("keys/k")).latest_version, 201);
  assertEquals(Object.keys(Object((await kit.read("keys/k")).keys)).length, 201);
});

Deno.test("simultaneous rotations each make a version", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { type: "ed25519" });
  await Promise.all(Array.from({ length: 12 }, () => kit.write("keys/k/rotate")));
  assertEquals((await kit.read("keys/k")).latest_version, 13);
});

Deno.test("a soft deleted key is of no use until it is restored", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { type: "rsa-2048" });
  const ciphertext = await kit.encrypt("k", "x");
  await kit.node.ask("delete", "t/keys/k/soft-delete");
  const uses: [string, Record<string, string>][] = [
    ["encrypt/k", { plaintext: "" }],
    ["decrypt/k", { ciphertext }],
    ["sign/k", { input: "" }],
    ["hmac/k", { input: "" }],
    ["keys/k/rotate", {}],
    ["datakey/wrapped/k", {}],
    ["keys/k/csr", {}],
  ];
  for (const [path, data] of uses) assertEquals([path, await kit.status(path, data)], [path, 400]);
  await kit.write("keys/k/soft-delete-restore");
  for (const [path, data] of uses) assertEquals([path, await kit.status(path, data)], [path, 200]);
});

Deno.test("settings that do not go together make no key", async () => {
  const kit = await startTransit();
  for (
    const data of [
      { type: "managed_key" },
      { type: "bogus" },
      { type: "" },
      { type: "rsa-2048", derived: true },
      { convergent_encryption: true },
      { type: "ed25519", derived: true, convergent_encryption: true },
      { type: "hmac" },
      { type: "hmac", key_size: 31 },
      { type: "hmac", key_size: 513 },
      { key_size: 32 },
      { auto_rotate_period: "59m" },
      { auto_rotate_period: -3600 },
    ]
  ) assertEquals([data, await kit.status("keys/k", data)], [data, 400]);
  assertEquals(await kit.node.status("list", "t/keys"), 404);
});
