/** `encrypt/`, `decrypt/`, `rewrap/` and `datakey/`. */
import { toBase64, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { JsonObject } from "../../logical/json.ts";
import { readBase64 } from "./base64.ts";
import { batchData, batchResponse, isBatch, runBatch } from "./batch.ts";
import { type CipherContext, decrypt, encrypt } from "./cipher.ts";
import {
  batchFields,
  cipherFields,
  type CipherItem,
  cipherItems,
  cipherOptions,
  haveContext,
} from "./cipher_item.ts";
import type { Engine } from "./engine.ts";
import type { OpenKey } from "./key_cache.ts";
import { requireKeyType } from "./key_paths.ts";
import { addVersion, newPolicy, plainSettings } from "./make_key.ts";
import { KeyStore } from "./policy.ts";
import { isUpsertDisabled } from "./settings.ts";

const { plaintext, ciphertext, ...optionFields } = cipherFields;

/** Random bits of a data key. */
const dataKeyBits: readonly number[] = [128, 256, 512];

export function cipherPaths(engine: Engine): Path[] {
  return [encryptPath(engine), decryptPath(engine), rewrapPath(engine), dataKeyPath(engine)];
}

function contextOf({ services }: Engine, call: Call): CipherContext {
  return { platform: services().mounts.platform, storage: call.storage };
}

async function encryptItem(at: CipherContext, key: OpenKey, item: CipherItem): Promise<JsonObject> {
  if (item.plaintext === undefined) throw badRequest("missing plaintext to encrypt");
  const text = readBase64(item.plaintext);
  const made = await encrypt(at, key, text, cipherOptions(item), item.key_version);
  wipe(text);
  return { ciphertext: made.ciphertext, key_version: made.version };
}

async function decryptItem(at: CipherContext, key: OpenKey, item: CipherItem): Promise<JsonObject> {
  if (!item.ciphertext) throw badRequest("missing ciphertext to decrypt");
  const text = await decrypt(at, key, item.ciphertext, cipherOptions(item));
  const encoded = toBase64(text);
  wipe(text);
  return { plaintext: encoded };
}

async function rewrapItem(at: CipherContext, key: OpenKey, item: CipherItem): Promise<JsonObject> {
  if (!item.ciphertext) throw badRequest("missing ciphertext to decrypt");
  const options = cipherOptions(item);
  const text = await decrypt(at, key, item.ciphertext, options);
  const made = await encrypt(at, key, text, options, item.key_version);
  wipe(text);
  return { ciphertext: made.ciphertext, key_version: made.version };
}

function encryptPath(engine: Engine): Path {
  return path("encrypt/:name", {
    summary: "Encrypts under a key, and makes the key where there is none.",
    params: { name: "The key's name" },
    fields: {
      ...optionFields,
      ...batchFields,
      plaintext,
      type: field.string("The type of the key, if it is to be made.", "aes256-gcm96"),
      convergent_encryption: field.bool("Of the key, if it is to be made.", false),
    },
    exists: async (call, input) => await engine.keys.policy(call, input.name) !== undefined,
    operations: {
      update: {
        summary: "Encrypts.",
        standby: true,
        handler: async (call, input) => {
          const at = contextOf(engine, call);
          const item = { ...input, ciphertext: undefined };
          const batch = isBatch(input.batch_input) ? cipherItems(input.batch_input) : undefined;
          const items = batch ?? [item];
          const derived = haveContext(items);
          if (items.some((one) => one.plaintext === undefined)) {
            throw badRequest("missing plaintext to encrypt");
          }
          if (call.request.operation === "create") {
            await upsert(engine, call, { ...input, derived });
          }
          return await engine.keys.with(call, input.name, async (key) => {
            if (batch === undefined) return { data: await encryptItem(at, key, item) };
            const outcomes = await runBatch(batch, {}, (one) => encryptItem(at, key, one));
            return batchResponse(outcomes, input.partial_failure_response_code);
          });
        },
      },
    },
  });
}

interface Upsert {
  readonly name: string;
  readonly type: string;
  readonly derived: boolean;
  readonly convergent_encryption: boolean;
}

async function upsert(engine: Engine, call: Call, input: Upsert): Promise<void> {
  const store = new KeyStore(call.storage);
  // Another request may have made it since it was looked for.
  if (await store.policy(input.name) !== undefined) return;
  if (await isUpsertDisabled(call)) {
    throw badRequest("encryption key not found, and encryption makes none on this mount");
  }
  const type = requireKeyType(input.type);
  if (type.family !== "cipher") {
    throw badRequest(`keys of type ${type.name} are not made by encryption`);
  }
  if (input.convergent_encryption && !input.derived) {
    throw badRequest(
      "convergent encryption requires derivation to be enabled, so context is required",
    );
  }
  const { platform } = engine.services().mounts;
  const settings = {
    ...plainSettings,
    derived: input.derived,
    convergent: input.convergent_encryption,
  };
  await addVersion(store, platform, newPolicy(input.name, type, settings));
}

function decryptPath(engine: Engine): Path {
  return path("decrypt/:name", {
    summary: "Decrypts what was encrypted under a key.",
    params: { name: "The key's name" },
    fields: { ...optionFields, ...batchFields, ciphertext },
    operations: {
      update: {
        summary: "Decrypts.",
        standby: true,
        handler: async (call, input) => {
          const at = contextOf(engine, call);
          const items = isBatch(input.batch_input) ? cipherItems(input.batch_input) : undefined;
          haveContext(items ?? []);
          if (items?.some((one) => !one.ciphertext)) {
            throw badRequest("missing ciphertext to decrypt");
          }
          return await engine.keys.with(call, input.name, async (key) => {
            if (items === undefined) {
              return { data: await decryptItem(at, key, { ...input, plaintext: undefined }) };
            }
            const outcomes = await runBatch(
              items,
              { plaintext: "" },
              (one) => decryptItem(at, key, one),
            );
            return batchResponse(outcomes, input.partial_failure_response_code);
          });
        },
      },
    },
  });
}

function rewrapPath(engine: Engine): Path {
  return path("rewrap/:name", {
    summary: "Encrypts anew, without showing the text.",
    params: { name: "The key's name" },
    fields: { ...optionFields, batch_input: batchFields.batch_input, ciphertext },
    operations: {
      update: {
        summary: "Decrypts, and encrypts under the newest version or the one that is asked for.",
        standby: true,
        handler: async (call, input) => {
          const at = contextOf(engine, call);
          const items = isBatch(input.batch_input) ? cipherItems(input.batch_input) : undefined;
          haveContext(items ?? []);
          return await engine.keys.with(call, input.name, async (key) => {
            if (items === undefined) {
              return { data: await rewrapItem(at, key, { ...input, plaintext: undefined }) };
            }
            return {
              data: batchData(await runBatch(items, {}, (one) => rewrapItem(at, key, one))),
            };
          });
        },
      },
    },
  });
}

function dataKeyPath(engine: Engine): Path {
  return path("datakey/:kind/:name", {
    summary: "A new key, encrypted under one of here.",
    params: { kind: "plaintext, or wrapped for the encrypted form alone", name: "The key's name" },
    fields: { ...optionFields, bits: field.int("128, 256 or 512.", 256) },
    operations: {
      update: {
        summary: "Makes it.",
        standby: true,
        handler: async (call, input) => {
          if (input.kind !== "plaintext" && input.kind !== "wrapped") {
            throw badRequest("Invalid path, must be 'plaintext' or 'wrapped'");
          }
          if (!dataKeyBits.includes(input.bits)) {
            throw badRequest(`bits must be one of ${dataKeyBits.join(", ")}`);
          }
          const at = contextOf(engine, call);
          return await engine.keys.with(call, input.name, async (key) => {
            const made = at.platform.random.bytes(input.bits / 8);
            const { ciphertext, version } = await encrypt(
              at,
              key,
              made,
              cipherOptions(input),
              input.key_version,
            );
            const shown = input.kind === "plaintext" ? { plaintext: toBase64(made) } : {};
            wipe(made);
            return { data: { ciphertext, key_version: version, ...shown } };
          });
        },
      },
    },
  });
}
