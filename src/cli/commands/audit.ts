/** `audit …`: the audit devices of a node. */
import { bool, text } from "../args/flag.ts";
import { detailedFlag } from "../args/global_flags.ts";
import { readTextPairs } from "../args/pairs.ts";
import { anyWords, type Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { asObject, asText } from "../json.ts";
import { titled } from "../output/table.ts";
import { valueText } from "../output/value_text.ts";
import { fetchMounts } from "./mount_list.ts";
import { slashed } from "./mount_move.ts";

export const list: Command = {
  usage: "[options]",
  about: "Lists the audit devices, which record every request and answer.",
  examples: [["With their options", "audit list -detailed"]],
  flags: [detailedFlag],
  words: [0, 0],
  output: "format",
  async run(call) {
    const devices = await fetchMounts(call, "sys/audit", "listing audits");
    if (!call.forPeople) return await call.value(devices);
    const paths = Object.keys(devices).sort();
    if (paths.length === 0) {
      call.line("No audit devices are enabled.");
      return 2;
    }
    const detailed = call.flags.bool("detailed");
    const titles = ["Path", "Type", "Description"];
    const rows = paths.map((path) => {
      const device = asObject(devices[path]);
      const short = [path, asText(device.type), asText(device.description)];
      if (!detailed) return short;
      const options = Object.entries(asObject(device.options))
        .map(([name, value]) => `${name}=${valueText(value)}`);
      return [...short, device.local === true ? "local" : "replicated", options.join(" ")];
    });
    call.lines(titled(detailed ? [...titles, "Replication", "Options"] : titles, rows));
    return 0;
  },
};

export const enable: Command = {
  usage: "[options] TYPE [CONFIG K=V...]",
  about: "Enables an audit device: file, socket, syslog or http. From then on the node answers " +
    "only what it could record.",
  examples: [["Record to a file", "audit enable file file_path=/var/log/holdfast/audit.log"]],
  flags: [
    text("description", "What it is for, for people."),
    bool("local", "Keep it on this cluster: it is not replicated."),
    text("path", "Name of the device. By default its type."),
  ],
  words: [0, anyWords],
  async run(call) {
    const type = call.arg(0).trim();
    if (type === "") {
      throw new UsageError("the type is missing: one of file, socket, syslog, http");
    }
    const options = Object.fromEntries(await readTextPairs(call.args.slice(1), call.io));
    const path = slashed(call.flags.text("path") || type);
    const client = await call.client();
    const body = {
      type,
      description: call.flags.text("description"),
      options,
      local: call.flags.bool("local"),
    };
    await call.during("enabling audit device", client.write(`sys/audit/${path}`, body));
    call.line(`Success! Enabled the ${type} audit device at: ${path}`);
    return 0;
  },
};

export const disable: Command = {
  usage: "[options] PATH",
  about: "Disables an audit device. What it has recorded stays, but hashed values can no longer " +
    "be compared with it.",
  examples: [["Stop recording to file/", "audit disable file/"]],
  words: [1, 1],
  async run(call) {
    const path = slashed(call.arg(0));
    const client = await call.client();
    await call.during("disabling audit device", client.delete(`sys/audit/${path}`));
    call.line(`Success! Disabled audit device (if it was enabled) at: ${path}`);
    return 0;
  },
};
