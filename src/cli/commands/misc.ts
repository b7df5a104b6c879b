/** `version`, `version-history`, `print token`, `path-help`. */
import { userToken } from "../client/connect.ts";
import { apiPath } from "../client/request.ts";
import { anyWords, type Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { asList, asObject, asText } from "../json.ts";
import { columns } from "../output/table.ts";
import { versionLine } from "../version.ts";

export const version: Command = {
  usage: "",
  about: "Prints the version of this program.",
  words: [0, anyWords],
  http: false,
  run(call) {
    call.line(versionLine());
    return 0;
  },
};

export const printToken: Command = {
  usage: "",
  about: "Prints the token that commands use: VAULT_TOKEN, or the one that `login` stored.",
  words: [0, 0],
  http: false,
  async run(call) {
    call.line(await userToken(call.io));
    return 0;
  },
};

export const pathHelp: Command = {
  usage: "[options] PATH",
  about: "Prints what the node says about a path: what it is for and which parameters it takes.",
  examples: [["What an engine offers", "path-help secret"]],
  words: [1, 1],
  output: "format",
  async run(call) {
    const path = apiPath(call.arg(0));
    const client = await call.client();
    const answer = await call.during(
      "retrieving help",
      client.send({ method: "GET", path, query: [["help", "1"]] }),
    );
    const body = asObject(answer.json);
    const help = asText(body.help) || asText(asObject(body.data).help);
    if (help === "") throw new CommandError(`Error: there is no help for ${path}`, 2);
    if (!call.forPeople) {
      return await call.value(body.openapi ?? asObject(body.data).openapi ?? { help });
    }
    call.line(help.trimEnd());
    return 0;
  },
};

export const versionHistory: Command = {
  usage: "[options]",
  about: "Lists the versions that have run on a node's data, and since when.",
  words: [0, 0],
  output: "format",
  async run(call) {
    const client = await call.client();
    const secret = await call.during("listing versions", client.list("sys/version-history"));
    if (secret === undefined) throw new CommandError("Error: no versions are recorded", 2);
    call.note("Note: only versions that recorded themselves are listed.");
    if (!call.forPeople) return await call.secret(secret);
    const info = asObject(asObject(secret.data).key_info);
    const rows = asList(asObject(secret.data).keys).map((key) => {
      const one = asObject(info[asText(key)]);
      const built = asText(one.commit_date) || asText(one.build_date);
      return [asText(key), asText(one.timestamp_installed), built];
    });
    const titles = ["Version", "Installation Time", "Commit Date"];
    const rules = titles.map((title) => "-".repeat(title.length));
    // Two blanks between columns, as this one table always had.
    call.lines(columns([titles, rules, ...rows], "  "));
    return 0;
  },
};
