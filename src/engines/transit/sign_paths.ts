/** `sign/`, `verify/` and `hmac/`. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { JsonObject, JsonValue } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { readBase64 } from "./base64.ts";
import { batchData, isBatch, itemField, readBatch, runBatch } from "./batch.ts";
import type { Engine } from "./engine.ts";
import type { OpenKey } from "./key_cache.ts";
import {
  checkHmac,
  makeHmac,
  readHash,
  requireSigner,
  sign,
  type SignContext,
  type SignSettings,
  verify,
} from "./signature.ts";

const hashFields = {
  hash_algorithm: field.string("sha1, sha2-224 to sha2-512, sha3-224 to sha3-512, or none."),
  algorithm: field.string("An older name of hash_algorithm."),
};

const macHash = { algorithm: field.string("sha1, sha2-224 to sha2-512, or sha3-224 to sha3-512.") };

const itemFields = {
  input: field.string("In base64."),
  context: field.string("In base64: whose key it is, of keys that are derived.", ""),
  reference: field.string("Given back with the item's result.", ""),
  signature: field.string("As signing gave it."),
  hmac: field.string("As hmac/ gave it."),
};

const settingFields = {
  ...hashFields,
  prehashed: field.bool("The input is the digest already.", false),
  signature_algorithm: field.string("Of RSA: pss or pkcs1v15.", ""),
  marshaling_algorithm: field.string(
    "asn1, or jws for the form that JSON web tokens have.",
    "asn1",
  ),
  salt_length: field.string("Of PSS: auto, hash, or a number of bytes.", "auto"),
};

const { signature, hmac, ...inputFields } = itemFields;
const batch = { batch_input: field.any("A list of objects with such fields: many at once.") };
const version = { key_version: field.int("The version to use; 0 for the newest.", 0) };

export function signPaths(engine: Engine): Path[] {
  const signing = { ...inputFields, ...settingFields, ...batch, ...version };
  const verifying = { ...inputFields, ...settingFields, ...batch, signature, hmac };
  const macs = { input: itemFields.input, ...macHash, ...batch, ...version };
  const summary = {
    sign: "Signs by a key.",
    verify: "Tells whether a signature or an HMAC is right.",
    hmac: "An HMAC by a key.",
  };
  const params = { name: "The key's name" };
  const named = { ...params, urlalgorithm: "The digest" };
  return [
    path("sign/:name", {
      summary: summary.sign,
      params,
      fields: signing,
      operations: {
        update: { ...answers, handler: (call, input) => signAll(engine, call, input, "") },
      },
    }),
    path("sign/:name/+urlalgorithm", {
      summary: summary.sign,
      params: named,
      fields: signing,
      operations: {
        update: {
          ...answers,
          handler: (call, input) => signAll(engine, call, input, input.urlalgorithm),
        },
      },
    }),
    path("verify/:name", {
      summary: summary.verify,
      params,
      fields: verifying,
      operations: {
        update: { ...answers, handler: (call, input) => verifyAll(engine, call, input, "") },
      },
    }),
    path("verify/:name/+urlalgorithm", {
      summary: summary.verify,
      params: named,
      fields: verifying,
      operations: {
        update: {
          ...answers,
          handler: (call, input) => verifyAll(engine, call, input, input.urlalgorithm),
        },
      },
    }),
    path("hmac/:name", {
      summary: summary.hmac,
      params,
      fields: macs,
      operations: {
        update: { ...answers, handler: (call, input) => hmacAll(engine, call, input, "") },
      },
    }),
    path("hmac/:name/+urlalgorithm", {
      summary: summary.hmac,
      params: named,
      fields: macs,
      operations: {
        update: {
          ...answers,
          handler: (call, input) => hmacAll(engine, call, input, input.urlalgorithm),
        },
      },
    }),
  ];
}

/** Nothing is changed, so that standbys answer too. */
const answers = { summary: "Answers one, or a batch.", standby: true };

interface HashInput {
  readonly hash_algorithm?: string | undefined;
  readonly algorithm: string | undefined;
}

interface SettingsInput extends HashInput {
  readonly prehashed: boolean;
  readonly signature_algorithm: string;
  readonly marshaling_algorithm: string;
  readonly salt_length: string;
}

interface BatchInput {
  readonly name: string;
  readonly batch_input: JsonValue | undefined;
}

interface SignItem {
  readonly input: string | undefined;
  readonly context: string;
  readonly reference: string;
}

interface VerifyItem extends SignItem {
  readonly signature: string | undefined;
  readonly hmac: string | undefined;
}

function hashName(input: HashInput, fromPath: string): string {
  return fromPath || input.hash_algorithm || input.algorithm || "sha2-256";
}

function readSettings(input: SettingsInput, fromPath: string): SignSettings {
  const { prehashed, marshaling_algorithm: marshaling, signature_algorithm: padding } = input;
  if (marshaling !== "asn1" && marshaling !== "jws") {
    throw badRequest(`unsupported marshaling algorithm ${marshaling}`);
  }
  const name = hashName(input, fromPath);
  const hash = name === "none" ? name : readHash(name);
  return { hash, padding, prehashed, marshaling, saltLength: readSalt(input.salt_length) };
}

