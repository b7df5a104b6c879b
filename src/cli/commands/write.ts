/** `write` and `patch`: data to any path of the API. */
import { bool, type Flag } from "../args/flag.ts";
import { readPairs } from "../args/pairs.ts";
import type { Call } from "../call.ts";
import { anyWords, type Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { apiPath } from "../client/request.ts";

const forceFlag: Flag = bool("force", "Write although no data is given.", {
  aliases: ["f"],
});

export const write: Command = {
  usage: "[options] PATH [DATA K=V...]",
  about: "Writes data to a path: a secret, configuration, a login. Data is key=value, key=@file, " +
    "key=- for standard input, or a whole JSON object as @file or -.",
  examples: [
    ["Write two values", "write kv/app user=anna pass=@password.txt"],
    ["Write a path that takes no data", "write -f transit/keys/orders"],
  ],
  flags: [forceFlag],
  words: [1, anyWords],
  output: "field",
  run: (call) => send(call, "PUT"),
};

export const patch: Command = {
  usage: "[options] PATH [DATA K=V...]",
  about: "Changes parts of what is at a path and leaves the rest (JSON merge patch). " +
    "Data is given as for `write`.",
  examples: [["Change one field of a role", "patch pki/roles/web max_ttl=72h"]],
  flags: [forceFlag],
  words: [1, anyWords],
  output: "field",
  run: (call) => send(call, "PATCH"),
};

async function send(call: Call, method: "PUT" | "PATCH"): Promise<number> {
  const path = apiPath(call.arg(0));
  const words = call.args.slice(1);
  if (words.length === 0 && !call.flags.bool("force")) {
    throw new UsageError("must supply data or use -force");
  }
  const body = words.length === 0 ? null : await readPairs(words, call.io);
  const client = await call.client();
  const secret = await call.during(`writing data to ${path}`, client.write(path, body, method));
  if (secret !== undefined) return await call.secret(secret);
  if (call.forPeople) call.line(`Success! Data written to: ${path}`);
  return 0;
}
