/** `csr` and `set-certificate`: certificates for the public halves of keys. */
import { type Bytes, fromBase64, toBase64 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { fromPem, KeyFormatError, toPem } from "../../crypto/keys.ts";
import { checkChain, requestFor } from "./certificates.ts";
import type { Engine } from "./engine.ts";
import { chainText } from "./key_info.ts";
import { requirePolicy } from "./key_paths.ts";
import { keyType } from "./key_types.ts";
import { type KeyPolicy, KeyStore } from "./policy.ts";
import { requireActive } from "./versions.ts";

const version = field.int("The version; 0 for the newest.", 0);

export function certificatePaths(engine: Engine): Path[] {
  return [
    path("keys/:name/csr", {
      summary: "A request for a certificate of a key.",
      params: { name: "The key's name" },
      fields: {
        csr: field.string("In PEM: subject and extensions are taken from it.", ""),
        version,
      },
      operations: {
        update: {
          summary: "Makes it, signed by the key.",
          standby: true,
          handler: (call, input) => request(engine, call, input),
        },
      },
    }),
    path("keys/:name/set-certificate", {
      summary: "The certificates of a key.",
      params: { name: "The key's name" },
      fields: {
        certificate_chain: field.string("In PEM, that of the key first.", ""),
        version,
      },
      operations: {
        update: {
          summary: "Keeps them with the key.",
          handler: (call, input) => setChain(call, input),
        },
      },
    }),
  ];
}

function requirePair(policy: KeyPolicy): void {
  requireActive(policy);
  if (keyType(policy.type).family === "pair" && !policy.derived) return;
  throw badRequest("only keys with one public half can have certificates");
}

function chosenVersion(policy: KeyPolicy, asked: number): number {
  if (asked === 0) return policy.latestVersion;
  if (asked >= policy.minDecryptionVersion && asked <= policy.latestVersion) return asked;
  throw badRequest(`version ${asked} of the key is not available`);
}

async function request(
  engine: Engine,
  call: Call,
  input: { readonly name: string; readonly csr: string; readonly version: number },
) {
  return await engine.keys.with(call, input.name, async (key) => {
    requirePair(key.policy);
    const material = await key.material(call.storage, chosenVersion(key.policy, input.version));
    const template = input.csr === "" ? undefined : readPem(input.csr);
    const made = await requestFor(material.signing(), template);
    const csr = toPem("CERTIFICATE REQUEST", made);
    return { data: { name: key.policy.name, type: key.policy.type, csr } };
  });
}

async function setChain(
  call: Call,
  input: { readonly name: string; readonly certificate_chain: string; readonly version: number },
) {
  const store = new KeyStore(call.storage);
  const policy = await requirePolicy(store, input.name);
  requirePair(policy);
  const number = chosenVersion(policy, input.version);
  const stored = await store.version(policy.name, number);
  if (stored === undefined) throw badRequest(`version ${number} of the key is not available`);
  const blocks = input.certificate_chain.match(/-----BEGIN [^-]*-----[^-]*-----END [^-]*-----/g) ??
    [];
  if (blocks.length === 0) throw badRequest("the certificate chain holds no certificate in PEM");
  const ders = blocks.map((block) => readPem(block));
  const publicKey = fromBase64(stored.publicKey ?? "") ?? new Uint8Array();
  checkChain(ders, publicKey);
  const certificateChain = ders.map((der) => toBase64(der));
  store.putVersion(policy.name, number, { ...stored, certificateChain });
  await store.putPolicy(policy);
  const { name, type } = policy;
  return { data: { name, type, certificate_chain: chainText(certificateChain) } };
}

function readPem(text: string): Bytes {
  try {
    return fromPem(text).der;
  } catch (error) {
    if (error instanceof KeyFormatError) throw badRequest(error.message, error);
    throw error;
  }
}
