/** `export/`: the secrets of keys that may be exported, and their public halves. */
import { toBase64, wipe } from "../../base/bytes.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import { decoded } from "./base64.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { CryptoProvider } from "../../crypto/provider.ts";
import { pkcs1OfPkcs8, sec1OfPkcs8 } from "../../crypto/key_forms.ts";
import { toPem } from "../../crypto/keys.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { Engine } from "./engine.ts";
import { chainText, ed25519PrivateKey, publicKeyText } from "./key_info.ts";
import { CURVES, isEc, keyType } from "./key_types.ts";
import { type KeyPolicy, KeyStore, type KeyVersion } from "./policy.ts";

const kinds = [
  "encryption-key",
  "signing-key",
  "hmac-key",
  "public-key",
  "certificate-chain",
] as const;

type Kind = typeof kinds[number];

export function exportPaths(engine: Engine): Path[] {
  const params = { kind: kinds.join(", "), name: "The key's name" };
  const summary = "Reads the secrets of a key that is exportable.";
  return [
    path("export/:kind/:name", {
      summary,
      params,
      operations: {
        read: {
          summary: "All versions that decrypt.",
          standby: true,
          handler: (call, input) => exportKey(engine, call, input, undefined),
        },
      },
    }),
    path("export/:kind/:name/+version", {
      summary,
      params: { ...params, version: "A number, or latest" },
      operations: {
        read: {
          summary: "One version.",
          standby: true,
          handler: (call, input) => exportKey(engine, call, input, input.version),
        },
      },
    }),
  ];
}

async function exportKey(
  { services }: Engine,
  call: Call,
  input: { readonly kind: string; readonly name: string },
  asked: string | undefined,
) {
  const kind = kinds.find((one) => one === input.kind);
  if (kind === undefined) throw badRequest(`invalid export type: ${input.kind}`);
  const store = new KeyStore(call.storage);
  const policy = await store.policy(input.name);
  if (policy === undefined) throw notFound();
  checkKind(policy, kind);
  const [first, last] = exportRange(policy, asked);
  const { crypto } = services().mounts.platform;
  const keys: JsonObject = {};
  for (const [number, version] of await store.versions(policy.name, first, last)) {
    keys[number] = await exported(crypto, policy, version, kind);
  }
  return { data: { name: policy.name, type: policy.type, keys } };
}

function checkKind(policy: KeyPolicy, kind: Kind): void {
  const type = keyType(policy.type);
  if (kind === "public-key" || kind === "certificate-chain") {
    if (type.family === "pair") return;
    throw badRequest(`keys of type ${type.name} have no ${kind}`);
  }
  if (!policy.exportable) throw badRequest("private key material is not exportable");
  if (kind === "encryption-key" && !type.encrypts) {
    throw badRequest("encryption not supported for the key");
  }
  if (kind === "signing-key" && !type.signs) throw badRequest("signing not supported for the key");
}

/** The first and the last version that are asked for; a 400 for one that may not be had. */
export function exportRange(policy: KeyPolicy, asked: string | undefined): [number, number] {
  const { minDecryptionVersion, latestVersion } = policy;
  if (asked === undefined) return [minDecryptionVersion, latestVersion];
  if (asked === "latest") return [latestVersion, latestVersion];
  if (!/^\d{1,15}$/.test(asked)) throw badRequest("invalid key version");
  const version = Number(asked);
  if (version < minDecryptionVersion) {
    throw badRequest("version for export is below minimum decryption version");
  }
  if (version > latestVersion) throw badRequest("version does not exist or cannot be found");
  return [version, version];
}

async function exported(
  crypto: CryptoProvider,
  policy: KeyPolicy,
  version: KeyVersion,
  kind: Kind,
): Promise<string> {
  if (kind === "hmac-key") return version.hmacKey;
  if (kind === "certificate-chain") {
    if (version.certificateChain === undefined) throw badRequest("no certificate chain was set");
    return chainText(version.certificateChain);
  }
  if (kind === "public-key") {
    const text = publicKeyText(policy, decoded(version.publicKey));
    return isEc(policy.type) ? text.trimEnd() : text;
  }
  if (version.key === undefined) throw badRequest("only the public half of this key is known");
  return await privateKeyText(crypto, policy, version.key);
}

/** A secret as clients are given it: base64 of bytes, or PEM of RSA and EC keys. */
function privateKeyText(crypto: CryptoProvider, policy: KeyPolicy, stored: string): string {
  const type = keyType(policy.type);
  if (type.family !== "pair") return stored;
  const pkcs8 = decoded(stored);
  try {
    if (policy.type === "ed25519") return wiped(ed25519PrivateKey(crypto, pkcs8), toBase64);
    if (isEc(policy.type)) {
      const der = sec1OfPkcs8(pkcs8, CURVES[policy.type]);
      // Without the last line's end, as clients have always got it.
      return wiped(der, (bytes) => toPem("EC PRIVATE KEY", bytes).trimEnd());
    }
    return wiped(pkcs1OfPkcs8(pkcs8), (der) => toPem("RSA PRIVATE KEY", der));
  } finally {
    wipe(pkcs8);
  }
}

function wiped(bytes: Uint8Array, use: (bytes: Uint8Array) => string): string {
  const text = use(bytes);
  wipe(bytes);
  return text;
}
