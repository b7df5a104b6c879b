/** `keys/`, `key/` and `config/keys`. */
import { fromBase64 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path, standbyReads } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { privateKeyBody } from "./answer.ts";
import { keySource, withKey } from "./authority.ts";
import { serialText } from "./certificate_store.ts";
import type { Engine } from "./engine.ts";
import { importKey } from "./import_paths.ts";
import { readIssuers } from "./issuer_store.ts";
import {
  checkKeyName,
  checkRefName,
  defaultKeyId,
  deleteKey,
  findKey,
  type KeyInfo,
  putKeyInfo,
  readKeys,
  requireKey,
  setDefaultKey,
} from "./key_store.ts";
import { isPrivateKey, readPemBlocks } from "./pem.ts";
import { keyIdOf } from "./sign.ts";

const keyBody = ({ id, name, type }: KeyInfo) => ({ key_id: id, key_name: name, key_type: type });

async function listAll(call: Call): Promise<LogicalResponse> {
  const fallback = await defaultKeyId(call);
  const keys = await readKeys(call.storage);
  const info = keys.map(({ id, name }) => [id, { key_name: name, is_default: id === fallback }]);
  return { data: { keys: keys.map(({ id }) => id), key_info: Object.fromEntries(info) } };
}

async function generate(
  engine: Engine,
  call: Call,
  input: { readonly key_type: string; readonly key_bits: number; readonly key_name: string },
  exported: string,
): Promise<LogicalResponse> {
  const source = keySource(exported);
  if (source === "existing") throw badRequest("a key that exists can't be generated");
  const settings = { ...input, key_ref: "", signature_bits: 0, use_pss: false };
  return await withKey(engine, call, source, settings, (key, info) => {
    const formats = { format: "pem", private_key_format: "der" };
    const secret = source === "exported" ? privateKeyBody(key, formats) : undefined;
    return Promise.resolve({
      data: {
        ...keyBody(info),
        ...(secret === undefined ? {} : { private_key: secret.private_key }),
      },
    });
  });
}

async function importOne(
  engine: Engine,
  call: Call,
  input: { readonly pem_bundle: string; readonly key_name: string },
): Promise<LogicalResponse> {
  if (input.pem_bundle.trim() === "") throw badRequest("the PEM bundle is empty");
  const [block, ...more] = readPemBlocks(input.pem_bundle);
  if (block === undefined || more.length > 0 || !isPrivateKey(block)) {
    throw badRequest("one private key in PEM was expected");
  }
  if (input.key_name !== "") checkRefName("key", input.key_name);
  const { info, isNew } = await importKey(engine, call, block, input.key_name);
  const warnings = isNew ? [] : ["the key was there already, and keeps its name"];
  return { data: keyBody(info), ...(isNew ? {} : { warnings }) };
}

async function remove(call: Call, ref: string): Promise<LogicalResponse | undefined> {
  const info = await findKey(call, ref);
  if (info === undefined) return undefined;
  const user = (await readIssuers(call)).find(({ keyId }) => keyId === info.id);
  if (user !== undefined) throw badRequest(`the key is in use by the issuer ${user.id}`);
  const wasDefault = await deleteKey(call, info);
  return wasDefault
    ? { warnings: [`the key ${info.id} was the default: there is no default key now`] }
    : undefined;
}

export function keyPaths(engine: Engine): Path[] {
  const generateFields = {
    key_type: field.string("rsa, ec or ed25519.", "rsa"),
    key_bits: field.int("Bits of the key; 0 for the usual.", 0),
    key_name: field.string("A name for the key.", ""),
  };
  return standbyReads([
    path("keys/?", {
      summary: "The keys of issuers.",
      operations: { list: { summary: "Lists them.", handler: (call) => listAll(call) } },
    }),
    path("keys/generate/:exported", {
      summary: "Makes a key.",
      params: { exported: "internal or exported" },
      fields: generateFields,
      operations: {
        update: {
          summary: "Makes it.",
          handler: (call, input) => generate(engine, call, input, input.exported),
        },
      },
    }),
    path("keys/import", {
      summary: "Takes over a key.",
      fields: {
        pem_bundle: field.string("The key in PEM.", ""),
        key_name: field.string("A name for the key.", ""),
      },
      operations: {
        update: {
          summary: "Takes it over.",
          handler: (call, input) => importOne(engine, call, input),
        },
      },
    }),
    path("key/:key_ref", {
      summary: "A key of an issuer.",
      params: { key_ref: "Its id or name, or default" },
      fields: { key_name: field.string("Its name.", "") },
      operations: {
        read: {
          summary: "What is said of it.",
          handler: async (call, { key_ref }) => {
            const info = await requireKey(call, key_ref);
            const publicKey = fromBase64(info.publicKey) ?? new Uint8Array();
            return {
              data: { ...keyBody(info), subject_key_id: serialText(keyIdOf(engine, publicKey)) },
            };
          },
        },
        update: {
          summary: "Names it.",
          handler: async (call, { key_ref, key_name }) => {
            const before = await requireKey(call, key_ref);
            await checkKeyName(call, key_name, before.id);
            const info = { ...before, name: key_name };
            putKeyInfo(call.storage, info, before);
            return { data: keyBody(info) };
          },
        },
        delete: { summary: "Deletes it.", handler: (call, { key_ref }) => remove(call, key_ref) },
      },
    }),
    path("config/keys", {
      summary: "The default key.",
      fields: { default: field.string("Its id or name.", "") },
      operations: {
        read: {
          summary: "Reads which it is.",
          handler: async (call) => ({ data: { default: await defaultKeyId(call) ?? "" } }),
        },
        update: {
          summary: "Chooses it.",
          handler: async (call, input) => {
            if (input.default === "") throw badRequest("default is missing");
            const info = await requireKey(call, input.default);
            setDefaultKey(call.storage, info.id);
            return { data: { default: info.id } };
          },
        },
      },
    }),
  ]);
}
