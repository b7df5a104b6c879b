/** Keys from elsewhere come in wrapped, whole, or by their public half alone. */
import { assertEquals } from "@std/assert";
import { concat, toBase64, utf8 } from "../../base/bytes.ts";
import { wrapKey } from "../../crypto/key_wrap.ts";
import { fromPem, toPem } from "../../crypto/keys.ts";
import { portableKeys } from "../../crypto/portable_keys.ts";
import { testRandom } from "../../crypto/testing.ts";
import { b64, startTransit, text, type TransitKit } from "./testing/kit.ts";

const random = testRandom(41);

/** As a client wraps a key to import it. */
async function wrap(kit: TransitKit, key: Uint8Array): Promise<string> {
  const pem = text((await kit.read("wrapping_key")).public_key);
  const ephemeral = random.bytes(32);
  const outer = await portableKeys.importSpki(fromPem(pem).der).encrypt(ephemeral, "sha256");
  return toBase64(concat(outer, await wrapKey(ephemeral, key)));
}

Deno.test("keys from elsewhere", async (t) => {
  const kit = await startTransit();

  await t.step("an imported key encrypts like any other, and is exported as it came", async () => {
    const key = random.bytes(32);
    await kit.write("keys/a/import", { ciphertext: await wrap(kit, key), exportable: true });
    assertEquals(await kit.decrypt("a", await kit.encrypt("a", "x")), b64("x"));
    const { keys } = await kit.read("export/encryption-key/a");
    assertEquals(keys, { 1: toBase64(key) });
    assertEquals(await kit.status("keys/a/rotate"), 400, "it makes no versions here");
    assertEquals(await kit.status("keys/a/import", { ciphertext: await wrap(kit, key) }), 400);
    await kit.write("keys/a/import_version", { ciphertext: await wrap(kit, random.bytes(32)) });
    assertEquals((await kit.read("keys/a")).latest_version, 2);
  });

  await t.step("one that may rotate here is not an imported one from then on", async () => {
    const ciphertext = await wrap(kit, random.bytes(32));
    await kit.write("keys/b/import", { ciphertext, allow_rotation: true });
    await kit.write("keys/b/rotate");
    assertEquals((await kit.read("keys/b")).imported_key, false);
    assertEquals(await kit.status("keys/b/import_version", { ciphertext }), 400);
  });

  await t.step("of a public half the private one may come later, and no other", async () => {
    const [pair, other] = [
      await portableKeys.generate("ecdsa-p256"),
      await portableKeys.generate("ecdsa-p256"),
    ];
    const public_key = toPem("PUBLIC KEY", pair.publicKey.spki());
    await kit.write("keys/p/import", { type: "ecdsa-p256", public_key });
    const signature = `vault:v1:${toBase64(await pair.sign(utf8("x")))}`;
    assertEquals(await kit.write("verify/p", { input: b64("x"), signature }), { valid: true });
    assertEquals(await kit.status("sign/p", { input: b64("x") }), 400);
    const later = async (key: Uint8Array) =>
      await kit.status("keys/p/import_version", { version: 1, ciphertext: await wrap(kit, key) });
    assertEquals(await later(other.pkcs8()), 400);
    assertEquals(await later(pair.pkcs8()), 200);
    assertEquals(await kit.status("sign/p", { input: b64("x") }), 200);
    assertEquals(await later(pair.pkcs8()), 400);
  });

  await t.step(
    "a key moves to another mount wrapped, by a public key that was imported",
    async () => {
      const public_key = text((await kit.read("wrapping_key")).public_key);
      await kit.write("keys/there/import", { type: "rsa-4096", public_key });
      for (
        const [type, more] of [["aes256-gcm96", {}], ["ed25519", {}], ["hmac", {
          key_size: 40,
        }]] as const
      ) {
        await kit.write(`keys/${type}`, { type, exportable: true, ...more });
        await kit.write(`keys/${type}/rotate`);
        const { keys } = await kit.read(`byok-export/there/${type}`);
        const ciphertext = text(Object(keys)[2]);
        await kit.write(`keys/${type}-copy/import`, { type, ciphertext, exportable: true });
        const kind = type === "ed25519"
          ? "signing-key"
          : type === "hmac"
          ? "hmac-key"
          : "encryption-key";
        const [own, copy] = [
          await kit.read(`export/${kind}/${type}/2`),
          await kit.read(`export/${kind}/${type}-copy/1`),
        ];
        assertEquals(Object(own.keys)[2], Object(copy.keys)[1]);
      }
      await kit.write("keys/closed");
      for (
        const path of [
          "there/closed",
          "none/ed25519",
          "there/none",
          "ed25519/aes256-gcm96",
          "there/ed25519/3",
        ]
      ) {
        assertEquals([path, await kit.node.status("read", `t/byok-export/${path}`)], [path, 400]);
      }
    },
  );

  await t.step("what is no such key changes nothing", async () => {
    const good = await wrap(kit, random.bytes(32));
    const pair = await portableKeys.generate("ecdsa-p256");
    for (
      const data of [
        { ciphertext: await wrap(kit, random.bytes(16)) },
        { ciphertext: good.replace(/.{8}$/, "AAAAAAAA") },
        { ciphertext: `AAAA${good.slice(4)}` },
        { ciphertext: "AAAA" },
        { ciphertext: "!" },
        {},
        { ciphertext: good, hash_function: "MD5" },
        { ciphertext: good, hash_function: "SHA512" },
        { ciphertext: good, type: "ed25519" },
        { ciphertext: good, type: "managed_key" },
        { ciphertext: await wrap(kit, pair.pkcs8()), type: "ecdsa-p384" },
        { public_key: toPem("PUBLIC KEY", pair.publicKey.spki()) },
        { public_key: toPem("PUBLIC KEY", pair.publicKey.spki()), type: "rsa-2048" },
        { public_key: "junk", type: "rsa-2048" },
      ]
    ) assertEquals([data, await kit.status("keys/x/import", data)], [data, 400]);
    assertEquals(await kit.node.status("read", "t/keys/x"), 404);
  });
});

