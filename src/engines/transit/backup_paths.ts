/** `backup/` and `restore/`: a whole key as text. */
import { fromUtf8, toBase64, utf8, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, Platform } from "../../core/backend.ts";
import { KeyFormatError } from "../../crypto/keys.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../logical/json.ts";
import type { View } from "../../storage/transaction.ts";
import { emptyVersion, malformed, readTime, readVersionForm, versionForm } from "./backup_form.ts";
import { readBase64 } from "./base64.ts";
import type { Engine } from "./engine.ts";
import { requirePolicy } from "./key_paths.ts";
import { type KeyType, keyType, keyTypeOfCode } from "./key_types.ts";
import { type KeyPolicy, KeyStore, type KeyVersion, type Milestone } from "./policy.ts";

/** Go keeps durations in these. */
const NANOSECONDS = 1_000_000_000;

const restoreFields = {
  backup: field.string("As backup/ gave it.", ""),
  force: field.bool("Replaces a key of this name.", false),
};

/** A name as the paths of keys take it. */
const keyName = /^\w(?:[\w.-]*\w)?$/;

export function backupPaths(engine: Engine): Path[] {
  return [
    path("backup/:name", {
      summary: "A key with all its versions, as text that is not encrypted.",
      params: { name: "The key's name" },
      operations: {
        read: { summary: "Makes it.", handler: (call, input) => backUp(engine, call, input.name) },
      },
    }),
    path("restore", {
      summary: "Makes a key out of a backup.",
      fields: restoreFields,
      operations: {
        update: {
          summary: "Restores it under its name.",
          handler: (call, input) => restore(engine, call, input, undefined),
        },
      },
    }),
    path("restore/+name", {
      summary: "Makes a key out of a backup.",
      params: { name: "The name that it gets" },
      fields: restoreFields,
      operations: {
        update: {
          summary: "Restores it under another name.",
          handler: (call, input) => restore(engine, call, input, input.name),
        },
      },
    }),
  ];
}

async function backUp({ services }: Engine, call: Call, name: string) {
  const { clock, crypto } = services().mounts.platform;
  const store = new KeyStore(call.storage);
  const policy = await requirePolicy(store, name);
  if (!policy.exportable) throw badRequest("exporting is disallowed on the policy");
  if (!policy.allowPlaintextBackup) {
    throw badRequest("plaintext backup is disallowed on the policy");
  }
  const backedUp = { time: clock.now(), version: policy.latestVersion };
  const next = { ...policy, backedUp };
  await store.putPolicy(next);
  const forms = new Map<number, JsonObject>();
  const type = keyType(policy.type);
  for (const [number, version] of await store.versions(name, 0, policy.latestVersion)) {
    forms.set(number, await versionForm(crypto, type, version));
  }
  const text = utf8(JSON.stringify(wholeForm(next, type, forms)));
  const backup = toBase64(text);
  wipe(text);
  return { data: { backup } };
}

function wholeForm(
  policy: KeyPolicy,
  type: KeyType,
  forms: ReadonlyMap<number, JsonObject>,
): JsonObject {
  const { latestVersion, minDecryptionVersion, minAvailableVersion } = policy;
  const keys: JsonObject = {};
  for (let i = minDecryptionVersion; i <= latestVersion; i++) keys[i] = forms.get(i);
  const archived: JsonValue[] = [];
  for (let i = minAvailableVersion; i <= latestVersion; i++) {
    archived.push(forms.get(i) ?? emptyVersion);
  }
  return { policy: policyForm(policy, type, keys), archived_keys: { keys: archived } };
}

function policyForm(policy: KeyPolicy, type: KeyType, keys: JsonObject): JsonObject {
  return {
    name: policy.name,
    ...(policy.keySize > 0 ? { key_size: policy.keySize } : {}),
    keys,
    derived: policy.derived,
    kdf: policy.derived && policy.kdf === "hkdf_sha256" ? 1 : 0,
    convergent_encryption: policy.convergent,
    exportable: policy.exportable,
    min_decryption_version: policy.minDecryptionVersion,
    min_encryption_version: policy.minEncryptionVersion,
    latest_version: policy.latestVersion,
    archive_version: policy.latestVersion,
    archive_min_version: policy.minAvailableVersion,
    min_available_version: policy.minAvailableVersion,
    deletion_allowed: policy.deletionAllowed,
    convergent_version: policy.convergentVersion,
    type: type.code,
    backup_info: milestoneForm(policy.backedUp),
    restore_info: milestoneForm(policy.restored),
    allow_plaintext_backup: policy.allowPlaintextBackup,
    version_template: "",
    storage_prefix: "",
    auto_rotate_period: policy.autoRotatePeriod * NANOSECONDS,
    Imported: policy.imported,
    AllowImportedKeyRotation: policy.allowImportedRotation,
    soft_deleted: policy.softDeleted,
  };
}

function milestoneForm(milestone: Milestone | undefined): JsonObject | null {
  if (milestone === undefined) return null;
  return { time: rfc3339(milestone.time), version: milestone.version };
}

interface RestoreInput {
  readonly backup: string;
  readonly force: boolean;
}

async function restore(
  { services }: Engine,
  call: Call,
  input: RestoreInput,
  asked: string | undefined,
): Promise<void> {
  if (input.backup === "") throw badRequest("'backup' must be supplied");
  const { platform } = services().mounts;
  const { force } = input;
  await putBackup(platform, call.storage, parseBackup(input.backup), { name: asked, force });
}

/**
 * Keeps a key that was moved from another server, in the form of its backup, in place of one of its
 * name. Unlike a restored one it tells of no restore that was not. Throws a 400 for what is none.
 */
