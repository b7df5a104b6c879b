/** Certificates and keys from elsewhere: `config/ca`, `issuers/import`, `intermediate/set-signed`. */
import { sameBytes, toBase64, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { type Certificate, readCertificate } from "../../crypto/x509/certificate.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { addIssuers, type NewIssuer } from "./add_issuer.ts";
import { keepKey, noUrlsWarning } from "./authority.ts";
import { type Engine, platformOf, readable } from "./engine.ts";
import { issuersConfig, putIssuer, putIssuersConfig, readIssuers } from "./issuer_store.ts";
import { checkKeyName, type KeyInfo, readKeys } from "./key_store.ts";
import { isPrivateKey, type PemBlock, pkcs8Of, readPemBlocks } from "./pem.ts";
import { hasUrls, mountUrls } from "./urls.ts";

/** Keeps a key in PEM, unless it is there already. */
export async function importKey(
  engine: Engine,
  call: Call,
  block: PemBlock,
  name: string,
): Promise<{ readonly info: KeyInfo; readonly isNew: boolean }> {
  const pkcs8 = await readable("the key", () => pkcs8Of(block));
  const key = await readable("the key", () => platformOf(engine).crypto.keys.importPkcs8(pkcs8));
  try {
    const publicKey = toBase64(key.publicKey.spki());
    const known = (await readKeys(call.storage)).find((other) => other.publicKey === publicKey);
    if (known !== undefined) return { info: known, isNew: false };
    await checkKeyName(call, name);
    return { info: await keepKey(engine, call, key, name), isNew: true };
  } finally {
    key.destroy();
    wipe(pkcs8);
  }
}

/** The certificates in a bundle; a 400 for one that is no authority's. */
async function readAuthorities(blocks: readonly PemBlock[]): Promise<Certificate[]> {
  const found: Certificate[] = [];
  for (const { label, der } of blocks) {
    if (label !== "CERTIFICATE") throw badRequest(`PEM of the type ${label} can't be imported`);
    const certificate = await readable("the certificate", () => readCertificate(der));
    if (certificate.basicConstraints?.isAuthority !== true) {
      throw badRequest("a certificate in the bundle is not a CA's");
    }
    if (!found.some((other) => sameBytes(other.der, der))) found.push(certificate);
  }
  return found;
}

/** Keeps what a bundle holds, and says what of it is new. */
async function importBundle(
  engine: Engine,
  call: Call,
  pem: string,
  allowKeys: boolean,
): Promise<LogicalResponse> {
  if (pem.trim() === "") throw badRequest("the PEM bundle is empty");
  const blocks = readPemBlocks(pem);
  const certificates = await readAuthorities(blocks.filter((block) => !isPrivateKey(block)));
  const keyBlocks = blocks.filter(isPrivateKey);
  if (keyBlocks.length > 0 && !allowKeys) {
    throw badRequest("private keys found in the PEM bundle but not allowed by the path");
  }
  const imported: KeyInfo[] = [];
  const existing: KeyInfo[] = [];
  for (const block of keyBlocks) {
    const { info, isNew } = await importKey(engine, call, block, "");
    (isNew ? imported : existing).push(info);
  }
  const keys = new Map((await readKeys(call.storage)).map((key) => [key.publicKey, key.id]));
  for (const key of imported) keys.set(key.publicKey, key.id);
  const before = await readIssuers(call);
  const known = before.filter(({ parsed }) =>
    certificates.some(({ der }) => sameBytes(der, parsed.der))
  );
  const fresh = certificates.filter(({ der }) =>
    !before.some(({ parsed }) => sameBytes(der, parsed.der))
  );
  const added = await addIssuers(
    engine,
    call,
    fresh.map((certificate): NewIssuer => ({
      certificate: certificate.der,
      name: "",
      keyId: keys.get(toBase64(certificate.publicKey)) ?? "",
      revocationAlgorithm: "",
    })),
  );
  const linked = await linkKeys(call, keys);
  engine.crls.rebuildAfter(call);
  const ids = (list: readonly { readonly id: string }[]) =>
    list.length === 0 ? null : list.map(({ id }) => id);
  const mapping = [...added, ...known].map(({ id, keyId }) => [id, linked.get(id) ?? keyId]);
  return {
    data: {
      imported_issuers: ids(added),
      imported_keys: ids(imported),
      existing_issuers: ids(known),
      existing_keys: ids(existing),
      mapping: Object.fromEntries(mapping),
    },
    ...(hasUrls(await mountUrls(call)) ? {} : { warnings: [noUrlsWarning] }),
  };
}

/** Issuers that were without their keys get those that are there now. */
async function linkKeys(
  call: Call,
  keys: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const linked = new Map<string, string>();
  for (const issuer of await readIssuers(call)) {
    const keyId = keys.get(toBase64(issuer.parsed.publicKey));
    if (issuer.keyId !== "" || keyId === undefined) continue;
    putIssuer(call.storage, { ...issuer, keyId });
    linked.set(issuer.id, keyId);
  }
  const config = await issuersConfig(call);
  const [first] = linked.keys();
  if (config.defaultId === "" && first !== undefined) {
    putIssuersConfig(call.storage, { ...config, defaultId: first });
  }
  return linked;
}

export function importPaths(engine: Engine): Path[] {
  const summary = "Takes over certificates of authorities, and their keys.";
  const fields = { pem_bundle: field.string("Certificates and keys in PEM.", "") };
  const bundle = (pattern: "config/ca" | "issuers/import/bundle") =>
    path(pattern, {
      summary,
      fields,
      operations: {
        update: {
          summary,
          handler: (call, input) => importBundle(engine, call, input.pem_bundle, true),
        },
      },
    });
  return [
    bundle("config/ca"),
    bundle("issuers/import/bundle"),
    path("issuers/import/cert", {
      summary: "Takes over certificates of authorities.",
      fields,
      operations: {
        update: {
          summary: "Takes them over; keys are refused.",
          handler: (call, input) => importBundle(engine, call, input.pem_bundle, false),
        },
      },
    }),
    path("intermediate/set-signed", {
      summary: "Takes over an intermediate's certificate, signed elsewhere.",
      fields: { certificate: field.string("Certificates in PEM.", "") },
      operations: {
        update: {
          summary: "Takes it over.",
          handler: (call, input) => importBundle(engine, call, input.certificate, false),
        },
      },
    }),
  ];
}
