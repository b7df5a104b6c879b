/** `wrapping_key` and `import`: keys that were made elsewhere. */
import { type Bytes, fromBase64, storedText, toBase64, utf8, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, Platform } from "../../core/backend.ts";
import { fromPem, KeyFormatError, kindName, type SigningKey, toPem } from "../../crypto/keys.ts";
import { DecryptError, type HashName } from "../../crypto/provider.ts";
import { unwrapFromJourney } from "../../crypto/wrapped_key.ts";
import type { View } from "../../storage/transaction.ts";
import { readBase64 } from "./base64.ts";
import type { Engine } from "./engine.ts";
import { keyFields, requireKeyType, requirePolicy } from "./key_paths.ts";
import { HMAC_KEY_SIZES, type KeyType, keyType } from "./key_types.ts";
import { givenVersion, newPolicy, plainSettings, putNewest } from "./make_key.ts";
import { KeyStore, type KeyVersion } from "./policy.ts";
import { readWrappingHash, wrappingHash } from "./wrapping.ts";

const wrappingKeyKey = "import/wrapping-key";

const fields = {
  ciphertext: field.string(
    "In base64: an AES-256 key in RSA-OAEP under the wrapping key, then the key in AES-KWP under that.",
    "",
  ),
  hash_function: wrappingHash,
  public_key: field.string("In PEM, instead of the ciphertext: verifies and encrypts only.", ""),
};

type Material = Pick<KeyVersion, "key" | "publicKey">;

interface Given {
  readonly ciphertext: string;
  readonly hash_function: string;
  readonly public_key: string;
}

export function importPaths(engine: Engine): Path[] {
  return [wrappingKeyPath(engine), importPath(engine), importVersionPath(engine)];
}

function wrappingKeyPath({ services }: Engine): Path {
  return path("wrapping_key", {
    summary: "The public key that keys are wrapped in to be imported.",
    operations: {
      read: {
        summary: "Reads it, and makes it where there is none.",
        handler: async (call) => {
          const pair = await wrappingKey(call.storage, services().mounts.platform);
          const public_key = toPem("PUBLIC KEY", pair.publicKey.spki());
          pair.destroy();
          return { data: { public_key } };
        },
      },
    },
  });
}

/** RSA-4096, made when first asked for. The caller destroys it. */
async function wrappingKey(storage: View, { crypto }: Platform): Promise<SigningKey> {
  const stored = await storage.get(wrappingKeyKey);
  if (stored === undefined) {
    const made = await crypto.keys.generate("rsa-4096");
    const pkcs8 = made.pkcs8();
    storage.put(wrappingKeyKey, utf8(toBase64(pkcs8)));
    wipe(pkcs8);
    return made;
  }
  const pkcs8 = fromBase64(storedText(stored)) ?? new Uint8Array();
  try {
    return crypto.keys.importPkcs8(pkcs8);
  } finally {
    wipe(pkcs8);
  }
}

function importPath(engine: Engine): Path {
  return path("keys/:name/import", {
    summary: "A key that was made elsewhere.",
    params: { name: "The key's name" },
    fields: {
      ...keyFields,
      ...fields,
      allow_rotation: field.bool("New versions may be made here.", false),
    },
    operations: {
      update: {
        summary: "Imports it.",
        handler: async (call, input) => {
          const { platform } = engine.services().mounts;
          const store = new KeyStore(call.storage);
          const type = requireKeyType(input.type);
          if (await store.policy(input.name) !== undefined) {
            throw badRequest(
              "the import path cannot be used with an existing key; use import_version to add one",
            );
          }
          const secrets = await readSecrets(call, platform, type, input);
          const policy = newPolicy(input.name, type, {
            ...plainSettings,
            derived: input.derived,
            exportable: input.exportable,
            allowPlaintextBackup: input.allow_plaintext_backup,
            autoRotatePeriod: input.auto_rotate_period,
            keySize: type.family === "hmac" ? secrets.key?.length ?? 0 : 0,
          });
          const imported = {
            ...policy,
            // What this API has always derived imported keys by.
            kdf: "hmac-sha256-counter" as const,
            imported: true,
            allowImportedRotation: input.allow_rotation,
          };
          await putNewest(store, imported, givenVersion(platform, type, secrets));
          wipe(secrets.key);
        },
      },
    },
  });
}

