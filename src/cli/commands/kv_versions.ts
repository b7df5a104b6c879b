/** `kv delete`, `undelete`, `destroy` and `rollback`: the versions of a key. */
import { type Flag, int, list } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { asNumber, asObject, isObject } from "../json.ts";
import { kvPath, kvTarget, mountFlag, needVersion2, versionList } from "./kv_mount.ts";

const versionsFlag: Flag = list("versions", "Numbers of versions, with commas or repeated.", {
  placeholder: "numbers",
});

export const remove: Command = {
  usage: "[options] KEY",
  about: "Deletes the newest version of a secret, or those that -versions names. In a version 2 " +
    "engine they can be brought back with `kv undelete` until they are destroyed.",
  examples: [["Delete two versions", "kv delete -mount=secret -versions=3,4 app"]],
  flags: [mountFlag, versionsFlag],
  words: [1, 1],
  output: "field",
  async run(call) {
    const target = await kvTarget(call);
    const path = kvPath(target, "data");
    const versions = target.version === 2 ? versionList(call) : [];
    const client = await call.client();
    const work = versions.length === 0
      ? client.delete(path)
      : client.write(kvPath(target, "delete"), { versions });
    const secret = await call.during(`deleting ${path}`, work);
    if (secret !== undefined) return await call.secret(secret);
    if (call.forPeople) call.line(`Success! Data deleted (if it existed) at: ${path}`);
    return 0;
  },
};

function overVersions(part: "undelete" | "destroy", about: string): Command {
  return {
    usage: "[options] KEY",
    about,
    examples: [[`${part} a version`, `kv ${part} -mount=secret -versions=3 app`]],
    flags: [mountFlag, versionsFlag],
    words: [1, 1],
    output: "format",
    async run(call) {
      const versions = versionList(call);
      if (versions.length === 0) {
        throw new UsageError(`no versions given: use -versions to say which to ${part}`);
      }
      const target = await kvTarget(call);
      needVersion2(target, part, 1);
      const path = kvPath(target, part);
      const client = await call.client();
      const secret = await call.during(
        `writing data to ${path}`,
        client.write(path, { versions }),
      );
      if (secret !== undefined) return await call.secret(secret);
      if (call.forPeople) call.line(`Success! Data written to: ${path}`);
      return 0;
    },
  };
}

export const undelete: Command = overVersions(
  "undelete",
  "Brings deleted versions of a secret back, unless they are destroyed.",
);

export const destroy: Command = overVersions(
  "destroy",
  "Removes versions of a secret for good. Nothing brings them back.",
);

export const rollback: Command = {
  usage: "[options] KEY",
  about: "Makes an older version of a secret the newest again, by writing its fields anew. " +
    "Refused when somebody else writes in between.",
  examples: [["Go back to version 2", "kv rollback -mount=secret -version=2 app"]],
  flags: [mountFlag, int("version", "Version to go back to.")],
  words: [1, 1],
  output: "format",
  async run(call) {
    const version = call.flags.int("version") ?? 0;
    if (version <= 0) throw new UsageError("must say which version with -version");
    const target = await kvTarget(call);
    needVersion2(target, "rollback", 2);
    const path = kvPath(target, "data");
    const newest = await readVersion(call, path);
    const cas = asNumber(asObject(newest.metadata).version);
    const wanted = await readVersion(call, path, version);
    if (!isObject(wanted.data)) {
      throw new CommandError(`Error: version ${version} of ${path} is deleted`, 2);
    }
    const client = await call.client();
    const secret = await call.during(
      `writing data to ${path}`,
      client.write(path, { data: wanted.data, options: { cas } }),
    );
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

async function readVersion(call: Call, path: string, version?: number) {
  const client = await call.client();
  const query: [string, string][] = version === undefined ? [] : [["version", String(version)]];
  const secret = await call.during(`reading ${path}`, client.read(path, query));
  if (secret === undefined) throw new CommandError(`Error: no value found at ${path}`, 2);
  return asObject(secret.data);
}
