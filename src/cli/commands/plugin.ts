/** `plugin …`: the catalogue of engines and methods. */
import { list as listFlag, text } from "../args/flag.ts";
import { detailedFlag } from "../args/global_flags.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { asList, asObject, asText, type Json, type JsonObject } from "../json.ts";
import { titled } from "../output/table.ts";

const types = ["auth", "database", "secret"];

function pluginType(word: string): string {
  const type = word.trim().toLowerCase();
  if (types.includes(type)) return type;
  throw new CommandError(`Error: "${word}" is no type of plugin (${types.join(", ")})`, 2);
}

export const list: Command = {
  usage: "[options] [TYPE]",
  about: "Lists the plugins that can be mounted: all, or those of a type (auth, database, secret).",
  examples: [["Auth methods", "plugin list auth"]],
  flags: [detailedFlag],
  words: [0, 1],
  output: "format",
  async run(call) {
    const type = call.arg(0) === "" ? undefined : pluginType(call.arg(0));
    const client = await call.client();
    const secret = await call.during("listing plugins", client.read("sys/plugins/catalog"));
    const data = asObject(secret?.data);
    const plugins = asList(data.detailed).map(asObject)
      .filter((plugin) => type === undefined || plugin.type === type);
    if (!call.forPeople) return await call.value(listJson(data, plugins, type));
    printList(call, plugins, type);
    return 0;
  },
};

function listJson(data: JsonObject, details: Json, type: string | undefined): JsonObject {
  const wanted = type === undefined ? types : [type];
  return { ...Object.fromEntries(wanted.map((name) => [name, data[name] ?? []])), details };
}

function printList(call: Call, plugins: readonly JsonObject[], type: string | undefined): void {
  const detailed = call.flags.bool("detailed");
  const fields: (readonly [string, string])[] = [["Name", "name"]];
  if (detailed || type === undefined) fields.push(["Type", "type"]);
  fields.push(["Version", "version"]);
  if (detailed) fields.push(["Deprecation Status", "deprecation_status"]);
  const rows = plugins.map((plugin) => fields.map(([, name]) => asText(plugin[name])));
  call.lines(titled(fields.map(([title]) => title), rows));
}

export const info: Command = {
  usage: "[options] TYPE NAME",
  about: "Prints what the catalogue says about a plugin.",
  examples: [["The KV engine", "plugin info secret kv"]],
  flags: [text("version", "Version, where there are several.")],
  words: [2, 2],
  output: "field",
  async run(call) {
    const [path, name] = [catalogPath(call), call.arg(1)];
    const version = call.flags.text("version");
    const client = await call.client();
    const answer = await call.during(
      `reading plugin named ${name}`,
      client.read(path, version === "" ? [] : [["version", version]]),
    );
    if (answer === undefined) throw new CommandError(`Error: no plugin named ${name}`, 2);
    return await call.secret({
      ...answer,
      data: { ...emptyInfo, ...answer.data, args: answer.data?.args ?? [] },
    });
  },
};

/** What nodes leave out for plugins that are built in. */
const emptyInfo: JsonObject = { args: [], command: "", deprecation_status: "", sha256: "" };

export const register: Command = {
  usage: "[options] TYPE NAME",
  about: "Adds a plugin to the catalogue. Its program lies in the node's plugin directory.",
  examples: [["Add one", "plugin register -sha256=d3f0a8... auth my-method"]],
  flags: [
    listFlag("args", "Argument for the program. May be repeated."),
    text("command", "Name of the program. By default the plugin's."),
    listFlag("env", "Environment variable for the program, as NAME=value. May be repeated."),
    text("sha256", "SHA-256 of the program, in hexadecimal."),
    text("version", "Version of the plugin."),
  ],
  words: [2, 2],
  async run(call) {
    const { flags } = call;
    if (flags.text("sha256") === "") throw new UsageError("-sha256 must be given");
    const name = call.arg(1).trim();
    const client = await call.client();
    const body = {
      args: flags.list("args"),
      command: flags.text("command") || name,
      env: flags.list("env"),
      sha256: flags.text("sha256"),
      version: flags.text("version"),
    };
    await call.during(`registering plugin ${name}`, client.write(catalogPath(call), body));
    call.line(`Success! Registered plugin: ${name}`);
    return 0;
  },
};

export const deregister: Command = {
  usage: "[options] TYPE NAME",
  about: "Takes a plugin out of the catalogue. Mounts of it stay until they are unmounted.",
  examples: [["Take one out", "plugin deregister auth my-method"]],
  flags: [text("version", "Version, where there are several.")],
  words: [2, 2],
  async run(call) {
    const name = call.arg(1).trim();
    const version = call.flags.text("version");
    const client = await call.client();
    await call.during(
      `deregistering plugin named ${name}`,
      client.delete(catalogPath(call), version === "" ? [] : [["version", version]]),
    );
    call.line(`Success! Deregistered plugin (if it was registered): ${name}`);
    return 0;
  },
};

export const reload: Command = {
  usage: "[options]",
  about: "Starts a plugin anew, wherever it is mounted or at the mounts given.",
  examples: [["All mounts of one plugin", "plugin reload -plugin=my-method"]],
  flags: [
    listFlag("mounts", "Mount to start anew. May be repeated."),
    text("plugin", "Name of the plugin."),
    text("scope", '"global" for all nodes, rather than this one.'),
  ],
  words: [0, 0],
  async run(call) {
    const [plugin, mounts] = [call.flags.text("plugin"), call.flags.list("mounts")];
    if ((plugin === "") === (mounts.length === 0)) {
      throw new UsageError("give either -plugin or -mounts");
    }
    const client = await call.client();
    const body = { plugin, mounts, scope: call.flags.text("scope") };
    const secret = await call.during(
      "reloading plugin/mounts",
      client.write("sys/plugins/reload/backend", body),
    );
    const id = asText(asObject(secret?.data).reload_id);
    call.line(`Success! Reloading ${plugin || mounts.join(", ")}${id && `, reload ID: ${id}`}`);
    return 0;
  },
};

export const reloadStatus: Command = {
  usage: "[options] RELOAD-ID",
  about: "Prints how far a reload on all nodes is.",
  examples: [["Look at one", "plugin reload-status d60a3e83-a598-4f3a-879d-0ddd95f11d4e"]],
  words: [1, 1],
  output: "format",
  async run(call) {
    const client = await call.client();
    const secret = await call.during(
      "reading the reload's status",
      client.read("sys/plugins/reload/backend/status", [["reload_id", call.arg(0)]]),
    );
    if (secret === undefined) throw new CommandError("Error: no such reload", 2);
    return await call.secret(secret);
  },
};

function catalogPath(call: Call): string {
  return `sys/plugins/catalog/${pluginType(call.arg(0))}/${call.arg(1).trim()}`;
}
