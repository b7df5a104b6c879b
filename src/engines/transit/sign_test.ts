/** What is signed is verified, and nothing else. */
import { assert, assertEquals } from "@std/assert";
import { toBase64 } from "../../base/bytes.ts";
import type { JsonObject } from "../../logical/json.ts";
import { b64, startTransit, text } from "./testing/kit.ts";

const cases: readonly (readonly [string, JsonObject])[] = [
  ["ed25519", {}],
  ["ed25519", { derived: true }],
  ["ecdsa-p256", {}],
  ["ecdsa-p384", { hash_algorithm: "sha2-512" }],
  ["ecdsa-p521", { hash_algorithm: "sha3-256", marshaling_algorithm: "jws" }],
  ["rsa-2048", { signature_algorithm: "pss", salt_length: "20" }],
  ["rsa-2048", { signature_algorithm: "pkcs1v15", hash_algorithm: "sha2-384" }],
];

for (const [type, settings] of cases) {
  Deno.test(`signatures of ${type} with ${JSON.stringify(settings)}`, async () => {
    const kit = await startTransit();
    const { derived = false, ...how } = settings;
    await kit.write("keys/k", { type, derived });
    const options = { ...how, ...(derived === true ? { context: b64("c") } : {}) };
    const { signature } = await kit.write("sign/k", { input: b64("it"), ...options });
    const verify = (more: JsonObject) =>
      kit.write("verify/k", { input: b64("it"), signature, ...options, ...more });
    assertEquals(await verify({}), { valid: true });
    assertEquals(await verify({ input: b64("another") }), { valid: false });
    if (derived === true) assertEquals(await verify({ context: b64("d") }), { valid: false });
    await kit.write("keys/k/rotate");
    assertEquals(await verify({}), { valid: true });
    const other = text(signature).replace("v1", "v2");
    assertEquals(await verify({ signature: other }), { valid: false });
  });
}

Deno.test("a digest that was made elsewhere is signed like the text", async () => {
  const kit = await startTransit();
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode("it")),
  );
  const early = { input: toBase64(digest), prehashed: true };
  for (const type of ["ecdsa-p256", "rsa-2048"]) {
    await kit.write(`keys/${type}`, { type });
    const { signature } = await kit.write(`sign/${type}`, early);
    assertEquals(await kit.write(`verify/${type}`, { input: b64("it"), signature }), {
      valid: true,
    });
  }
  assertEquals(await kit.status("sign/rsa-2048", { input: b64("short"), prehashed: true }), 400);
});

Deno.test("HMACs are those of the version's key, and verified in all of their bytes", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { type: "hmac", key_size: 64 });
  const hmac = text((await kit.write("hmac/k", { input: b64("it") })).hmac);
  const valid = async (given: string) =>
    (await kit.write("verify/k", { input: b64("it"), hmac: given })).valid;
  assertEquals(await valid(hmac), true);
  const bytes = Uint8Array.fromBase64(hmac.slice(9));
  for (let i = 0; i < bytes.length; i++) {
    const other = bytes.slice();
    other[i] = (other[i] ?? 0) ^ 1;
    assertEquals(await valid(`vault:v1:${toBase64(other)}`), false);
  }
  assertEquals(await valid(`vault:v1:${toBase64(bytes.subarray(1))}`), false);
  await kit.write("keys/k/rotate");
  assertEquals(await valid(hmac), true);
  assertEquals(await valid(hmac.replace("v1", "v2")), false);
});

Deno.test("keys do what their type can, and a 400 for all else", async () => {
  const kit = await startTransit();
  for (const type of ["aes256-gcm96", "ed25519", "ecdsa-p256", "rsa-2048", "hmac"]) {
    await kit.write(`keys/${type}`, { type, key_size: type === "hmac" ? 32 : 0 });
  }
  const can = async (path: string, data: JsonObject) => {
    const able: string[] = [];
    for (const type of ["aes256-gcm96", "ed25519", "ecdsa-p256", "rsa-2048", "hmac"]) {
      const status = await kit.status(`${path}/${type}`, data);
      assert(status === 200 || status === 400);
      if (status === 200) able.push(type);
    }
    return able.join(" ");
  };
  assertEquals(await can("encrypt", { plaintext: "" }), "aes256-gcm96 rsa-2048");
  assertEquals(await can("sign", { input: "" }), "ed25519 ecdsa-p256 rsa-2048");
  assertEquals(
    await can("hmac", { input: "" }),
    "aes256-gcm96 ed25519 ecdsa-p256 rsa-2048 hmac",
  );
  assertEquals(await can("datakey/wrapped", {}), "aes256-gcm96 rsa-2048");
});

Deno.test("what is no signature at all is a 400, one that is wrong is not valid", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { type: "ecdsa-p256" });
  const { signature } = await kit.write("sign/k", { input: b64("it") });
  for (const given of ["vault:v1:AAAA", "vault:v1:", "vault:v1:!", "vault:v0:AAAA", "AAAA", ""]) {
    assertEquals(await kit.status("verify/k", { input: b64("it"), signature: given }), 400);
  }
  const both = { input: b64("it"), signature, hmac: "vault:v1:AAAA" };
  assertEquals(await kit.status("verify/k", both), 400);
  const results = await kit.write("verify/k", {
    batch_input: [{ input: b64("it"), signature }, { input: b64("it"), signature: "AAAA" }],
  });
  assertEquals(results.batch_results, [
    { valid: true, reference: "" },
    { valid: false, error: "invalid signature: no prefix", reference: "" },
  ]);
});

Deno.test("a long batch holds up nobody else", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { type: "ecdsa-p256" });
  const batch_input = Array.from({ length: 400 }, (_, i) => ({ input: b64(`${i}`) }));
  let isDone = false;
  const long = kit.write("sign/k", { batch_input }).finally(() => isDone = true);
  let answered = 0;
  while (!isDone) {
    await kit.write("random");
    // A request that is answered from memory alone does not let timers and sockets in by itself.
    await new Promise((resolve) => setTimeout(resolve, 0));
    answered++;
  }
  assertEquals((await long).batch_results instanceof Array, true);
  assert(answered >= 10, `only ${answered} other requests were answered`);
});

Deno.test("EC and RSA keys are exported in PEM, those of EC without the last line's end", async () => {
  const kit = await startTransit();
  for (const [type, label, end] of [["ecdsa-p384", "EC", ""], ["rsa-2048", "RSA", "\n"]]) {
    await kit.write("keys/" + type, { type: type ?? "", exportable: true });
    const secret = text(Object((await kit.read(`export/signing-key/${type}`)).keys)[1]);
    assert(secret.startsWith(`-----BEGIN ${label} PRIVATE KEY-----\n`));
    assert(secret.endsWith(`\n-----END ${label} PRIVATE KEY-----${end}`));
  }
});
