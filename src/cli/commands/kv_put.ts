/** `kv put` and `kv patch`. */
import { type Flag, int, list, text } from "../args/flag.ts";
import { readPairs } from "../args/pairs.ts";
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Secret } from "../client/secret.ts";
import { anyWords, type Command } from "../command.ts";
import { ApiError, CommandError, UsageError } from "../errors.ts";
import { asNumber, asObject, type JsonObject } from "../json.ts";
import {
  kvPath,
  type KvTarget,
  kvTarget,
  mountFlag,
  needVersion2,
  printWritten,
} from "./kv_mount.ts";

const casFlag: Flag = int(
  "cas",
  "Write only if this is the newest version's number; 0 for a key that must not exist yet.",
);

export const put: Command = {
  usage: "[options] KEY [DATA K=V...]",
  about: "Writes a secret to a KV engine; in version 2 as a new version. All of its former " +
    "fields are replaced. Data is key=value, key=@file, key=- for standard input, or a whole " +
    "JSON object as @file or -.",
  examples: [
    ["Write a secret", "kv put -mount=secret app user=anna pass=@password.txt"],
    ["Write a key that must not exist yet", "kv put -mount=secret -cas=0 app user=anna"],
  ],
  flags: [mountFlag, casFlag],
  words: [1, anyWords],
  output: "field",
  async run(call) {
    if (call.args.length < 2) throw new UsageError("must supply data");
    const data = await readPairs(call.args.slice(1), call.io);
    const target = await kvTarget(call);
    const path = kvPath(target, "data");
    const client = await call.client();
    const body = target.version === 1 ? data : { data, options: casOptions(call) };
    const secret = await call.during(`writing data to ${path}`, client.write(path, body));
    return await printWritten(call, path, secret);
  },
};

function casOptions(call: Call): JsonObject {
  const cas = call.flags.int("cas");
  return cas === undefined || cas < 0 ? {} : { cas };
}

export const patch: Command = {
  usage: "[options] KEY [DATA K=V...]",
  about: "Changes fields of a secret in a version 2 KV engine and leaves its other fields: the " +
    "result is a new version. Data is given as for `kv put`.",
  examples: [
    ["Change one field", "kv patch -mount=secret app pass=@password.txt"],
    ["Take a field out", "kv patch -mount=secret -remove-data=user app"],
  ],
  flags: [
    mountFlag,
    casFlag,
    text("method", "How to do it: the node merges, or the client reads and writes back.", {
      placeholder: "patch|rw",
    }),
    list("remove-data", "Field to take out. May be repeated."),
  ],
  words: [1, anyWords],
  output: "field",
  async run(call) {
    const removed = call.flags.list("remove-data");
    if (call.args.length < 2 && removed.length === 0) throw new UsageError("must supply data");
    const data = {
      ...await readPairs(call.args.slice(1), call.io),
      ...Object.fromEntries(removed.map((name) => [name, null])),
    };
    const method = call.flags.text("method");
    if (!["", "patch", "rw"].includes(method)) {
      throw new CommandError(`Error: -method must be "patch" or "rw"`, 2);
    }
    const target = await kvTarget(call);
    needVersion2(target, "patch", 2);
    const secret = await patchBy(method, call, target, data);
    return await printWritten(call, kvPath(target, "data"), secret);
  },
};

async function patchBy(
  method: string,
  call: Call,
  target: KvTarget,
  data: JsonObject,
): Promise<Secret | undefined> {
  const path = kvPath(target, "data");
  const client = await call.client();
  if (method === "rw") return await readAndWrite(call, client, path, data);
  const sent = client.write(path, { data, options: casOptions(call) }, "PATCH");
  if (method === "patch") return await call.during(`writing data to ${path}`, sent);
  try {
    return await sent;
  } catch (error) {
    // Nodes and policies from before PATCH existed: the client merges.
    const old = error instanceof ApiError && (error.status === 405 || error.status === 403);
    if (old) return await readAndWrite(call, client, path, data);
    return await call.during(`writing data to ${path}`, Promise.reject(error));
  }
}

async function readAndWrite(
  call: Call,
  client: Client,
  path: string,
  changes: JsonObject,
): Promise<Secret | undefined> {
  const current = await call.during(
    `doing pre-read at ${path}`,
    client.send({ method: "GET", path, preflight: true }),
  );
  const found = asObject(asObject(current.json).data);
  const merged = Object.fromEntries(
    Object.entries({ ...asObject(found.data), ...changes }).filter(([, value]) => value !== null),
  );
  const cas = call.flags.int("cas") ?? asNumber(asObject(found.metadata).version);
  const body = { data: merged, options: { cas } };
  return await call.during(`writing data to ${path}`, client.write(path, body));
}