Deno.test("a backup that is none changes nothing", async () => {
  const kit = await startTransit();
  const flags = { exportable: true, allow_plaintext_backup: true };
  await kit.write("keys/k", { type: "ecdsa-p256", ...flags });
  const { backup } = await kit.read("backup/k");
  const whole = () => JSON.parse(atob(String(backup)));
  const changed = (change: (one: ReturnType<typeof whole>) => void) => {
    const one = whole();
    change(one);
    return btoa(JSON.stringify(one));
  };
  const broken = [
    "!",
    "AAAA",
    btoa("{}"),
    btoa("[]"),
    btoa('{"policy":{}}'),
    changed((one) => delete one.policy.keys),
    changed((one) => one.policy.latest_version = 7),
    changed((one) => one.policy.latest_version = -1),
    changed((one) => one.policy.latest_version = 1e12),
    changed((one) => one.policy.min_decryption_version = one.policy.latest_version = 1e12),
    changed((one) => one.policy.type = 99),
    changed((one) => one.policy.type = 0),
    changed((one) => one.policy.keys[1].ec_x = 5),
    changed((one) => one.policy.keys[1].ec_d = "text"),
    changed((one) => one.policy.keys[1].ec_d = { a: 1 }),
    changed((one) => one.policy.keys[1].time = "yesterday"),
    changed((one) => one.policy.keys[1].certificate_chain = [5]),
    changed((one) => one.policy.name = "a/b"),
  ];
  const before = await kit.stored();
  for (const text of broken) {
    assertEquals([text, await kit.status("restore", { backup: text })], [text, 400]);
  }
  for (const name of ["a/b", "-", "a b"]) {
    assertEquals(await kit.status(`restore/${name}`, { backup: String(backup) }), 400);
  }
  assertEquals(await kit.status("restore", { backup: String(backup) }), 400, "it is there already");
  assertEquals(await kit.stored(), before);
  await kit.write("restore", { backup: String(backup), force: true });
});

Deno.test("Vault's number of HMAC keys is that of another type here, and told apart", async () => {
  const kit = await startTransit();
  const flags = { exportable: true, allow_plaintext_backup: true };
  await kit.write("keys/k", { type: "hmac", key_size: 32, ...flags });
  const { hmac } = await kit.write("hmac/k", { input: b64("x") });
  const whole = JSON.parse(atob(text((await kit.read("backup/k")).backup)));
  whole.policy.type = 11;
  await kit.write("restore/copy", { backup: btoa(JSON.stringify(whole)) });
  assertEquals((await kit.read("keys/copy")).type, "hmac");
  assertEquals(await kit.write("verify/copy", { input: b64("x"), hmac }), { valid: true });
  await kit.write("keys/c", { type: "xchacha20-poly1305", ...flags });
  await kit.write("restore/c2", { backup: text((await kit.read("backup/c")).backup) });
  assertEquals((await kit.read("keys/c2")).type, "xchacha20-poly1305");
});
