/** Requests for certificates are signed by the key they are for; certificates belong to a key. */
import "reflect-metadata";
import { assert, assertEquals } from "@std/assert";
import {
  BasicConstraintsExtension,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { toBase64 } from "../../base/bytes.ts";
import { toPem } from "../../crypto/keys.ts";
import { b64, startTransit, text, type TransitKit } from "./testing/kit.ts";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

function newPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
}

function issue(
  subject: string,
  issuer: string,
  publicKey: CryptoKey,
  signingKey: CryptoKey,
  isAuthority = false,
): Promise<X509Certificate> {
  return X509CertificateGenerator.create({
    serialNumber: "01",
    subject,
    issuer,
    notBefore: new Date(Date.UTC(2026, 0)),
    notAfter: new Date(Date.UTC(2036, 0)),
    publicKey,
    signingKey,
    signingAlgorithm: ecdsa,
    extensions: [new BasicConstraintsExtension(isAuthority, undefined, true)],
  });
}

async function request(kit: TransitKit, key: string, csr = ""): Promise<Pkcs10CertificateRequest> {
  return new Pkcs10CertificateRequest(text((await kit.write(`keys/${key}/csr`, { csr })).csr));
}

for (const type of ["rsa-2048", "ecdsa-p256", "ecdsa-p384", "ed25519"]) {
  Deno.test(`a request of a key of type ${type} is signed by it`, async () => {
    const kit = await startTransit();
    await kit.write("keys/k", { type });
    const made = await request(kit, "k");
    assert(await made.verify());
    const { keys } = await kit.read("export/public-key/k");
    const shown = text(Object(keys)[1]);
    const own = new Uint8Array(made.publicKey.rawData);
    const expected = type === "ed25519" ? toBase64(own.subarray(12)) : toPem("PUBLIC KEY", own);
    assertEquals(shown.trim(), expected.trim());
  });
}

Deno.test("subject and extensions come from another request, and from nothing else", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { type: "ecdsa-p256" });
  const other = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=orders, O=Org",
    keys: await newPair(),
    signingAlgorithm: ecdsa,
    extensions: [new BasicConstraintsExtension(false, undefined, true)],
  });
  const made = await request(kit, "k", other.toString("pem"));
  assert(await made.verify());
  assertEquals(made.subject, "CN=orders, O=Org");
  assertEquals(made.extensions.length, 1);
  assertEquals(made.publicKey.equal(other.publicKey), false);
  const csr = toPem("CERTIFICATE REQUEST", new Uint8Array([0x30, 3, 2, 1, 1]));
  for (const data of [{ csr: "junk" }, { csr }, { version: 2 }, { version: -1 }]) {
    assertEquals([data, await kit.status("keys/k/csr", data)], [data, 400]);
  }
});

Deno.test("only a chain that begins with a certificate of this very key is kept", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { type: "ecdsa-p256" });
  const own = await (await request(kit, "k")).publicKey.export();
  const [authority, other] = [await newPair(), await newPair()];
  const root = await issue("CN=root", "CN=root", authority.publicKey, authority.privateKey, true);
  const leaf = await issue("CN=k", "CN=root", own, authority.privateKey);
  const ofAnother = await issue("CN=k", "CN=root", other.publicKey, authority.privateKey);
  const ofAuthority = await issue("CN=k", "CN=root", own, authority.privateKey, true);
  const pem = (...chain: readonly X509Certificate[]) =>
    chain.map((one) => `${one.toString("pem")}\n`).join("");
  for (
    const certificate_chain of [
      "",
      "junk",
      pem(ofAnother),
      pem(ofAuthority),
      pem(leaf, ofAnother),
      pem(root, leaf),
      toPem("CERTIFICATE", new Uint8Array([0x30, 0])),
    ]
  ) assertEquals(await kit.status("keys/k/set-certificate", { certificate_chain }), 400);
  assertEquals(await kit.node.status("read", "t/export/certificate-chain/k"), 400);
  await kit.write("keys/k/set-certificate", { certificate_chain: pem(leaf, root) });
  const { keys } = await kit.read("export/certificate-chain/k");
  assertEquals(text(Object(keys)[1]).trim(), pem(leaf, root).trim());
  // The key signs as before, and its next version has no certificate yet.
  await kit.write("keys/k/rotate");
  assertEquals(await kit.status("sign/k", { input: b64("x"), key_version: 1 }), 200);
  assertEquals(await kit.node.status("read", "t/export/certificate-chain/k/2"), 400);
});
