/** `kv list`, `kv scan` and `kv enable-versioning`. */
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { snapshotFlag, snapshotQuery } from "./snapshot_flag.ts";
import { kvPath, kvTarget, mountFlag } from "./kv_mount.ts";

export const list: Command = {
  usage: "[options] PATH",
  about: "Lists the keys of a KV engine below a path. Keys that end with a slash have others " +
    "below them.",
  examples: [["List the top of an engine", "kv list -mount=secret"]],
  flags: [mountFlag, snapshotFlag],
  words: [0, 1],
  output: "format",
  run: (call) => run(call, "list"),
};

export const scan: Command = {
  usage: "[options] PATH",
  about: "Lists the keys of a KV engine below a path and below everything under it.",
  examples: [["All keys of an engine", "kv scan -mount=secret"]],
  flags: [mountFlag, snapshotFlag],
  words: [0, 1],
  output: "format",
  run: (call) => run(call, "scan"),
};

async function run(call: Call, verb: "list" | "scan"): Promise<number> {
  if (call.arg(0) === "" && call.flags.text("mount") === "") {
    throw new UsageError("not enough arguments (expected 1, got 0)");
  }
  const path = kvPath(await kvTarget(call), "metadata");
  const client = await call.client();
  const query = snapshotQuery(call);
  const work = verb === "list"
    ? client.list(path, query)
    : client.read(path, [["scan", "true"], ...query]);
  const doing = verb === "list" ? "listing" : "scanning";
  return await call.keys(await call.during(`${doing} ${path}`, work), path);
}

export const enableVersioning: Command = {
  usage: "[options] PATH",
  about: "Turns a version 1 KV engine into a version 2 one. Its keys are kept; it can't be " +
    "turned back.",
  examples: [["Upgrade the engine at kv/", "kv enable-versioning kv/"]],
  words: [1, 1],
  output: "format",
  async run(call) {
    const mount = apiPath(call.arg(0));
    const client = await call.client();
    await call.during(
      `tuning secrets engine ${mount}/`,
      client.write(`sys/mounts/${mount}/tune`, { options: { version: "2" } }, "POST"),
    );
    call.line(`Success! Tuned the secrets engine at: ${mount}/`);
    return 0;
  },
};
