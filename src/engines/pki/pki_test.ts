/** What the engine promises: names, lifetimes, chains, revocation, storage. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../base/failure.ts";
import { fromPem } from "../../crypto/keys.ts";
import { isIssuedBy } from "../../crypto/x509/certificate.ts";
import { readDer } from "../../crypto/der.ts";
import { portableKeys } from "../../crypto/portable_keys.ts";
import { EXTENSION, readKeyUsage } from "../../crypto/x509/extensions.ts";
import { commonNameOf, formatName } from "../../crypto/x509/name.ts";
import { serialText } from "./certificate_store.ts";
import { namesOf } from "./requested_names.ts";
import type { JsonObject } from "../../logical/json.ts";
import { mountPki, type PkiKit, readPem, startPki, text } from "./testing/kit.ts";

/** Serial numbers in a list. */
function revokedIn(der: Uint8Array<ArrayBuffer>): string[] {
  const parts = readDer(der).items()[0]?.items() ?? [];
  const list = parts[5]?.tag === 0x30 ? parts[5].items() : [];
  return list.map((entry) => serialText(entry.items()[0]?.unsigned() ?? new Uint8Array()));
}

async function serialOf(pki: PkiKit, data = {}): Promise<string> {
  return text((await pki.write("issue/any", { common_name: "a.com", ...data })).serial_number);
}

Deno.test("a leaf is signed by its issuer, for the names and times that were asked for", async () => {
  const pki = await startPki();
  const root = readPem((await pki.read("cert/ca")).certificate);
  const leaf = await pki.issue("any", { common_name: "a.com", alt_names: "b.com", ttl: "30m" });
  assert(await isIssuedBy(portableKeys, leaf, root));
  assertEquals(commonNameOf(leaf.subject), "a.com");
  assertEquals(namesOf(leaf)?.dns, ["a.com", "b.com"]);
  assertEquals(leaf.notAfter - pki.node.clock.now(), 1_800_000);
  assertEquals(pki.node.clock.now() - leaf.notBefore, 30_000);
  assertEquals(leaf.basicConstraints, undefined);
  const usage = leaf.extensions.find(({ type }) => type === EXTENSION.keyUsage);
  assertEquals(readKeyUsage(usage?.value ?? new Uint8Array()).has("CertSign"), false);
});

Deno.test("no leaf outlives its issuer unless the issuer says so", async () => {
  const pki = await startPki();
  const root = readPem((await pki.read("cert/ca")).certificate);
  await pki.write("roles/long", { allow_any_name: true, key_type: "ec" });
  const asked = { common_name: "a.com", ttl: "768h" };
  assertEquals(await pki.status("issue/long", asked), 400);
  await pki.write("issuer/default", { leaf_not_after_behavior: "truncate" });
  assertEquals((await pki.issue("long", asked)).notAfter, root.notAfter);
  await pki.write("issuer/default", { leaf_not_after_behavior: "permit" });
  assert((await pki.issue("long", asked)).notAfter > root.notAfter);
});

Deno.test("a role's maximum cuts what is asked for, and says so", async () => {
  const pki = await startPki();
  await pki.write("roles/short", { allow_any_name: true, key_type: "ec", max_ttl: "1h" });
  const answer = await pki.ask("issue/short", { common_name: "a.com", ttl: "5h" });
  assertEquals(answer.warnings?.length, 1);
  const leaf = readPem(answer.data?.certificate);
  assertEquals(leaf.notAfter - pki.node.clock.now(), 3_600_000);
});

Deno.test("a request's extensions can't make an authority of a leaf", async () => {
  const pki = await startPki();
  const other = await mountPki(pki.node, "q");
  const asked = { common_name: "evil.com", key_type: "ec", add_basic_constraints: true };
  const { csr } = await other.write("intermediate/generate/internal", asked);
  for (const path of ["sign/any", "sign-verbatim"]) {
    await pki.write("roles/any", { allow_any_name: true, key_type: "any" });
    const signed = readPem((await pki.write(path, { csr: csr ?? "", ttl: "1h" })).certificate);
    assertEquals(signed.basicConstraints, undefined, path);
  }
});