function importVersionPath(engine: Engine): Path {
  return path("keys/:name/import_version", {
    summary: "A further version of an imported key.",
    params: { name: "The key's name" },
    fields: {
      ...fields,
      version: field.int(
        "Adds the private half to this version, of which the public one is known.",
      ),
    },
    operations: {
      update: {
        summary: "Imports it.",
        handler: async (call, input) => {
          const { platform } = engine.services().mounts;
          const store = new KeyStore(call.storage);
          const policy = await requirePolicy(store, input.name);
          if (!policy.imported) {
            throw badRequest("the import_version path can only be used with an imported key");
          }
          const type = keyType(policy.type);
          const secrets = await readSecrets(call, platform, type, input);
          if (type.family === "hmac" && secrets.key?.length !== policy.keySize) {
            throw badRequest(`the versions of this key have ${policy.keySize} bytes`);
          }
          const given = givenVersion(platform, type, secrets);
          wipe(secrets.key);
          if (input.version === undefined) {
            await putNewest(store, policy, given);
            return;
          }
          const known = await store.version(policy.name, input.version);
          store.putVersion(policy.name, input.version, completed(known, given));
          await store.putPolicy(policy);
        },
      },
    },
  });
}

/** A version of which the public half was known, with the private one. */
function completed(known: KeyVersion | undefined, given: Material): KeyVersion {
  if (known === undefined) throw badRequest("there is no such version of the key");
  if (known.key !== undefined) {
    throw badRequest("the private half of this version is known already");
  }
  if (given.key === undefined || given.publicKey !== known.publicKey) {
    throw badRequest("the key is not the private half of this version's public one");
  }
  return { ...known, key: given.key };
}

interface Secrets {
  readonly key?: Bytes;
  readonly publicKey?: Bytes;
}

async function readSecrets(
  call: Call,
  platform: Platform,
  type: KeyType,
  given: Given,
): Promise<Secrets> {
  const hash = readWrappingHash(given.hash_function);
  if (given.ciphertext === "") return readPublicKey(platform, type, given.public_key);
  const key = await unwrap(call, platform, readBase64(given.ciphertext), hash);
  if (type.family !== "pair") return { key: checkLength(type, key) };
  try {
    const pair = platform.crypto.keys.importPkcs8(key);
    const secrets = { key: pair.pkcs8(), publicKey: pair.publicKey.spki() };
    pair.destroy();
    requireKind(type, kindName(pair.algorithm));
    return secrets;
  } catch (error) {
    if (error instanceof KeyFormatError) throw badRequest(`key import failed: ${error.message}`);
    throw error;
  } finally {
    wipe(key);
  }
}

function checkLength(type: KeyType, key: Bytes): Bytes {
  const { least, most } = HMAC_KEY_SIZES;
  const fits = type.family === "hmac"
    ? key.length >= least && key.length <= most
    : key.length === type.keyLength;
  if (fits) return key;
  const wanted = type.family === "hmac" ? `${least} to ${most}` : `${type.keyLength}`;
  throw badRequest(`a key of type ${type.name} has ${wanted} bytes, not ${key.length}`);
}

function requireKind(type: KeyType, found: string): void {
  if (type.pair === found) return;
  throw badRequest(`key import failed: the key is ${found}, not ${type.name}`);
}

function readPublicKey({ crypto }: Platform, type: KeyType, pem: string): Secrets {
  if (pem === "") throw badRequest("either ciphertext or public_key must be given");
  if (type.family !== "pair") throw badRequest(`keys of type ${type.name} have no public half`);
  try {
    const key = crypto.keys.importSpki(fromPem(pem).der);
    requireKind(type, kindName(key.algorithm));
    return { publicKey: key.spki() };
  } catch (error) {
    if (error instanceof KeyFormatError) throw badRequest(`key import failed: ${error.message}`);
    throw error;
  }
}

async function unwrap(
  call: Call,
  platform: Platform,
  wrapped: Bytes,
  hash: HashName,
): Promise<Bytes> {
  const pair = await wrappingKey(call.storage, platform);
  try {
    return await unwrapFromJourney(pair, wrapped, hash);
  } catch (error) {
    if (error instanceof DecryptError) throw badRequest("the wrapped key could not be unwrapped");
    throw error;
  } finally {
    pair.destroy();
  }
}
