/** `recover`: secrets back out of a loaded snapshot, one, or all below a path. */
import { bool, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import { type Secret, toSecret } from "../client/secret.ts";
import type { Command } from "../command.ts";
import { ApiError, CommandError, UsageError } from "../errors.ts";
import { asList, asObject, asText } from "../json.ts";
import { kvPath, type KvTarget, kvTargetOf } from "./kv_mount.ts";

/** Secrets that are recovered at once. */
const atOnce = 16;

export const command: Command = {
  usage: "[options] PATH",
  about: "Brings back what was at a path when a loaded snapshot was made, in place of what is " +
    "there now; an engine that keeps versions gets a new one, and a key that is gone all of its " +
    "old ones. With -recursive PATH is a folder of a KV engine, or the engine itself, and all " +
    "secrets below it come back; those that the snapshot does not have stay as they are.",
  examples: [
    ["One secret", "recover -snapshot-id=6f1e1c0a-8a5f-4c5e-9f0e-0a6f6c1f7d11 secret/data/app"],
    [
      "Under another name",
      "recover -snapshot-id=6f1e1c0a-8a5f-4c5e-9f0e-0a6f6c1f7d11 -from=kv/app kv/app-then",
    ],
    [
      "A whole engine",
      "recover -snapshot-id=6f1e1c0a-8a5f-4c5e-9f0e-0a6f6c1f7d11 -recursive secret/",
    ],
  ],
  flags: [
    text("snapshot-id", "The loaded snapshot (operator raft snapshot load).", {
      placeholder: "id",
    }),
    text("from", "Where it lies in the snapshot; PATH itself when not given.", {
      placeholder: "path",
    }),
    bool("recursive", "Recover all secrets below PATH."),
    bool("dry-run", "With -recursive: print what would be recovered, and change nothing."),
  ],
  words: [1, 1],
  output: "field",
  async run(call) {
    const id = call.flags.text("snapshot-id").trim();
    if (id === "") throw new UsageError("-snapshot-id must name a loaded snapshot");
    if (call.flags.bool("recursive")) return await recoverAll(call, id);
    if (call.flags.bool("dry-run")) throw new UsageError("-dry-run goes with -recursive");
    const path = apiPath(call.arg(0));
    const from = apiPath(call.flags.text("from"));
    const secret = await call.during(`recovering ${path}`, recoverOne(call, id, path, from));
    if (secret !== undefined) return await call.secret(secret);
    if (call.forPeople) call.line(`Success! Recovered (if it existed) to: ${path}`);
    return 0;
  },
};

/** Undefined when the answer has no body. `from` is "" where it is the same path. */
async function recoverOne(
  call: Call,
  id: string,
  path: string,
  from: string,
): Promise<Secret | undefined> {
  const client = await call.client();
  const headers: [string, string][] = [["X-Vault-Recover-Snapshot-Id", id]];
  if (from !== "" && from !== path) headers.push(["X-Vault-Recover-Source-Path", asBytes(from)]);
  return toSecret((await client.send({ method: "PUT", path, headers })).json);
}

/** A header holds bytes: each becomes one character. */
function asBytes(value: string): string {
  return String.fromCharCode(...new TextEncoder().encode(value));
}

/** The folder that a path of a KV engine names, without what its API puts before it. */
async function folderAt(call: Call, path: string): Promise<KvTarget> {
  const target = await kvTargetOf(call, apiPath(path));
  if (target.version === 1) return target;
  return { ...target, key: target.key.replace(/^(?:data|metadata)(?:\/|$)/, "") };
}

async function recoverAll(call: Call, id: string): Promise<number> {
  const target = await folderAt(call, call.arg(0));
  const from = call.flags.text("from");
  const source = from === "" ? target : await folderAt(call, from);
  const isDry = call.flags.bool("dry-run");
  const recovered: string[] = [];
  const failed: string[] = [];
  const take = async (name: string) => {
    const path = kvPath(below(target, name), "data");
    try {
      if (!isDry) await recoverOne(call, id, path, kvPath(below(source, name), "data"));
      recovered.push(path);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed.push(path);
      call.note(`${path}: ${error.errors.join("; ") || `status ${error.status}`}`);
    }
  };
  let batch: string[] = [];
  for await (const name of namesBelow(call, id, source, "")) {
    batch.push(name);
    if (batch.length < atOnce) continue;
    await Promise.all(batch.map(take));
    batch = [];
  }
  await Promise.all(batch.map(take));
  if (recovered.length + failed.length === 0) {
    const where = kvPath(source, "metadata");
    throw new CommandError(`Error: the snapshot has no secrets below ${where}`, 2);
  }
  await report(call, isDry, recovered, failed);
  return failed.length === 0 ? 0 : 2;
}

async function report(
  call: Call,
  isDry: boolean,
  recovered: readonly string[],
  failed: readonly string[],
): Promise<void> {
  const told = { recovered: [...recovered], failed: [...failed] };
  if (call.field !== "") return void await call.data(told);
  if (!call.forPeople) return void await call.value(told);
  call.lines(recovered);
  const verb = isDry ? "would be recovered" : "recovered";
  call.line();
  call.line(
    `${recovered.length} ${verb}${failed.length === 0 ? "" : `, ${failed.length} failed`}.`,
  );
}

function below(target: KvTarget, name: string): KvTarget {
  return { ...target, key: target.key === "" ? name : `${target.key}/${name}` };
}

/** All names below a folder of the snapshot, relative to `target`. */
async function* namesBelow(
  call: Call,
  id: string,
  target: KvTarget,
  folder: string,
): AsyncGenerator<string> {
  const client = await call.client();
  const path = kvPath(below(target, folder), "metadata");
  const listed = await call.during(
    `listing ${path}`,
    client.list(path, [["read_snapshot_id", id]]),
  );
  for (const key of asList(asObject(listed?.data).keys).map(asText)) {
    if (key.endsWith("/")) yield* namesBelow(call, id, target, folder + key);
    else yield folder + key;
  }
}
