/** `kv get`. */
import { int } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Secret } from "../client/secret.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { asObject, isObject } from "../json.ts";
import { secretField } from "../output/secret_table.ts";
import { snapshotFlag, snapshotQuery } from "./snapshot_flag.ts";
import { kvPath, kvTarget, mountFlag, printPathAndMetadata, printSection } from "./kv_mount.ts";

export const command: Command = {
  usage: "[options] KEY",
  about: "Reads a secret from a KV engine: its newest version, or the one that -version names.",
  examples: [
    ["Read a secret", "kv get -mount=secret app"],
    ["Read one field of an older version", "kv get -mount=secret -version=2 -field=user app"],
  ],
  flags: [
    mountFlag,
    int("version", "Version to read; the newest when not given."),
    snapshotFlag,
  ],
  words: [1, 1],
  output: "field",
  async run(call) {
    const target = await kvTarget(call);
    const path = kvPath(target, "data");
    const client = await call.client();
    const version = call.flags.int("version");
    const query: [string, string][] = target.version === 2 && version !== undefined && version > 0
      ? [["version", String(version)]]
      : [];
    query.push(...snapshotQuery(call));
    const secret = await call.during(`reading ${path}`, client.read(path, query));
    if (secret === undefined) throw new CommandError(`Error: no value found at ${path}`, 2);
    if (target.version === 1) return await print1(call, secret);
    return await print2(call, path, secret);
  },
};

async function print1(call: Call, secret: Secret): Promise<number> {
  if (!call.forPeople || call.field !== "" || secret.data === undefined) {
    return await call.secret(secret);
  }
  call.warnings(secret.warnings);
  printSection(call, "Data", secret.data);
  return 0;
}

async function print2(call: Call, path: string, secret: Secret): Promise<number> {
  if (secret.wrapInfo !== undefined) return await call.secret(secret);
  const data = asObject(secret.data);
  const values = data.data;
  if (call.field !== "") {
    const inner = { ...secret, data: asObject(values) };
    const value = secretField(inner, call.field);
    if (value === undefined) {
      throw new CommandError(`Error: the secret has no field "${call.field}"`, 1);
    }
    return await call.bare(value);
  }
  if (!call.forPeople) return await call.secret(secret);
  call.warnings(secret.warnings);
  printPathAndMetadata(call, path, asObject(data.metadata));
  if (!isObject(values)) return 0;
  call.line();
  printSection(call, "Data", values);
  return 0;
}
