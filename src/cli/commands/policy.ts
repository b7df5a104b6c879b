/** `policy list|read|write|delete|explain`. */
import { text } from "../args/flag.ts";
import { describeError } from "../../base/failure.ts";
import { fromUtf8 } from "../../base/bytes.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { asList, asObject, asText, type Json } from "../json.ts";
import { valueText } from "../output/value_text.ts";

export const list: Command = {
  usage: "[options]",
  about: "Lists the names of all policies.",
  examples: [["List them", "policy list"]],
  words: [0, 0],
  output: "format",
  async run(call) {
    const client = await call.client();
    const secret = await call.during("listing policies", client.list("sys/policies/acl"));
    const names = asList(asObject(secret?.data).keys);
    if (!call.forPeople) return await call.value(names);
    call.lines(names.map(valueText));
    return 0;
  },
};

export const read: Command = {
  usage: "[options] NAME",
  about: "Prints a policy as it was written.",
  examples: [["Print the policy that every token has", "policy read default"]],
  words: [1, 1],
  output: "format",
  async run(call) {
    const name = policyName(call.arg(0));
    const client = await call.client();
    const secret = await call.during(
      `reading policy named ${name}`,
      client.read(`sys/policies/acl/${name}`),
    );
    const policy = asText(asObject(secret?.data).policy);
    if (policy === "") throw new CommandError(`Error: no policy named: ${name}`, 2);
    if (!call.forPeople) return await call.value({ policy });
    call.line(policy.trim());
    return 0;
  },
};

export const write: Command = {
  usage: "[options] NAME PATH",
  about: "Writes a policy from a file, or from standard input where PATH is -. A policy of the " +
    "same name is replaced.",
  examples: [["From a file", "policy write reader reader.hcl"]],
  words: [2, 2],
  async run(call) {
    const name = policyName(call.arg(0));
    if (name !== call.arg(0).trim()) {
      call.note(`Policy names are in lower case: "${call.arg(0)}" became "${name}"`);
    }
    const policy = await policyText(call, call.arg(1));
    const client = await call.client();
    await call.during(
      "uploading policy",
      client.write(`sys/policies/acl/${name}`, { policy }),
    );
    call.line(`Success! Uploaded policy: ${name}`);
    return 0;
  },
};

async function policyText(call: Call, path: string): Promise<string> {
  if (path === "-") return new TextDecoder().decode(await call.io.readStdin());
  try {
    return fromUtf8(await call.io.readFile(path));
  } catch (error) {
    throw new CommandError(`Error opening policy file: ${describeError(error)}`, 2);
  }
}

export const remove: Command = {
  usage: "[options] NAME",
  about: "Deletes a policy. Tokens that have it may do less from the next request on.",
  examples: [["Delete a policy", "policy delete reader"]],
  words: [1, 1],
  async run(call) {
    const name = policyName(call.arg(0));
    const client = await call.client();
    await call.during(`deleting ${name}`, client.delete(`sys/policies/acl/${name}`));
    call.line(`Success! Deleted policy: ${name}`);
    return 0;
  },
};

function policyName(word: string): string {
  return apiPath(word).toLowerCase();
}

export const explain: Command = {
  usage: "[options] PATH",
  about: "Says why a token may or may not do something at a path: which policies were asked, " +
    "which rule decided, and what is missing. Without -token or -accessor it is about the " +
    "user's own token.",
  examples: [
    ["Why is this denied?", "policy explain -operation=update secret/data/app"],
    ["For somebody else's token", "policy explain -accessor=8609694a secret/data/app"],
  ],
  flags: [
    text("accessor", "Accessor of the token to explain."),
    text("operation", "What is to be done: create, read, update, patch, delete, list, sudo.", {
      fallback: "read",
      placeholder: "name",
    }),
    text("token", "The token to explain; - reads it from standard input."),
  ],
  words: [1, 1],
  output: "field",
  async run(call) {
    const client = await call.client();
    const secret = await call.during(
      "explaining policies",
      client.write("sys/policies/explain", await question(call), "POST"),
    );
    if (secret === undefined) return 0;
    if (!call.forPeople || call.field !== "") return await call.secret(secret);
    return printAnswer(call, asObject(secret.data));
  },
};

async function question(call: Call): Promise<Record<string, Json>> {
  const typed = call.flags.text("token");
  const token = typed === "-" ? new TextDecoder().decode(await call.io.readStdin()).trim() : typed;
  const accessor = call.flags.text("accessor");
  return {
    path: apiPath(call.arg(0)),
    operation: call.flags.text("operation"),
    ...(token === "" ? {} : { token }),
    ...(accessor === "" ? {} : { accessor }),
  };
}

/** Short values first, a line each; then those of several lines under their own name. */
function printAnswer(call: Call, data: Record<string, Json>): number {
  const long = Object.entries(data).filter(([, value]) => asText(value).includes("\n"));
  const short = Object.entries(data).filter(([name]) => !long.some(([key]) => key === name));
  const width = Math.max(0, ...short.map(([name]) => name.length)) + 4;
  for (const [name, value] of short) {
    const items = Array.isArray(value) ? value.map(valueText) : [valueText(value)];
    items.forEach((item, index) => call.line((index === 0 ? name : "").padEnd(width) + item));
  }
  for (const [name, value] of long) {
    call.line(`\n${name}:\n`);
    call.line(asText(value).trimEnd());
  }
  return 0;
}
