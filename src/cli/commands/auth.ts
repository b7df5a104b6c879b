/** `auth …`: the auth methods of a node. */
import { bool, duration, type Flag, int } from "../args/flag.ts";
import { detailedFlag } from "../args/global_flags.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { durationText } from "../duration.ts";
import { asObject, asText, type Json } from "../json.ts";
import { loginMethod, methodHelp } from "./login_methods.ts";
import { enableBody, enableOnlyFlags, tokenTypeFlag, tuneBody, tuneFlags } from "./mount_flags.ts";
import {
  accessor,
  description,
  fetchMounts,
  listMounts,
  path,
  pluginVersion,
  type,
} from "./mount_list.ts";
import { moveMount, slashed } from "./mount_move.ts";

export const list: Command = {
  usage: "[options]",
  about: "Lists the auth methods and where they are mounted.",
  examples: [["With everything about each", "auth list -detailed"]],
  flags: [detailedFlag],
  words: [0, 0],
  output: "format",
  run: (call) => listMounts(call, "auth", [path, type, accessor, description, pluginVersion]),
};

export const enable: Command = {
  usage: "[options] TYPE",
  about: "Mounts an auth method, so that people or machines can log in by it.",
  examples: [["Names and passwords", "auth enable userpass"]],
  flags: [...tuneFlags, ...enableOnlyFlags, tokenTypeFlag],
  words: [1, 1],
  async run(call) {
    const method = call.arg(0).trim();
    const kind = method === "plugin" ? call.flags.text("plugin-name") : method;
    const mount = slashed(call.flags.text("path") || kind);
    const body = enableBody(call, kind, tokenType(call));
    const client = await call.client();
    await call.during(`enabling ${kind} auth`, client.write(`sys/auth/${mount}`, body, "POST"));
    call.line(`Success! Enabled ${kind} auth method at: ${mount}`);
    return 0;
  },
};

export const disable: Command = {
  usage: "[options] PATH",
  about: "Unmounts an auth method. Tokens it handed out are revoked.",
  examples: [["Remove the method at ci/", "auth disable ci/"]],
  words: [1, 1],
  async run(call) {
    const mount = slashed(call.arg(0));
    const client = await call.client();
    await call.during(
      `disabling auth method at ${mount}`,
      client.delete(`sys/auth/${mount}`),
    );
    call.line(`Success! Disabled the auth method (if it existed) at: ${mount}`);
    return 0;
  },
};

const lockoutFlags: readonly Flag[] = [
  duration("user-lockout-counter-reset-duration", "Failed logins are forgotten after this long."),
  bool("user-lockout-disable", "Never lock a user out."),
  duration("user-lockout-duration", "How long a user stays locked out."),
  int("user-lockout-threshold", "Failed logins in a row that lock a user out."),
];

export const tune: Command = {
  usage: "[options] PATH",
  about: "Changes the settings of a mounted auth method; settings not given stay.",
  examples: [["Let tokens live an hour", "auth tune -default-lease-ttl=1h userpass/"]],
  flags: [...tuneFlags, tokenTypeFlag, ...lockoutFlags],
  words: [1, 1],
  async run(call) {
    const mount = slashed(call.arg(0));
    const client = await call.client();
    await call.during(
      `tuning auth method ${mount}`,
      client.write(`sys/mounts/auth/${mount}tune`, tuneAuthBody(call), "POST"),
    );
    call.line(`Success! Tuned the auth method at: ${mount}`);
    return 0;
  },
};

function tokenType({ flags }: Call): Record<string, Json> {
  return flags.given("token-type") ? { token_type: flags.text("token-type") } : {};
}

function tuneAuthBody(call: Call): Record<string, Json> {
  const { flags } = call;
  const body = { ...tuneBody(call), ...tokenType(call) };
  const lockout: Record<string, Json> = {};
  const threshold = flags.int("user-lockout-threshold");
  if (threshold !== undefined) lockout.lockout_threshold = String(threshold);
  const lasts = flags.durationMs("user-lockout-duration");
  if (lasts !== undefined) lockout.lockout_duration = durationText(lasts);
  const reset = flags.durationMs("user-lockout-counter-reset-duration");
  if (reset !== undefined) lockout.lockout_counter_reset_duration = durationText(reset);
  if (flags.given("user-lockout-disable")) {
    lockout.lockout_disable = flags.bool("user-lockout-disable");
  }
  if (Object.keys(lockout).length > 0) body.user_lockout_config = lockout;
  return body;
}

export const move: Command = {
  usage: "[options] SOURCE DESTINATION",
  about: "Moves an auth method to another path. Both are given with auth/ in front. " +
    "Its tokens are revoked.",
  examples: [["Give a method another name", "auth move auth/ci/ auth/build/"]],
  words: [2, 2],
  run: (call) => moveMount(call, "auth method"),
};

export const help: Command = {
  usage: "[options] TYPE | PATH",
  about: "Prints how to log in by an auth method, named by its type or by where it is mounted.",
  examples: [["How to log in by name and password", "auth help userpass"]],
  words: [1, 1],
  async run(call) {
    const name = call.arg(0).trim().replace(/\/+$/, "");
    const known = loginMethod(name);
    if (known !== undefined) {
      call.line(methodHelp(known));
      return 0;
    }
    const mounts = await fetchMounts(call, "sys/auth", "listing auth methods");
    const kind = asText(asObject(mounts[`${name}/`]).type);
    const method = loginMethod(kind);
    if (method === undefined) {
      const what = kind === "" ? "there is no auth method" : "no help for the auth method";
      throw new CommandError(`Error: ${what} at "${name}/"`, 1);
    }
    call.line(methodHelp(method));
    return 0;
  },
};