Deno.test("an intermediate's leaves come with the chain up to the root", async () => {
  const pki = await startPki();
  const root = text((await pki.read("cert/ca")).certificate);
  const lower = await mountPki(pki.node, "q");
  const { csr } = await lower.write("intermediate/generate/internal", {
    common_name: "Inter",
    key_type: "ec",
  });
  const signed = text(
    (await pki.write("root/sign-intermediate", { csr: csr ?? "", ttl: "300h" })).certificate,
  );
  await lower.write("intermediate/set-signed", { certificate: `${root}\n${signed}` });
  await lower.write("roles/any", { allow_any_name: true, key_type: "ec", ttl: "1h" });
  const { ca_chain: chain, certificate } = await lower.write("issue/any", { common_name: "a.com" });
  assertEquals(chain, [signed, root]);
  assert(await isIssuedBy(portableKeys, readPem(certificate), readPem(signed)));
  const { ca_chain: without } = await lower.write("issue/any", {
    common_name: "a.com",
    remove_roots_from_chain: true,
  });
  assertEquals(without, [signed]);
});

Deno.test("a path length of zero lets no authority stand below", async () => {
  const pki = await startPki();
  const low = await mountPki(pki.node, "q");
  await low.write("root/generate/internal", {
    common_name: "Low",
    key_type: "ec",
    max_path_length: 0,
  });
  const { csr } = await pki.write("intermediate/generate/internal", {
    common_name: "x",
    key_type: "ec",
  });
  assertEquals(await low.status("root/sign-intermediate", { csr: csr ?? "" }), 400);
});

Deno.test("a revocation that was answered is in the list, whoever else revokes meanwhile", async () => {
  const pki = await startPki();
  const serials = [];
  for (let i = 0; i < 12; i++) serials.push(await serialOf(pki));
  await Promise.all(serials.map((serial) => pki.write("revoke", { serial_number: serial })));
  assertEquals(revokedIn(await pki.file("crl")).sort(), serials.toSorted());
  const again = await pki.write("revoke", { serial_number: serials[0] ?? "" });
  assertEquals(again.state, "revoked");
});

