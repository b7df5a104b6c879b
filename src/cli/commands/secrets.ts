/** `secrets …`: the secrets engines of a node. */
import { bool } from "../args/flag.ts";
import { detailedFlag } from "../args/global_flags.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import type { Json } from "../json.ts";
import { enableBody, enableOnlyFlags, tuneBody, tuneFlags } from "./mount_flags.ts";
import { accessor, description, listMounts, path, type } from "./mount_list.ts";
import { moveMount, slashed } from "./mount_move.ts";

export const list: Command = {
  usage: "[options]",
  about: "Lists the secrets engines and where they are mounted.",
  examples: [["With everything about each", "secrets list -detailed"]],
  flags: [detailedFlag],
  words: [0, 0],
  output: "format",
  run: (call) => listMounts(call, "secrets", [path, type, accessor, description]),
};

export const enable: Command = {
  usage: "[options] TYPE",
  about: "Mounts a secrets engine. Several of a type may be mounted at different paths.",
  examples: [
    ["A KV engine of version 2", "secrets enable -path=team -version=2 kv"],
    ["A certificate authority", "secrets enable pki"],
  ],
  flags: [
    ...tuneFlags,
    ...enableOnlyFlags,
    bool("force-no-cache", "Keep nothing of this engine in the node's cache."),
  ],
  words: [1, 1],
  async run(call) {
    const engine = call.arg(0).trim();
    const kind = engine === "plugin" ? call.flags.text("plugin-name") : engine;
    const mount = slashed(call.flags.text("path") || kind);
    const client = await call.client();
    await call.during(
      "enabling the secrets engine",
      client.write(`sys/mounts/${mount}`, enableBody(call, kind, noCache(call)), "POST"),
    );
    call.line(`Success! Enabled the ${kind} secrets engine at: ${mount}`);
    return 0;
  },
};

function noCache({ flags }: Call): Record<string, Json> {
  return flags.given("force-no-cache") ? { force_no_cache: flags.bool("force-no-cache") } : {};
}

export const disable: Command = {
  usage: "[options] PATH",
  about: "Unmounts a secrets engine. Its leases are revoked and everything it keeps is deleted.",
  examples: [["Remove the engine at team/", "secrets disable team/"]],
  words: [1, 1],
  async run(call) {
    const mount = slashed(call.arg(0));
    const client = await call.client();
    await call.during(
      `disabling secrets engine at ${mount}`,
      client.delete(`sys/mounts/${mount}`),
    );
    call.line(`Success! Disabled the secrets engine (if it existed) at: ${mount}`);
    return 0;
  },
};

export const tune: Command = {
  usage: "[options] PATH",
  about: "Changes the settings of a mounted secrets engine; settings not given stay.",
  examples: [["Let leases live a day at most", "secrets tune -max-lease-ttl=24h database/"]],
  flags: tuneFlags,
  words: [1, 1],
  async run(call) {
    const mount = slashed(call.arg(0));
    const client = await call.client();
    await call.during(
      `tuning secrets engine ${mount}`,
      client.write(`sys/mounts/${mount}tune`, tuneBody(call), "POST"),
    );
    call.line(`Success! Tuned the secrets engine at: ${mount}`);
    return 0;
  },
};

export const move: Command = {
  usage: "[options] SOURCE DESTINATION",
  about: "Moves a secrets engine with all its data to another path. Its leases are revoked.",
  examples: [["Give an engine another name", "secrets move team/ platform/"]],
  words: [2, 2],
  run: (call) => moveMount(call, "secrets engine"),
};
