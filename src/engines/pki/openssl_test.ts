/** OpenSSL's own command judges what is written here: certificates, chains, lists, answers. */
import { assert, assertEquals } from "@std/assert";
import { mountPki, type PkiKit, startPki, text } from "./testing/kit.ts";

type Files = Readonly<Record<string, string | Uint8Array>>;

async function openssl(args: string[], files: Files): Promise<{ ok: boolean; output: string }> {
  const cwd = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${cwd}/${name}`, bytes);
    }
    // The test's clock stands at 2026-01-01.
    const done = await new Deno.Command("openssl", { args, cwd }).output();
    const output = new TextDecoder().decode(done.stdout) + new TextDecoder().decode(done.stderr);
    return { ok: done.success, output };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

const now = "1767225660"; // A minute after the clock of the kit began.

const rootOf = async (pki: PkiKit) => text((await pki.read("cert/ca")).certificate);

const ignore = !await new Deno.Command("openssl", { args: ["version"] }).output()
  .then(({ success }) => success, () => false);

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

test("leaves of every kind of key verify against their root, for servers and clients", async () => {
  const pki = await startPki();
  const ca = await rootOf(pki);
  for (const [key_type, key_bits] of [["ec", 256], ["ec", 384], ["ed25519", 0], ["rsa", 2048]]) {
    await pki.write("roles/k", {
      allow_any_name: true,
      key_type: key_type ?? "",
      key_bits: key_bits ?? 0,
      ttl: "1h",
    });
    const leaf = await pki.write("issue/k", { common_name: "a.com", ip_sans: "10.0.0.1" });
    const files = { ca, leaf: text(leaf.certificate), key: text(leaf.private_key) };
    for (const purpose of ["sslserver", "sslclient"]) {
      const args = ["verify", "-x509_strict", "-attime", now, "-purpose", purpose, "-CAfile", "ca"];
      const { ok, output } = await openssl([...args, "leaf"], files);
      assert(ok, `${key_type} ${purpose}: ${output}`);
    }
    const host = ["verify", "-attime", now, "-verify_hostname", "a.com", "-verify_ip", "10.0.0.1"];
    assert((await openssl([...host, "-CAfile", "ca", "leaf"], files)).ok);
    const ofKey = await openssl(["pkey", "-in", "key", "-pubout"], files);
    const ofLeaf = await openssl(["x509", "-in", "leaf", "-noout", "-pubkey"], files);
    assertEquals(ofKey.output, ofLeaf.output);
  }
});

test("roots of every kind sign lists and answers that OpenSSL takes", async () => {
  for (
    const more of [{ key_type: "ec" }, { key_type: "ed25519" }, { key_type: "rsa", use_pss: true }]
  ) {
    const pki = await startPki();
    const made = await pki.write("root/generate/internal", {
      common_name: "Second",
      issuer_name: "second",
      ttl: "700h",
      ...more,
    });
    const ca = text(made.certificate);
    const leaf = await pki.write("issuer/second/issue/any", { common_name: "a.com" });
    await pki.write("revoke", { serial_number: leaf.serial_number ?? "" });
    const crl = await pki.file("issuer/second/crl/pem");
    const files = { ca, crl, leaf: text(leaf.certificate) };
    assert((await openssl(["crl", "-in", "crl", "-noout", "-CAfile", "ca"], files)).ok);
    const check = ["verify", "-attime", now, "-crl_check", "-CAfile", "ca", "-CRLfile", "crl"];
    const { ok, output } = await openssl([...check, "leaf"], files);
    assertEquals([ok, /revoked/.test(output)], [false, true], output);
  }
});

test("an intermediate's leaf verifies through it, and not below a constraint that it breaks", async () => {
  const pki = await startPki();
  const ca = await rootOf(pki);
  const lower = await mountPki(pki.node, "q");
  const { csr } = await lower.write("intermediate/generate/internal", {
    common_name: "Inter",
    key_type: "ec",
  });
  assert((await openssl(["req", "-in", "r", "-noout", "-verify"], { r: text(csr) })).ok);
  const signed = await pki.write("root/sign-intermediate", {
    csr: csr ?? "",
    ttl: "300h",
    permitted_dns_domains: "good.com",
  });
  await lower.write("intermediate/set-signed", { certificate: signed.certificate ?? "" });
  await lower.write("roles/any", { allow_any_name: true, key_type: "ec", ttl: "1h" });
  const verify = ["verify", "-attime", now, "-CAfile", "ca", "-untrusted", "inter", "leaf"];
  for (const [name, expected] of [["a.good.com", true], ["a.evil.com", false]] as const) {
    const leaf = text((await lower.write("issue/any", { common_name: name })).certificate);
    const files = { ca, inter: text(signed.certificate), leaf };
    assertEquals((await openssl(verify, files)).ok, expected, name);
  }
});

test("OCSP says good, then revoked, to a question of OpenSSL's", async () => {
  const pki = await startPki();
  const ca = await rootOf(pki);
  const leaf = await pki.write("issue/any", { common_name: "a.com" });
  const cwd = await Deno.makeTempDir();
  const certificate = text(leaf.certificate);
  await Deno.writeTextFile(`${cwd}/ca`, ca);
  await Deno.writeTextFile(`${cwd}/c`, certificate);
  const ask = ["ocsp", "-issuer", "ca", "-cert", "c", "-reqout", "q"];
  await new Deno.Command("openssl", { args: ask, cwd, stderr: "null", stdout: "null" }).output();
  const req = (await Deno.readFile(`${cwd}/q`)).toBase64();
  const told = async () => {
    const answer = (await pki.ask("ocsp", { req })).raw?.body;
    assert(answer instanceof Uint8Array);
    const args = ["ocsp", "-issuer", "ca", "-cert", "c", "-reqin", "q", "-no_nonce"];
    const skew = ["-respin", "a", "-validity_period", "99999999"];
    const files = { ca, c: certificate, a: answer, q: Uint8Array.fromBase64(req) };
    return (await openssl([...args, ...skew, "-CAfile", "ca", "-attime", now], files)).output;
  };
  const good = await told();
  assert(/Response verify OK/.test(good) && /c: good/.test(good), good);
  assert(!/nonce/i.test(good), good);
  await pki.write("revoke", { serial_number: leaf.serial_number ?? "" });
  assert(/c: revoked/.test(await told()));
  await Deno.remove(cwd, { recursive: true });
});