Deno.test("a list that a crash left undone is made at the next start", async () => {
  const pki = await startPki();
  const serial = await serialOf(pki);
  const uuid = pki.node.node.services.mounts.router.at("p/")?.entry.uuid;
  const { transactions } = pki.node.node.services;
  const bytes = (value: string) => new TextEncoder().encode(value);
  const { issuer_id } = await pki.read("issuer/default");
  const revocation = { time: pki.node.clock.now(), issuerId: issuer_id, notAfter: 2 ** 42 };
  await transactions.run((t) => {
    const view = t.within(`logical/${uuid}/`);
    view.put(`revoked/${serial.replaceAll(":", "-")}`, bytes(JSON.stringify(revocation)));
    view.put("crl-stale", bytes("x"));
  });
  assertEquals(revokedIn(await pki.file("crl")), []);
  await pki.node.clock.advance(60_000);
  for (let i = 0; i < 100 && revokedIn(await pki.file("crl")).length === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(revokedIn(await pki.file("crl")), [serial]);
});

Deno.test("with auto_rebuild, lists are made before they end, and deltas in between", async () => {
  const pki = await startPki();
  await pki.write("config/crl", {
    expiry: "40m",
    auto_rebuild: true,
    enable_delta: true,
    auto_rebuild_grace_period: "20m",
    delta_rebuild_interval: "10m",
  });
  const serial = await serialOf(pki);
  await pki.write("revoke", { serial_number: serial });
  assertEquals(revokedIn(await pki.file("crl")), []);
  await pki.node.clock.advance(11 * 60_000);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(revokedIn(await pki.file("crl/delta")), [serial]);
  await pki.node.clock.advance(15 * 60_000);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(revokedIn(await pki.file("crl")), [serial]);
  assertEquals(revokedIn(await pki.file("crl/delta")), []);
});

Deno.test("no_store keeps nothing; a certificate that is shown can be revoked all the same", async () => {
  const pki = await startPki();
  await pki.write("roles/free", { allow_any_name: true, key_type: "ec", no_store: true });
  const before = await pki.list("certs");
  const made = await pki.write("issue/free", { common_name: "a.com", ttl: "1h" });
  assertEquals(await pki.list("certs"), before);
  assertEquals(await pki.status("revoke", { serial_number: made.serial_number ?? "" }), 400);
  await pki.write("revoke", { certificate: made.certificate ?? "" });
  assertEquals(revokedIn(await pki.file("crl")), [text(made.serial_number)]);
});

Deno.test("certificates of others, of issuers, and by the wrong key are not revoked", async () => {
  const pki = await startPki();
  const other = await mountPki(pki.node, "q");
  const foreign = await other.write("root/generate/internal", { common_name: "O", key_type: "ec" });
  assertEquals(await pki.status("revoke", { certificate: foreign.certificate ?? "" }), 400);
  const root = readPem((await pki.read("cert/ca")).certificate);
  assertEquals(await pki.status("revoke", { serial_number: serialText(root.serial) }), 400);
  const one = await pki.write("issue/any", { common_name: "a.com" });
  const two = await pki.write("issue/any", { common_name: "a.com" });
  const wrong = { serial_number: one.serial_number ?? "", private_key: two.private_key ?? "" };
  assertEquals(await pki.status("revoke-with-key", wrong), 400);
  await pki.write("revoke-with-key", { ...wrong, private_key: one.private_key ?? "" });
  assertEquals(revokedIn(await pki.file("crl")), [text(one.serial_number)]);
});

Deno.test("a lease's end revokes its certificate", async () => {
  const pki = await startPki();
  await pki.write("roles/leased", {
    allow_any_name: true,
    key_type: "ec",
    ttl: "1h",
    generate_lease: true,
  });
  const answer = await pki.ask("issue/leased", { common_name: "a.com" });
  assertEquals(answer.lease?.renewable, false);
  await pki.node.ask("update", "sys/leases/revoke", {
    data: { lease_id: answer.lease?.id ?? "", sync: true },
  });
  const serial = text(answer.data?.serial_number);
  assert(Number((await pki.read(`cert/${serial}`)).revocation_time) > 0);
});

Deno.test("tidying deletes what is past its end, and nothing else", async () => {
  const pki = await startPki();
  const [old, revoked] = [await serialOf(pki, { ttl: "60s" }), await serialOf(pki, { ttl: "60s" })];
  const fresh = await serialOf(pki, { ttl: "1h" });
  await pki.write("revoke", { serial_number: revoked });
  await pki.node.clock.advance(120_000);
  const settings = { tidy_cert_store: true, tidy_revoked_certs: true, safety_buffer: "10s" };
  assertEquals((await pki.ask("tidy", settings)).status, 202);
  for (let i = 0; i < 200; i++) {
    if ((await pki.read("tidy-status")).state === "Finished") break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const status = await pki.read("tidy-status");
  assertEquals([status.cert_store_deleted_count, status.revoked_cert_deleted_count], [1, 1]);
  const left = await pki.list("certs");
  assert(left.includes(fresh) && !left.includes(old) && !left.includes(revoked));
  assertEquals(revokedIn(await pki.file("crl")), []);
});

Deno.test("listings come in pages", async () => {
  const pki = await startPki();
  for (let i = 0; i < 5; i++) await serialOf(pki);
  const all = await pki.list("certs");
  const page = await pki.node.ask("list", "p/certs/", {
    data: { limit: "2", after: all[1] ?? "" },
  });
  assertEquals(page.data?.keys, all.slice(2, 4));
});

Deno.test("an issuer without its key signs nothing; one that is deleted neither", async () => {
  const pki = await startPki();
  const { issuer_id: id, key_id: keyId } = await pki.read("issuer/default");
  assertEquals(await pki.node.status("delete", `p/key/${keyId}`), 400);
  await pki.node.ask("delete", `p/issuer/${id}`);
  assertEquals(await pki.status("issue/any", { common_name: "a.com" }), 400);
  await pki.node.ask("delete", `p/key/${keyId}`);
  assertEquals(await pki.list("keys"), []);
});

Deno.test("a key that was deleted signs nothing more, though it was kept ready", async () => {
  const pki = await startPki();
  await serialOf(pki);
  await pki.node.ask("delete", "p/root");
  await assertRejects(() => pki.write("issue/any", { common_name: "a.com" }), Failure);
});

Deno.test("what was imported is used, and known when it comes again", async () => {
  const pki = await startPki();
  const other = await mountPki(pki.node, "q");
  const made = await pki.write("root/generate/exported", {
    common_name: "Other",
    key_type: "rsa",
    private_key_format: "pkcs8",
  });
  const pem_bundle = `${made.certificate}\n${made.private_key}`;
  const first = await other.write("config/ca", { pem_bundle });
  assert(Array.isArray(first.imported_issuers) && Array.isArray(first.imported_keys));
  const again = await other.write("issuers/import/bundle", { pem_bundle });
  assertEquals(again.imported_issuers, null);
  assertEquals(again.existing_issuers, first.imported_issuers);
  await other.write("roles/any", { allow_any_name: true, key_type: "ec" });
  const leaf = await other.issue("any", { common_name: "a.com" });
  assert(await isIssuedBy(portableKeys, leaf, readPem(made.certificate)));
});

Deno.test("secrets are in no answer that was not asked for them", async () => {
  const pki = await startPki();
  for (const path of ["issuer/default", "key/default", "config/keys", "cert/ca"]) {
    assert(!JSON.stringify(await pki.read(path)).includes("PRIVATE"), path);
  }
  const internal = await pki.write("root/generate/internal", { common_name: "x", key_type: "ec" });
  assertEquals(internal.private_key, undefined);
});

Deno.test("junk in place of PEM is a 400 and changes nothing", async () => {
  const pki = await startPki();
  const before = JSON.stringify([await pki.list("certs"), await pki.list("keys")]);
  const good = fromPem(text((await pki.read("cert/ca")).certificate)).der;
  const wrap = (label: string, bytes: Uint8Array) =>
    `-----BEGIN ${label}-----\n${bytes.toBase64()}\n-----END ${label}-----`;
  for (const label of ["CERTIFICATE", "CERTIFICATE REQUEST", "PRIVATE KEY", "EC PRIVATE KEY"]) {
    for (let cut = 0; cut < good.length; cut += 37) {
      const pem = wrap(label, good.subarray(0, cut));
      assertEquals(await pki.status("config/ca", { pem_bundle: pem }), 400, `${label} ${cut}`);
      assertEquals(await pki.status("sign/any", { csr: pem }), 400);
      assertEquals(await pki.status("revoke", { certificate: pem }), 400);
      assertEquals(await pki.status("root/sign-self-issued", { certificate: pem }), 400);
    }
  }
  assertEquals(JSON.stringify([await pki.list("certs"), await pki.list("keys")]), before);
});

Deno.test("a request chooses neither another issuer nor another end than its role's", async () => {
  const pki = await startPki();
  await pki.write("root/generate/internal", {
    common_name: "Second",
    issuer_name: "second",
    key_type: "ec",
  });
  const root = readPem((await pki.read("cert/ca")).certificate);
  const leaf = await pki.issue("any", { common_name: "a.com", issuer_ref: "second" });
  assert(await isIssuedBy(portableKeys, leaf, root));
  const not_after = "2026-01-02T00:00:00Z";
  await pki.write("roles/fixed", { allow_any_name: true, key_type: "ec", not_after });
  assertEquals(await pki.status("issue/fixed", { common_name: "a.com", ttl: "100h" }), 400);
  const fixed = await pki.issue("fixed", { common_name: "a.com" });
  assertEquals(fixed.notAfter, Date.parse(not_after));
});

Deno.test("an intermediate has its request's name unless another is asked for", async () => {
  const pki = await startPki();
  const { csr } = await pki.write("intermediate/generate/internal", {
    common_name: "inter.example.com",
    organization: "Org",
    key_type: "ec",
  });
  const sign = async (more: JsonObject) => {
    const data = { csr: csr ?? "", ttl: "1h", ...more };
    return readPem((await pki.write("root/sign-intermediate", data)).certificate);
  };
  assertEquals(formatName((await sign({})).subject), "CN=inter.example.com");
  assertEquals(formatName((await sign({ common_name: "x" })).subject), "CN=x");
  const verbatim = await sign({ use_csr_values: true });
  assertEquals(formatName(verbatim.subject), "CN=inter.example.com,O=Org");
  assertEquals(verbatim.basicConstraints?.isAuthority, true);
});

Deno.test("a role's templates are those of whoever asks", async () => {
  const pki = await startPki();
  await pki.write("roles/own", {
    allowed_domains: "{{identity.entity.name}}.example.com",
    allowed_domains_template: true,
    allow_bare_domains: true,
    key_type: "ec",
  });
  assertEquals(await pki.status("issue/own", { common_name: "ann.example.com" }), 400);
});
