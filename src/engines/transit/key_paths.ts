/** `keys/`: making, reading, listing, changing, rotating, trimming and deleting keys. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { readBase64 } from "./base64.ts";
import type { Engine } from "./engine.ts";
import { keyInfo } from "./key_info.ts";
import { findKeyType, type KeyType } from "./key_types.ts";
import { addVersion, newPolicy } from "./make_key.ts";
import { type KeyPolicy, KeyStore } from "./policy.ts";
import { requireActive } from "./versions.ts";

/** The type of a name in a request; a 400 for one that there is not. */
export function requireKeyType(name: string): KeyType {
  const type = findKeyType(name);
  if (type === undefined) throw badRequest(`unknown key type ${name}`);
  return type;
}

/** A key that must be there; a 400 where it is not. */
export async function requirePolicy(store: KeyStore, name: string): Promise<KeyPolicy> {
  const policy = await store.policy(name);
  if (policy === undefined) throw badRequest(`no existing key named ${name} could be found`);
  return policy;
}

/** The answer of whatever changes a key: what it is now. */
export async function answerInfo(
  { services }: Engine,
  store: KeyStore,
  policy: KeyPolicy,
  warnings: readonly string[] = [],
): Promise<LogicalResponse> {
  const { crypto } = services().mounts.platform;
  const data = await keyInfo(store, crypto, policy);
  return warnings.length === 0 ? { data } : { data, warnings: [...warnings] };
}

export const keyFields = {
  type: field.string(
    "aes128-gcm96, aes256-gcm96, chacha20-poly1305, xchacha20-poly1305, ed25519, ecdsa-p256, " +
      "ecdsa-p384, ecdsa-p521, rsa-2048, rsa-3072, rsa-4096 or hmac.",
    "aes256-gcm96",
  ),
  derived: field.bool("Requests carry a context, and each context has a key of its own.", false),
  exportable: field.bool("The secrets may be read. Can't be taken back.", false),
  allow_plaintext_backup: field.bool("The key may be backed up. Can't be taken back.", false),
  auto_rotate_period: field.duration("Rotates so often; 0 for never, else an hour at least.", 0),
  context: field.string("In base64: shows or makes the key of this context.", ""),
};

export function keyPaths(engine: Engine): Path[] {
  return [keysPath(engine), keyPath(engine), rotatePath(engine), ...softDeletePaths(engine)];
}

function keysPath(_engine: Engine): Path {
  return path("keys/?", {
    summary: "The keys of the mount.",
    operations: {
      list: {
        summary: "Lists their names.",
        standby: true,
        handler: async (call) => {
          const keys = await new KeyStore(call.storage).names();
          if (keys.length === 0) throw notFound();
          return { data: { keys } };
        },
      },
    },
  });
}

function keyPath(engine: Engine): Path {
  const crypto = () => engine.services().mounts.platform.crypto;
  return path("keys/:name", {
    summary: "A key.",
    params: { name: "The key's name" },
    fields: {
      ...keyFields,
      convergent_encryption: field.bool(
        "The same text in the same context has the same ciphertext. Needs derived.",
        false,
      ),
      key_size: field.int("Of an hmac key: 32 to 512 bytes.", 0),
    },
    query: ["context"],
    operations: {
      read: {
        summary: "Tells what is known of it, but no secrets.",
        standby: true,
        handler: async (call, input) => {
          const policy = await engine.keys.policy(call, input.name);
          if (policy === undefined) throw notFound();
          const context = readBase64(input.context, "failed to base64-decode context: ");
          const store = new KeyStore(call.storage);
          return { data: await keyInfo(store, crypto(), policy, context) };
        },
      },
      update: {
        summary: "Makes it. One that is there stays as it is.",
        handler: async (call, input) => {
          const { platform } = engine.services().mounts;
          const store = new KeyStore(call.storage);
          const type = requireKeyType(input.type);
          const policy = newPolicy(input.name, type, {
            derived: input.derived,
            convergent: input.convergent_encryption,
            exportable: input.exportable,
            allowPlaintextBackup: input.allow_plaintext_backup,
            autoRotatePeriod: input.auto_rotate_period,
            keySize: input.key_size,
          });
          const existing = await store.policy(input.name);
          if (existing !== undefined) return await answerExisting(engine, store, existing, policy);
          return await answerInfo(engine, store, await addVersion(store, platform, policy));
        },
      },
      delete: {
        summary: "Deletes it with all versions, if its configuration allows that.",
        handler: async (call, input) => {
          const store = new KeyStore(call.storage);
          const policy = await store.policy(input.name);
          if (policy === undefined) {
            throw badRequest(`could not delete key; not found`);
          }
          if (!policy.deletionAllowed) {
            throw badRequest("deletion is not allowed for this key");
          }
          await store.delete(policy);
        },
      },
    },
  });
}

/** The peer says nothing of what differs; whoever asked for another key should hear of it. */
function answerExisting(
  engine: Engine,
  store: KeyStore,
  existing: KeyPolicy,
  asked: KeyPolicy,
): Promise<LogicalResponse> {
  const differs = existing.type !== asked.type || existing.derived !== asked.derived ||
    existing.convergent !== asked.convergent;
  const warning = `key ${existing.name} already existed, and is of another kind than asked for`;
  return answerInfo(engine, store, existing, differs ? [warning] : []);
}

function rotatePath(engine: Engine): Path {
  return path("keys/:name/rotate", {
    summary: "A new version of a key.",
    operations: {
      update: {
        summary: "Makes the version that is used from now on.",
        handler: async (call, input) => {
          const store = new KeyStore(call.storage);
          const policy = await requirePolicy(store, input.name);
          requireRotatable(policy);
          const { platform } = engine.services().mounts;
          return await answerInfo(engine, store, await addVersion(store, platform, policy));
        },
      },
    },
  });
}

/** Throws a 400 for a key that makes no versions of its own. */
export function requireRotatable(policy: KeyPolicy): void {
  requireActive(policy);
  if (policy.imported && !policy.allowImportedRotation) {
    throw badRequest(`imported key ${policy.name} does not allow rotation within the mount`);
  }
}

function softDeletePaths(engine: Engine): Path[] {
  const set = async (call: Call, name: string, softDeleted: boolean) => {
    const store = new KeyStore(call.storage);
    const policy = await store.policy(name);
    if (policy === undefined) return undefined;
    if (policy.softDeleted === softDeleted) {
      const state = softDeleted ? "soft deleted already" : "not soft deleted";
      return await answerInfo(engine, store, policy, [`the key is ${state}`]);
    }
    const next = { ...policy, softDeleted };
    await store.putPolicy(next);
    return await answerInfo(engine, store, next);
  };
  return [
    path("keys/:name/soft-delete", {
      summary: "Sets a key aside, so that it can't be used.",
      operations: {
        delete: {
          summary: "Sets it aside.",
          handler: (call, input) => set(call, input.name, true),
        },
      },
    }),
    path("keys/:name/soft-delete-restore", {
      summary: "Makes a key usable again that was set aside.",
      operations: {
        update: {
          summary: "Makes it usable.",
          handler: (call, input) => set(call, input.name, false),
        },
      },
    }),
  ];
}
