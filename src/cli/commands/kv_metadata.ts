/** `kv metadata get|put|patch|delete`: what is kept about a key beside its values. */
import { bool, duration, type Flag, int, list, map } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { durationText } from "../duration.ts";
import { asObject, type Json } from "../json.ts";
import { kvPath, kvTarget, mountFlag, needVersion2, printPath, printSection } from "./kv_mount.ts";

const settingFlags: readonly Flag[] = [
  mountFlag,
  bool("cas-required", "Refuse writes that do not say with -cas which version they replace."),
  map("custom-metadata", "Note kept with the key, as name=value. May be repeated."),
  duration("delete-version-after", "Delete each version this long after it was written."),
  int("max-versions", "Versions to keep; 0 for the engine's own setting."),
];

export const get: Command = {
  usage: "[options] KEY",
  about: "Prints what is kept about a key: its settings, its notes and its versions.",
  examples: [["Look at a key", "kv metadata get -mount=secret app"]],
  flags: [mountFlag],
  words: [1, 1],
  output: "format",
  async run(call) {
    const path = await metadataPath(call);
    const client = await call.client();
    const secret = await call.during(`reading ${path}`, client.read(path));
    if (secret === undefined) throw new CommandError(`Error: no value found at ${path}`, 2);
    if (!call.forPeople || secret.wrapInfo !== undefined) return await call.secret(secret);
    call.warnings(secret.warnings);
    const { versions, ...settings } = asObject(secret.data);
    printPath(call, "Metadata Path", path);
    call.line();
    printSection(call, "Metadata", settings);
    const numbered = Object.entries(asObject(versions)).sort(([a], [b]) => Number(a) - Number(b));
    for (const [number, version] of numbered) {
      call.line();
      printSection(call, `Version ${number}`, asObject(version));
    }
    return 0;
  },
};

export const put: Command = {
  usage: "[options] KEY",
  about: "Sets what is kept about a key, before or after its first version is written.",
  examples: [["Keep ten versions", "kv metadata put -mount=secret -max-versions=10 app"]],
  flags: settingFlags,
  words: [1, 1],
  output: "format",
  run: (call) => write(call, "PUT"),
};

export const patch: Command = {
  usage: "[options] KEY",
  about: "Changes single settings or notes of a key and leaves the others.",
  examples: [["Change one note", "kv metadata patch -mount=secret -custom-metadata=owner=ops app"]],
  flags: [
    ...settingFlags,
    list("remove-custom-metadata", "Name of a note to take away. May be repeated."),
  ],
  words: [1, 1],
  output: "format",
  run: (call) => write(call, "PATCH"),
};

export const remove: Command = {
  usage: "[options] KEY",
  about: "Removes a key with all of its versions and everything kept about it, for good.",
  examples: [["Remove a key", "kv metadata delete -mount=secret app"]],
  flags: [mountFlag],
  words: [1, 1],
  async run(call) {
    const path = await metadataPath(call);
    const client = await call.client();
    await call.during(`deleting ${path}`, client.delete(path));
    call.line(`Success! Data deleted (if it existed) at: ${path}`);
    return 0;
  },
};

async function metadataPath(call: Call): Promise<string> {
  const target = await kvTarget(call);
  needVersion2(target, "metadata", 1);
  return kvPath(target, "metadata");
}

async function write(call: Call, method: "PUT" | "PATCH"): Promise<number> {
  const path = await metadataPath(call);
  const client = await call.client();
  const body = settings(call, method === "PATCH");
  const secret = await call.during(`writing data to ${path}`, client.write(path, body, method));
  if (secret !== undefined) return await call.secret(secret);
  if (call.forPeople) call.line(`Success! Data written to: ${path}`);
  return 0;
}

function settings(call: Call, removals: boolean): Record<string, Json> {
  const { flags } = call;
  const body: Record<string, Json> = {};
  const removed = removals ? flags.list("remove-custom-metadata") : [];
  const maxVersions = flags.int("max-versions");
  if (maxVersions !== undefined && maxVersions >= 0) body.max_versions = maxVersions;
  if (flags.given("cas-required")) body.cas_required = flags.bool("cas-required");
  const deleteAfter = flags.durationMs("delete-version-after");
  if (deleteAfter !== undefined) body.delete_version_after = durationText(deleteAfter);
  if (flags.given("custom-metadata") || removed.length > 0) {
    body.custom_metadata = {
      ...flags.map("custom-metadata"),
      ...Object.fromEntries(removed.map((name) => [name, null])),
    };
  }
  return body;
}
