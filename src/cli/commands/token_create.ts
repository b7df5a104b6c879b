/** `token create`. */
import { bool, duration, int, list, map, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import type { Command } from "../command.ts";
import { durationText } from "../duration.ts";
import type { Json } from "../json.ts";

export const command: Command = {
  usage: "[options]",
  about: "Makes a token. Without -policy it may do what the user's own token may do. It is " +
    "revoked together with the token that made it, unless it is an orphan.",
  examples: [
    ["A token for an hour with one policy", "token create -policy=reader -ttl=1h"],
    ["A token that lives as long as it is renewed each day", "token create -orphan -period=24h"],
  ],
  flags: [
    text("display-name", "Name for logs and listings."),
    text("entity-alias", "Entity alias to tie it to. Needs -role."),
    duration("explicit-max-ttl", "End that no renewal moves, counted from now."),
    text("id", "The token itself, in place of a random one. Needs sudo."),
    map("metadata", "Note kept with it, as name=value. May be repeated."),
    bool("no-default-policy", "Leave the default policy out."),
    bool("orphan", "Let it live on when the token that made it is revoked."),
    duration("period", "Each renewal gives it this long again, without end."),
    list("policy", "Name of a policy. May be repeated."),
    bool("renewable", "Whether it can be renewed.", { fallback: "true" }),
    text("role", "Token role to make it by."),
    duration("ttl", "Time until it ends, if it is not renewed."),
    text("type", "Kind of token.", { fallback: "service", placeholder: "service|batch" }),
    int("use-limit", "Number of requests it is good for; 0 for no limit."),
  ],
  words: [0, 0],
  output: "field",
  async run(call) {
    const role = apiPath(call.flags.text("role"));
    const client = await call.client();
    const path = role === "" ? "auth/token/create" : `auth/token/create/${role}`;
    const secret = await call.during("creating token", client.write(path, body(call), "POST"));
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

function body(call: Call): Record<string, Json> {
  const { flags } = call;
  const out: Record<string, Json> = {
    policies: flags.list("policy"),
    no_parent: flags.bool("orphan"),
    no_default_policy: flags.bool("no-default-policy"),
    renewable: flags.bool("renewable"),
    type: flags.text("type"),
    num_uses: flags.int("use-limit") ?? 0,
  };
  for (const name of ["ttl", "period", "explicit-max-ttl"]) {
    const ms = flags.durationMs(name);
    if (ms !== undefined) out[name.replaceAll("-", "_")] = durationText(ms);
  }
  for (const name of ["id", "entity-alias", "display-name"]) {
    if (flags.given(name)) out[name.replaceAll("-", "_")] = flags.text(name);
  }
  if (flags.given("metadata")) out.meta = flags.map("metadata");
  return out;
}
