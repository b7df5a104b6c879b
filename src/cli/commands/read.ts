/** `read`: any path of the API. */
import { readTextPairs } from "../args/pairs.ts";
import { anyWords, type Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { apiPath } from "../client/request.ts";
import { snapshotFlag, snapshotQuery } from "./snapshot_flag.ts";

export const command: Command = {
  usage: "[options] PATH [QUERY K=V...]",
  about: "Reads what is at a path: a secret, credentials made on the spot, configuration. " +
    "Words behind the path become query parameters.",
  examples: [
    ["Read a value of a version 1 KV engine", "read kv/app"],
    ["Read one field of the node's seal status", "read -field=sealed sys/seal-status"],
  ],
  flags: [snapshotFlag],
  words: [1, anyWords],
  output: "field",
  raw: true,
  async run(call) {
    const path = apiPath(call.arg(0));
    const query = [...snapshotQuery(call), ...await readTextPairs(call.args.slice(1), call.io)];
    const client = await call.client();
    if (call.format === "raw" && call.field === "") {
      const answer = await call.during(
        `reading ${path}`,
        client.send({ method: "GET", path, query }),
      );
      call.line(answer.text.trimEnd());
      return 0;
    }
    const secret = await call.during(`reading ${path}`, client.read(path, query));
    if (secret === undefined) throw new CommandError(`Error: no value found at ${path}`, 2);
    return await call.secret(secret);
  },
};
