/** `token lookup|renew|revoke|capabilities`. */
import { bool, duration, type Flag, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import { apiPath } from "../client/request.ts";
import { toSecret } from "../client/secret.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { asList, asObject, type Json } from "../json.ts";
import { valueText } from "../output/value_text.ts";

const accessorFlag: Flag = bool("accessor", "Take the argument for an accessor, not a token.");

export const lookup: Command = {
  usage: "[options] [TOKEN | ACCESSOR]",
  about: "Prints what is known about a token: the user's own, or the one given.",
  examples: [["The user's own token", "token lookup"]],
  flags: [accessorFlag],
  words: [0, 1],
  output: "field",
  async run(call) {
    const given = call.arg(0).trim();
    const accessor = call.flags.bool("accessor");
    if (accessor && given === "") throw new UsageError("-accessor needs an accessor behind it");
    const client = await call.client();
    const work = given === ""
      ? client.send({ method: "GET", path: "auth/token/lookup-self" })
        .then(({ json }) => toSecret(json))
      : accessor
      ? client.write("auth/token/lookup-accessor", { accessor: given }, "POST")
      : client.write("auth/token/lookup", { token: given }, "POST");
    const secret = await call.during("looking up token", work);
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

export const renew: Command = {
  usage: "[options] [TOKEN]",
  about: "Asks for more time for a token: the user's own, or the one given. The node may grant " +
    "less than was asked for.",
  examples: [["Ask for half an hour", "token renew -increment=30m"]],
  flags: [
    accessorFlag,
    duration("increment", "Time asked for, counted from now.", { aliases: ["i"] }),
  ],
  words: [0, 1],
  output: "format",
  async run(call) {
    const given = call.arg(0).trim();
    const accessor = call.flags.bool("accessor");
    if (accessor && given === "") throw new UsageError("-accessor needs an accessor behind it");
    const increment = Math.round((call.flags.durationMs("increment") ?? 0) / 1000);
    const client = await call.client();
    const work = given === ""
      ? client.write("auth/token/renew-self", { increment })
      : accessor
      ? client.write("auth/token/renew-accessor", { accessor: given, increment })
      : client.write("auth/token/renew", { token: given, increment });
    const secret = await call.during("renewing token", work);
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

export const revoke: Command = {
  usage: "[options] [TOKEN | ACCESSOR]",
  about: "Revokes a token and all tokens made with it, and ends their leases.",
  examples: [
    ["Revoke the user's own token", "token revoke -self"],
    ["Keep its children", "token revoke -mode=orphan hvs.CAES..."],
  ],
  flags: [
    accessorFlag,
    text("mode", "What to revoke: the token without its children, or all made at a path.", {
      placeholder: "orphan|path",
    }),
    bool("self", "Revoke the token the command itself uses."),
  ],
  words: [0, 1],
  async run(call) {
    const given = call.arg(0).trim();
    const client = await call.client();
    await call.during("revoking token", revokeBy(call, client, given));
    call.line("Success! Revoked token (if it existed)");
    return 0;
  },
};

function revokeBy(call: Call, client: Client, given: string): Promise<unknown> {
  const [self, accessor] = [call.flags.bool("self"), call.flags.bool("accessor")];
  const mode = call.flags.text("mode");
  if (self && given !== "") throw new UsageError("-self takes no token behind it");
  if (!self && given === "") throw new UsageError("not enough arguments (expected 1, got 0)");
  if (self && (accessor || mode !== "")) throw new UsageError("-self goes with no other flag");
  if (accessor && mode !== "") throw new UsageError("-accessor can't be used with -mode");
  if (self) return client.write("auth/token/revoke-self", null);
  if (accessor) return client.write("auth/token/revoke-accessor", { accessor: given });
  switch (mode) {
    case "":
      return client.write("auth/token/revoke", { token: given });
    case "orphan":
      return client.write("auth/token/revoke-orphan", { token: given });
    case "path":
      return client.write(`sys/leases/revoke-prefix/${apiPath(given)}`, null);
    default:
      throw new UsageError('-mode must be "orphan" or "path"');
  }
}

export const capabilities: Command = {
  usage: "[options] [TOKEN] PATH",
  about: "Prints what a token may do at a path: the user's own, or the one given.",
  examples: [["What the user may do", "token capabilities secret/data/app"]],
  flags: [bool("accessor", "Take the first argument for an accessor, not a token.")],
  words: [1, 2],
  output: "format",
  async run(call) {
    const self = call.args.length === 1;
    if (self && call.flags.bool("accessor")) throw new UsageError("-accessor needs an accessor");
    const path = apiPath(call.arg(self ? 0 : 1));
    const client = await call.client();
    const paths = [path];
    const work = self
      ? client.write("sys/capabilities-self", { paths }, "POST")
      : call.flags.bool("accessor")
      ? client.write("sys/capabilities-accessor", { accessor: call.arg(0), paths }, "POST")
      : client.write("sys/capabilities", { token: call.arg(0), paths }, "POST");
    const secret = await call.during("listing capabilities", work);
    const data = asObject(secret?.data);
    const found: readonly Json[] = asList(data[path] ?? data.capabilities);
    const names = found.map(valueText).sort();
    if (!call.forPeople) return await call.value(names);
    call.line(names.join(", "));
    return 0;
  },
};
