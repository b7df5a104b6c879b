/** `namespace …`: tenants of a node, each with its own mounts, policies and identities. */
import { type Flag, list as listFlag, map } from "../args/flag.ts";
import { detailedFlag } from "../args/global_flags.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { asList, asObject, asText, type Json } from "../json.ts";
import { titled } from "../output/table.ts";
import { valueText } from "../output/value_text.ts";

const metadataFlag: Flag = map("custom-metadata", "Note kept with it, as name=value. Repeatable.");

function listing(verb: "list" | "scan", about: string): Command {
  return {
    usage: "[options]",
    about,
    examples: [["With everything about each", `namespace ${verb} -detailed`]],
    flags: [detailedFlag],
    words: [0, 0],
    output: "format",
    async run(call) {
      const client = await call.client();
      const work = verb === "list"
        ? client.list("sys/namespaces")
        : client.read("sys/namespaces", [["scan", "true"]]);
      const secret = await call.during("listing namespaces", work);
      const keys = asList(asObject(secret?.data).keys);
      if (keys.length === 0 && call.forPeople) {
        throw new CommandError("Error: no namespaces found", 2);
      }
      if (!call.flags.bool("detailed")) return await call.keys(secret, "sys/namespaces");
      const info = asObject(asObject(secret?.data).key_info);
      if (!call.forPeople) return await call.value(info);
      call.lines(titled(
        ["Keys", "ID", "Custom Metadata"],
        keys.map((key) => {
          const one = asObject(info[asText(key)]);
          const notes = Object.entries(asObject(one.custom_metadata));
          return [
            asText(key),
            asText(one.id),
            notes.map(([name, value]) => `${name}=${valueText(value)}`).join(" "),
          ];
        }),
      ));
      return 0;
    },
  };
}

export const list: Command = listing("list", "Lists the namespaces directly below this one.");
export const scan: Command = listing("scan", "Lists the namespaces below this one, at any depth.");

export const lookup: Command = {
  usage: "[options] PATH",
  about: "Prints what is known about a namespace.",
  examples: [["Look at one", "namespace lookup team"]],
  words: [1, 1],
  output: "format",
  async run(call) {
    const client = await call.client();
    const path = namespaceApi(call);
    const secret = await call.during("looking up namespace", client.read(path));
    if (secret === undefined) throw new CommandError("Error: namespace not found", 2);
    return await call.secret(secret);
  },
};

export const create: Command = {
  usage: "[options] PATH",
  about: "Makes a namespace below this one.",
  examples: [["A namespace with a note", "namespace create -custom-metadata=owner=ops team"]],
  flags: [metadataFlag],
  words: [1, 1],
  output: "field",
  async run(call) {
    const client = await call.client();
    const body = { custom_metadata: call.flags.map("custom-metadata") };
    const secret = await call.during(
      "creating namespace",
      client.write(namespaceApi(call), body, "POST"),
    );
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

export const patch: Command = {
  usage: "[options] PATH",
  about: "Changes the notes kept with a namespace; those not named stay.",
  examples: [["Change one", "namespace patch -custom-metadata=owner=sre team"]],
  flags: [metadataFlag, listFlag("remove-custom-metadata", "Note to take away. Repeatable.")],
  words: [1, 1],
  output: "field",
  async run(call) {
    const notes: Record<string, Json> = { ...call.flags.map("custom-metadata") };
    for (const name of call.flags.list("remove-custom-metadata")) notes[name] = null;
    const client = await call.client();
    const secret = await call.during(
      "modifying namespace",
      client.write(namespaceApi(call), { custom_metadata: notes }, "PATCH"),
    );
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

export const remove: Command = {
  usage: "[options] PATH",
  about: "Deletes a namespace with everything in it. Large ones take a while, in the background.",
  examples: [["Delete one", "namespace delete team"]],
  words: [1, 1],
  async run(call) {
    const client = await call.client();
    const path = namespaceApi(call);
    const secret = await call.during("deleting namespace", client.delete(path));
    const name = `${apiPath(call.arg(0))}/`;
    if (secret?.data === undefined && (secret?.warnings.length ?? 0) > 0) {
      for (const warning of secret?.warnings ?? []) call.note(warning);
    } else if (asText(asObject(secret?.data).status) === "in-progress") {
      call.line(`Success! The deletion of the namespace is under way: ${name}`);
    } else call.line(`Success! Namespace deleted (if it existed): ${name}`);
    return 0;
  },
};

export const lock: Command = {
  usage: "[options] [PATH]",
  about: "Locks a namespace, or the present one: its requests are refused until it is unlocked " +
    "with the key that this prints.",
  examples: [["Lock one", "namespace lock team"]],
  words: [0, 1],
  output: "format",
  async run(call) {
    const client = await call.client();
    const secret = await call.during(
      "locking namespace",
      client.write(lockApi("lock", call), null),
    );
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

export const unlock: Command = {
  usage: "[options] [PATH]",
  about: "Unlocks a namespace, or the present one, with the key given by -unlock-key. A root " +
    "token needs no key.",
  examples: [["Unlock one", "namespace unlock -unlock-key=KEY team"]],
  words: [0, 1],
  output: "format",
  async run(call) {
    const client = await call.client();
    const key = call.flags.text("unlock-key");
    const body = key === "" ? null : { unlock_key: key };
    const path = lockApi("unlock", call);
    await call.during("unlocking namespace", client.write(path, body));
    call.line("Success! The namespace is unlocked.");
    return 0;
  },
};

function namespaceApi(call: Call): string {
  return `sys/namespaces/${apiPath(call.arg(0))}`;
}

function lockApi(verb: "lock" | "unlock", call: Call): string {
  return apiPath(`sys/namespaces/api-lock/${verb}/${apiPath(call.arg(0))}`);
}
