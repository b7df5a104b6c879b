/** `unwrap`: opens a wrapped answer. */
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { toSecret } from "../client/secret.ts";

export const command: Command = {
  usage: "[options] [TOKEN]",
  about: "Opens an answer that was wrapped with -wrap-ttl and prints it as the first request " +
    "would have done. Without TOKEN the user's own token is taken for the wrapping token. " +
    "It works once.",
  examples: [["Open an answer", "unwrap hvs.CAES..."]],
  words: [0, 1],
  output: "field",
  async run(call) {
    const client = await call.client();
    const given = call.arg(0).trim();
    // A client without a token of its own shows the wrapping token instead.
    if ((await client.token()) === "") client.setToken(given);
    const body = given === "" || given === await client.token() ? null : { token: given };
    const path = "sys/wrapping/unwrap";
    const answer = await call.during("unwrapping", client.send({ method: "PUT", path, body }));
    const secret = toSecret(answer.json);
    if (secret === undefined) throw new CommandError("Error: the wrapped answer is empty", 2);
    return await call.secret(secret);
  },
};