export async function putMovedKey(
  platform: Platform,
  storage: View,
  whole: JsonObject,
): Promise<void> {
  await putBackup(platform, storage, whole, { name: undefined, force: true, isMoved: true });
}

async function putBackup(
  platform: Platform,
  storage: View,
  whole: JsonObject,
  options: {
    readonly name: string | undefined;
    readonly force: boolean;
    readonly isMoved?: boolean;
  },
): Promise<void> {
  const form = whole.policy ?? null;
  if (!isJsonObject(form)) throw malformed("it holds no key");
  const name = options.name ?? (typeof form.name === "string" ? form.name : "");
  if (!keyName.test(name)) throw badRequest("a key can't have this name");
  const store = new KeyStore(storage);
  const existing = await store.policy(name);
  if (existing !== undefined && !options.force) throw badRequest(`key ${name} already exists`);
  const [policy, type] = readPolicyForm(form, name, platform.clock.now());
  const versions = await readVersions(platform, type, policy, form, whole.archived_keys ?? null);
  if (existing !== undefined) await store.delete(existing);
  for (const [number, version] of versions) store.putVersion(name, number, version);
  const latestCreated = versions.get(policy.latestVersion)?.created ?? platform.clock.now();
  const { restored, ...kept } = policy;
  const restoredBefore = options.isMoved ? readMilestone(form.restore_info ?? null) : restored;
  await store.putPolicy({
    ...kept,
    latestCreated,
    ...(restoredBefore === undefined ? {} : { restored: restoredBefore }),
  });
}

function parseBackup(backup: string): JsonObject {
  const bytes = readBase64(backup, "the backup can't be read: ");
  let whole: JsonValue;
  try {
    whole = parseJson(fromUtf8(bytes));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) {
      throw malformed("it is no JSON");
    }
    throw error;
  } finally {
    wipe(bytes);
  }
  if (!isJsonObject(whole)) throw malformed("it is no object");
  return whole;
}

function readPolicyForm(form: JsonObject, name: string, now: number): [KeyPolicy, KeyType] {
  const integer = (field: string) => readCount(form, field);
  const is = (field: string) => form[field] === true;
  const keySize = integer("key_size");
  const type = keyTypeOfCode(integer("type"), keySize);
  if (type === undefined) throw malformed("it is of a type of keys that is not known here");
  const latestVersion = integer("latest_version");
  const backedUp = readMilestone(form.backup_info ?? null);
  const policy: KeyPolicy = {
    name,
    type: type.name,
    keySize,
    derived: is("derived"),
    kdf: integer("kdf") === 1 ? "hkdf_sha256" : "hmac-sha256-counter",
    convergent: is("convergent_encryption"),
    convergentVersion: form.convergent_version === -1 ? -1 : integer("convergent_version"),
    exportable: is("exportable"),
    allowPlaintextBackup: is("allow_plaintext_backup"),
    deletionAllowed: is("deletion_allowed"),
    softDeleted: is("soft_deleted"),
    imported: is("Imported"),
    allowImportedRotation: is("AllowImportedKeyRotation"),
    autoRotatePeriod: Math.trunc(integer("auto_rotate_period") / NANOSECONDS),
    latestVersion,
    latestCreated: now,
    minDecryptionVersion: integer("min_decryption_version") || 1,
    minEncryptionVersion: integer("min_encryption_version"),
    minAvailableVersion: integer("min_available_version"),
    ...(backedUp === undefined ? {} : { backedUp }),
    restored: { time: now, version: latestVersion },
  };
  checkNumbers(policy);
  return [policy, type];
}

function checkNumbers(policy: KeyPolicy): void {
  const { latestVersion, minDecryptionVersion, minEncryptionVersion, minAvailableVersion } = policy;
  const highest = Math.max(minDecryptionVersion, minEncryptionVersion, minAvailableVersion);
  if (latestVersion < 1 || highest > latestVersion) {
    throw malformed("its versions contradict each other");
  }
}

function readCount(form: JsonObject, name: string): number {
  const value = form[name] ?? 0;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(`${name} is no count`);
}

function readMilestone(form: JsonValue): Milestone | undefined {
  if (!isJsonObject(form)) return undefined;
  return { time: readTime(form.time), version: readCount(form, "version") };
}

async function readVersions(
  { crypto }: Platform,
  type: KeyType,
  policy: KeyPolicy,
  form: JsonObject,
  archive: JsonValue,
): Promise<Map<number, KeyVersion>> {
  const { latestVersion, minDecryptionVersion, minAvailableVersion } = policy;
  const keys = form.keys ?? null;
  const archived = isJsonObject(archive) && Array.isArray(archive.keys) ? archive.keys : [];
  const versions = new Map<number, KeyVersion>();
  // The first that is missing ends it, so that a number out of the blue costs nothing.
  for (let i = Math.max(1, minAvailableVersion); i <= latestVersion; i++) {
    const found = i >= minDecryptionVersion && isJsonObject(keys)
      ? keys[i]
      : archived[i - minAvailableVersion];
    versions.set(i, await readVersion(crypto, type, found));
  }
  return versions;
}

async function readVersion(
  crypto: Platform["crypto"],
  type: KeyType,
  form: JsonValue | undefined,
): Promise<KeyVersion> {
  try {
    return await readVersionForm(crypto, type, form);
  } catch (error) {
    if (error instanceof KeyFormatError || error instanceof RangeError) {
      throw malformed("a version's key is none of its type");
    }
    throw error;
  }
}
