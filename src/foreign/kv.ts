/** Secrets of both versions of the KV engine. */
import { createHash } from "node:crypto";
import { fromUtf8 } from "../base/bytes.ts";
import { isJsonObject, type JsonObject } from "../logical/json.ts";
import type { Item } from "./items.ts";
import type { ForeignMount } from "./mount_table.ts";
import { jsonObject, type Opened } from "./opened.ts";
import { textAt } from "./read_json.ts";
import { Message } from "./wire.ts";

/** OpenBao's own fields, of the configuration and of a key. */
const metadataCasRequired = 400;
const metadataVersion = 401;

export async function* kvItems(opened: Opened, mount: ForeignMount): AsyncGenerator<Item> {
  const versioned = textAt(mount.options, "version") === "2";
  yield* versioned ? versionedItems(opened, mount) : plainItems(opened, mount);
}

async function* plainItems(opened: Opened, { prefix, path }: ForeignMount): AsyncGenerator<Item> {
  for (const key of opened.below(prefix)) {
    const data = await opened.object(key);
    if (data !== undefined) yield { kind: "write", path: path + key.slice(prefix.length), data };
  }
}

async function* versionedItems(opened: Opened, mount: ForeignMount): AsyncGenerator<Item> {
  const folder = `${mount.prefix}${mount.backendUuid}/`;
  const upgrade = await opened.decoded(`${folder}upgrading`, (bytes) => new Message(bytes));
  if (upgrade !== undefined && !upgrade.flag(2)) {
    opened.leaveBelow(
      mount.prefix,
      `entries of ${mount.path}`,
      "it is being upgraded to version 2: take a snapshot when that is done",
    );
    return;
  }
  const config = await opened.decoded(`${folder}config`, (bytes) => new Message(bytes));
  if (config !== undefined) yield configItem(mount, config);
  const salt = await opened.decoded(`${folder}salt`, fromUtf8);
  for (const key of opened.below(`${folder}metadata/`)) {
    const metadata = await opened.decoded(key, (bytes) => new Message(bytes));
    if (metadata === undefined) continue;
    yield* inParts(await keyItem(opened, mount, folder, salt ?? "", metadata));
  }
  // Names of keys are encrypted with these; what is inside of the entries tells them too.
  for (const key of [`${folder}archive/metadata`, `${folder}policy/metadata`]) {
    opened.account.take(key);
  }
}

function configItem({ path }: ForeignMount, config: Message): Item {
  return {
    kind: "write",
    path: `${path}config`,
    data: {
      max_versions: config.number(1),
      cas_required: config.flag(2),
      delete_version_after: `${config.seconds(3)}s`,
      metadata_cas_required: config.flag(metadataCasRequired),
    },
  };
}

async function keyItem(
  opened: Opened,
  mount: ForeignMount,
  folder: string,
  salt: string,
  metadata: Message,
): Promise<Item> {
  const name = metadata.text(1);
  const versions: JsonObject = {};
  for (const pair of metadata.messages(2)) {
    const number = pair.number(1);
    const version = pair.message(2) ?? new Message(new Uint8Array(0));
    const destroyed = version.flag(3);
    const key = folder + versionKey(salt, name, number);
    const data = destroyed ? undefined : await opened.decoded(key, versionData);
    if (data === undefined && !destroyed) {
      opened.account.leave(
        `version ${number} of ${mount.path}data/${name}`,
        "its data are not there, or can't be read",
      );
    }
    versions[number] = {
      created: version.time(1),
      deleted: version.time(2),
      destroyed: destroyed || data === undefined,
      ...(data === undefined ? {} : { data }),
    };
  }
  const custom = metadata.pairs(10);
  return {
    kind: "kv2",
    path: `${mount.path}data/${name}`,
    data: {
      mount: mount.path,
      name,
      current_version: metadata.number(3),
      oldest_version: metadata.number(4),
      created: metadata.time(5),
      updated: metadata.time(6),
      max_versions: metadata.number(7),
      cas_required: metadata.flag(8),
      delete_version_after: metadata.seconds(9),
      metadata_cas_required: metadata.flag(metadataCasRequired),
      metadata_version: metadata.number(metadataVersion),
      custom_metadata: Object.keys(custom).length === 0 ? null : custom,
      versions,
    },
  };
}

/** Characters of JSON that one change of the node's storage surely takes. */
const wholeMax = 4 * 1024 * 1024;

/** A key that is too large for one change comes in parts, at whose end it is there. */
function* inParts(whole: Item): Generator<Item> {
  const { mount, name, versions = {} } = whole.data;
  if (!isJsonObject(versions) || JSON.stringify(versions).length <= wholeMax) return yield whole;
  const rest: JsonObject = {};
  for (const [number, value] of Object.entries(versions)) {
    const { data, ...version } = isJsonObject(value) ? value : {};
    rest[number] = version;
    if (data === undefined) continue;
    yield { kind: "kv2_version", path: whole.path, data: { mount, name, version: number, data } };
  }
  yield { ...whole, data: { ...whole.data, versions: rest } };
}

/** Where the data of a version lie. */
function versionKey(salt: string, name: string, version: number): string {
  const id = createHash("sha256").update(`${salt}${name}|${version}`).digest("hex");
  return `versions/${id.slice(0, 3)}/${id.slice(3)}`;
}

/** The document of a version; null is one too. */
function versionData(bytes: Uint8Array): JsonObject | null {
  const data = new Message(bytes).bytes(1);
  return data.length === 4 && fromUtf8(data) === "null" ? null : jsonObject(data);
}