function readSalt(text: string): SignSettings["saltLength"] {
  const word = text.toLowerCase();
  if (word === "auto" || word === "hash") return word;
  // Go's number for the length of the digest.
  if (word === "-1") return "hash";
  if (/^\d{1,9}$/.test(word)) return Number(word);
  throw badRequest(`salt length "${text}" is invalid; it is auto, hash, or a number of bytes`);
}

function readInput(text: string): Uint8Array {
  return readBase64(text, "unable to decode input as base64: ");
}

function readContext(text: string): Uint8Array {
  return readBase64(text, "failed to base64-decode context: ");
}

function readSignItem(item: JsonObject): SignItem {
  return {
    input: itemField(item, "input", itemFields.input),
    context: itemField(item, "context", itemFields.context),
    reference: itemField(item, "reference", itemFields.reference),
  };
}

function readVerifyItem(item: JsonObject): VerifyItem {
  return {
    ...readSignItem(item),
    signature: itemField(item, "signature", itemFields.signature),
    hmac: itemField(item, "hmac", itemFields.hmac),
  };
}

function contextOf({ services }: Engine, call: Call): SignContext {
  return { crypto: services().mounts.platform.crypto, storage: call.storage };
}

type SignInput = SettingsInput & BatchInput & SignItem & { readonly key_version: number };

async function signAll(
  engine: Engine,
  call: Call,
  input: SignInput,
  fromPath: string,
): Promise<LogicalResponse> {
  const settings = readSettings(input, fromPath);
  const at = contextOf(engine, call);
  const one = async (key: OpenKey, item: SignItem) => {
    const made = await sign(
      at,
      key,
      readInput(item.input ?? ""),
      readContext(item.context),
      input.key_version,
      settings,
    );
    const { signature, version: key_version, publicKey: public_key } = made;
    return { signature, key_version, ...(public_key === undefined ? {} : { public_key }) };
  };
  const items = isBatch(input.batch_input) ? readBatch(input.batch_input, readSignItem) : undefined;
  return await engine.keys.with(call, input.name, async (key) => {
    if (items === undefined) return { data: await one(key, input) };
    requireSigner(key.policy, "signing");
    const outcomes = await runBatch(items, { key_version: 0 }, async (item) => {
      if (item.input === undefined) throw badRequest("missing input");
      return await one(key, item);
    });
    return { data: batchData(outcomes) };
  });
}

async function verifyAll(
  engine: Engine,
  call: Call,
  input: SettingsInput & BatchInput & VerifyItem,
  fromPath: string,
): Promise<LogicalResponse> {
  const items = isBatch(input.batch_input)
    ? readBatch(input.batch_input, readVerifyItem)
    : undefined;
  const isHmac = requireOneKind(items ?? [input]);
  const settings = isHmac ? undefined : readSettings(input, fromPath);
  const at = contextOf(engine, call);
  const one = async (key: OpenKey, item: VerifyItem) => {
    const body = readInput(item.input ?? "");
    if (settings === undefined) {
      const hash = readHash(hashName(input, fromPath));
      return await checkHmac(at, key, body, hash, item.hmac ?? "");
    }
    const context = readContext(item.context);
    return await verify(at, key, body, context, item.signature ?? "", settings);
  };
  return await engine.keys.with(call, input.name, async (key) => {
    if (items === undefined) return { data: { valid: await one(key, input) } };
    if (!isHmac) requireSigner(key.policy, "verification");
    const outcomes = await runBatch(items, { valid: false }, async (item) => {
      if (item.input === undefined) throw badRequest("missing input");
      return { valid: await one(key, item) };
    });
    return { data: batchData(outcomes) };
  });
}

/** Whether HMACs are to be verified; a 400 where there is neither, or both. */
function requireOneKind(items: readonly VerifyItem[]): boolean {
  const [signed, maced] = [
    items.filter((item) => item.signature).length,
    items.filter((item) => item.hmac).length,
  ];
  if (signed === items.length && maced === 0) return false;
  if (maced === items.length && signed === 0) return true;
  if (signed > 0 && maced > 0) {
    throw badRequest(
      "either signatures or HMACs can be verified: give 'signature' or 'hmac' alone",
    );
  }
  throw badRequest("neither a 'signature' nor an 'hmac' was given to verify");
}

async function hmacAll(
  engine: Engine,
  call: Call,
  input: HashInput & BatchInput & Pick<SignItem, "input"> & { readonly key_version: number },
  fromPath: string,
): Promise<LogicalResponse> {
  const hash = readHash(hashName(input, fromPath));
  const at = contextOf(engine, call);
  const one = async (key: OpenKey, item: Pick<SignItem, "input">) => {
    if (item.input === undefined) throw badRequest("missing input for HMAC");
    return { hmac: await makeHmac(at, key, readInput(item.input), hash, input.key_version) };
  };
  const items = isBatch(input.batch_input) ? readBatch(input.batch_input, readSignItem) : undefined;
  return await engine.keys.with(call, input.name, async (key) => {
    if (items === undefined) return { data: await one(key, input) };
    return { data: batchData(await runBatch(items, {}, (item) => one(key, item))) };
  });
}
