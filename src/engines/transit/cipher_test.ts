/** What is encrypted is what is decrypted, by nobody else and under no other circumstances. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { fromBase64, toBase64 } from "../../base/bytes.ts";
import { Failure } from "../../base/failure.ts";
import { testRandom } from "../../crypto/testing.ts";
import type { JsonObject } from "../../logical/json.ts";
import { b64, startTransit } from "./testing/kit.ts";

const ciphers = ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"];

for (const type of ciphers) {
  Deno.test(`${type}: whatever is encrypted is decrypted, and nothing that was altered`, async () => {
    const kit = await startTransit();
    const random = testRandom(31);
    for (
      const settings of [{}, { derived: true }, { derived: true, convergent_encryption: true }]
    ) {
      const name = `k${Object.keys(settings).length}`;
      await kit.write(`keys/${name}`, { type, ...settings });
      const isDerived = "derived" in settings;
      for (let length = 0; length < 40; length += 3) {
        const plaintext = toBase64(random.bytes(length));
        const options: JsonObject = { associated_data: toBase64(random.bytes(length)) };
        if (isDerived) options.context = toBase64(random.bytes(1 + length));
        const { ciphertext } = await kit.write(`encrypt/${name}`, { plaintext, ...options });
        assert(typeof ciphertext === "string" && ciphertext.startsWith("vault:v1:"));
        const open = { ciphertext, ...options };
        assertEquals((await kit.write(`decrypt/${name}`, open)).plaintext, plaintext);
        const again = (await kit.write(`encrypt/${name}`, { plaintext, ...options })).ciphertext;
        assertEquals(again === ciphertext, "convergent_encryption" in settings);
        const sealed = fromBase64(ciphertext.slice("vault:v1:".length)) ?? new Uint8Array();
        const at = Math.abs(random.bytes(1)[0] ?? 0) % sealed.length;
        sealed[at] = (sealed[at] ?? 0) ^ 1;
        const altered = { ...open, ciphertext: `vault:v1:${toBase64(sealed)}` };
        assertEquals(await kit.status(`decrypt/${name}`, altered), 400);
        const other = { ...open, associated_data: b64("another") };
        assertEquals(await kit.status(`decrypt/${name}`, other), 400);
        if (!isDerived) continue;
        const elsewhere = { ...open, context: b64("another context") };
        assertEquals(await kit.status(`decrypt/${name}`, elsewhere), 400);
      }
    }
  });
}

Deno.test("nonces of the older ways of convergent encryption", async () => {
  const kit = await startTransit();
  const context = b64("ctx");
  const flags = { exportable: true, allow_plaintext_backup: true };
  await kit.write("keys/k", { derived: true, convergent_encryption: true, ...flags });
  const { backup } = await kit.read("backup/k");
  const older = (version: number) => {
    const whole = JSON.parse(atob(String(backup)));
    whole.policy.convergent_version = version;
    return btoa(JSON.stringify(whole));
  };
  await kit.write("restore/second", { backup: older(2) });
  const [a, b] = [
    await kit.encrypt("second", "x", { context }),
    await kit.encrypt("k", "x", { context }),
  ];
  assertEquals(await kit.encrypt("second", "x", { context }), a);
  assertNotEquals(a, b);
  assertEquals(await kit.decrypt("second", a, { context }), b64("x"));
  // In the first, the client gives the nonce, and the ciphertext does not hold it.
  await kit.write("restore/first", { backup: older(1) });
  const nonce = b64("twelve bytes");
  const c = await kit.encrypt("first", "x", { context, nonce });
  assertEquals((fromBase64(c.slice(9)) ?? []).length, 1 + 16);
  assertEquals(await kit.decrypt("first", c, { context, nonce }), b64("x"));
  assertEquals(await kit.status("encrypt/first", { plaintext: "", context }), 400);
  assertEquals(await kit.status("decrypt/first", { ciphertext: c, context }), 400);
  for (const name of ["k", "second"]) {
    assertEquals(await kit.status(`encrypt/${name}`, { plaintext: "", context, nonce }), 400);
  }
});

Deno.test("a client that may update, but not create, makes no key by encrypting", async () => {
  const kit = await startTransit();
  const policy = `path "t/encrypt/*" { capabilities = ["update"] }`;
  await kit.node.ask("update", "sys/policies/acl/p", { data: { policy } });
  const token = await kit.node.token({ policies: ["p"] });
  assertEquals(await kit.status("encrypt/new", { plaintext: "" }, { token }), 403);
  await kit.encrypt("new", "x");
  assertEquals(await kit.status("encrypt/new", { plaintext: "" }, { token }), 200);
  await kit.write("config/keys", { disable_upsert: true });
  assertEquals(await kit.status("encrypt/newer", { plaintext: "" }), 400);
  assertEquals(await kit.status("keys/newer/rotate"), 400);
});

Deno.test("many that encrypt under a new name at once make one key", async () => {
  const kit = await startTransit();
  const made = await Promise.all(Array.from({ length: 20 }, (_, i) => kit.encrypt("new", `${i}`)));
  for (const [i, ciphertext] of made.entries()) {
    assertEquals(await kit.decrypt("new", ciphertext), b64(`${i}`));
  }
  assertEquals((await kit.read("keys/new")).latest_version, 1);
});

Deno.test("of a batch each item fails alone, and the answer says so", async () => {
  const kit = await startTransit();
  await kit.write("keys/k");
  const good = await kit.encrypt("k", "good");
  const batch = (more: JsonObject) =>
    kit.node.ask("update", "t/decrypt/k", {
      data: {
        batch_input: [{ ciphertext: "bad", reference: "a" }, { ciphertext: good, reference: "b" }],
        ...more,
      },
    });
  const response = await batch({});
  assertEquals(response.status, 400);
  assertEquals(response.data, {
    batch_results: [
      { plaintext: "", error: "invalid ciphertext: no prefix", reference: "a" },
      { plaintext: b64("good"), reference: "b" },
    ],
  });
  for (const [code, status] of [[207, 207], [99, 400], [1000, 400], [-1, 400]]) {
    assertEquals((await batch({ partial_failure_response_code: code })).status, status);
  }
  const contexts = [{ plaintext: "", context: b64("c") }, { plaintext: "" }];
  assertEquals(await kit.status("encrypt/k", { batch_input: contexts }), 400);
});

Deno.test("an error says where base64 is wrong, and nothing of what it holds", async () => {
  const kit = await startTransit();
  await kit.write("keys/k");
  for (
    const [plaintext, at] of [["!!", 0], ["c2Vjc!V0", 5], ["c2VjcmV0c2Vj cmV0", 12], ["c2V", 0], [
      "c2VjcmV0c2U==",
      12,
    ], ["c2VjcmV0cw=", 11]]
  ) {
    const error = await assertRejects(() => kit.write("encrypt/k", { plaintext }), Failure);
    assertEquals(error.message, `illegal base64 data at input byte ${at}`);
  }
  const broken = "c2Vj\ncmV0\r\n";
  const { ciphertext } = await kit.write("encrypt/k", { plaintext: broken });
  assertEquals(await kit.decrypt("k", String(ciphertext)), b64("secret"));
});
