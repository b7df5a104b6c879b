/** `policy fmt`: a policy file in its usual form. */
import { describeError } from "../../base/failure.ts";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { parseHcl } from "../../config/hcl/parse.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { formatHcl } from "../hcl_format.ts";

export const command: Command = {
  usage: "[options] PATH",
  about: "Lays a policy file out in its usual form, in place. Nothing but blanks and commas " +
    "changes.",
  examples: [["Format a file", "policy fmt reader.hcl"]],
  words: [1, 1],
  async run(call) {
    const path = call.arg(0).trim();
    let source: string;
    try {
      source = fromUtf8(await call.io.readFile(path));
    } catch (error) {
      throw new CommandError(`Error reading source file: ${describeError(error)}`, 1);
    }
    try {
      parseHcl(source, path);
    } catch (error) {
      throw new CommandError(`Error: failed to parse policy: ${describeError(error)}`, 1);
    }
    await call.io.writeFile(path, utf8(formatHcl(source)));
    call.line(`Success! Formatted policy: ${path}`);
    return 0;
  },
};
