/**
 * `operator raw`: storage entries as they are, of a node in recovery mode (with the token of
 * `operator generate-root -recovery-token`), or of one with `raw_storage_endpoint`.
 */
import { bool } from "../args/flag.ts";
import { describeError } from "../../base/failure.ts";
import { type Bytes, fromBase64, toBase64, utf8 } from "../../base/bytes.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import { toSecret } from "../client/secret.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { asList, asNumber, asObject, asText, type Json, writeJson } from "../json.ts";
import { keyValue, titled } from "../output/table.ts";

const force = bool("force", "Do it although the node warns of it.");

const entry = (call: Call) => apiPath(call.arg(0));

export const list: Command = {
  usage: "[options] [FOLDER]",
  about:
    "Lists the keys of what is stored below a folder. Keys that end with a slash have others " +
    "below them.",
  examples: [["The mount table", "operator raw list core/mounts"]],
  words: [0, 1],
  output: "format",
  async run(call) {
    const path = apiPath(`sys/raw/${call.arg(0)}`);
    const client = await call.client();
    return await call.keys(await call.during(`listing ${path}`, client.list(path)), path);
  },
};

export const read: Command = {
  usage: "[options] KEY",
  about: "Prints what an entry is, whether a node can read it, and what is in it. -exact prints " +
    "its bytes as they are, for a file.",
  examples: [
    ["What is this?", "operator raw read core/mounts/6f1e1c0a-8a5f-4c5e-9f0e-0a6f6c1f7d11"],
    ["Its bytes", "operator raw read -exact core/http-settings"],
  ],
  flags: [bool("exact", "Print the bytes of the value and nothing else.")],
  words: [1, 1],
  output: "field",
  async run(call) {
    const key = entry(call);
    if (call.flags.bool("exact")) return await exact(call, key);
    const client = await call.client();
    const secret = await call.during(
      `reading ${key}`,
      client.read(`sys/raw/${key}`, [["decoded", "true"]]),
    );
    if (secret === undefined) throw new CommandError(`Error: nothing is stored at ${key}`, 2);
    const data = asObject(secret.data);
    if (!call.forPeople || call.field !== "") return await call.data({ key, ...data });
    const problem = asText(data.problem);
    call.lines(keyValue([
      ["Entry", key],
      ["Type", asText(data.type)],
      ["Bytes", String(asNumber(data.bytes))],
      ["Readable", problem === "" ? "yes" : `no: ${problem}`],
    ]));
    call.line();
    call.line(shown(data.decoded));
    return 0;
  },
};

function shown(decoded: Json | undefined): string {
  if (decoded === undefined || decoded === null) return "(bytes that are no text; see -exact)";
  return typeof decoded === "string" ? decoded : writeJson(decoded, 2);
}

async function exact(call: Call, key: string): Promise<number> {
  const client = await call.client();
  const query: [string, string][] = [["encoding", "base64"], ["compressed", "false"]];
  const secret = await call.during(`reading ${key}`, client.read(`sys/raw/${key}`, query));
  const bytes = fromBase64(asText(asObject(secret?.data).value));
  if (secret === undefined || bytes === undefined) {
    throw new CommandError(`Error: nothing is stored at ${key}`, 2);
  }
  call.io.outBytes(bytes);
  return 0;
}

export const write: Command = {
  usage: "[options] KEY VALUE",
  about:
    "Puts a value in an entry's place: a text, @FILE for the bytes of a file, or - for those " +
    "of standard input. What a node could not read is refused unless -force is given. The value " +
    "that was there can be brought back (operator raw undo).",
  examples: [["Put a repaired entry back", "operator raw write core/http-settings @repaired.json"]],
  flags: [force],
  words: [2, 2],
  async run(call) {
    const key = entry(call);
    const value = toBase64(await valueOf(call, call.arg(1)));
    const body = { value, encoding: "base64", force: call.flags.bool("force") };
    const client = await call.client();
    await call.during(`writing ${key}`, client.write(`sys/raw/${key}`, body));
    call.line(`Success! Written: ${key}`);
    return 0;
  },
};

async function valueOf(call: Call, word: string): Promise<Bytes> {
  if (word === "-") return new Uint8Array(await call.io.readStdin());
  if (!word.startsWith("@")) return utf8(word);
  try {
    return new Uint8Array(await call.io.readFile(word.slice(1)));
  } catch (error) {
    throw new CommandError(`Error reading ${word.slice(1)}: ${describeError(error)}`, 1);
  }
}

export const remove: Command = {
  usage: "[options] KEY",
  about: "Deletes an entry. It can be brought back (operator raw undo).",
  examples: [[
    "Delete one",
    "operator raw delete core/mounts/6f1e1c0a-8a5f-4c5e-9f0e-0a6f6c1f7d11",
  ]],
  words: [1, 1],
  async run(call) {
    const key = entry(call);
    const client = await call.client();
    await call.during(`deleting ${key}`, client.delete(`sys/raw/${key}`));
    call.line(`Success! Deleted (if it was there): ${key}`);
    return 0;
  },
};

export const undo: Command = {
  usage: "[options]",
  about:
    "Takes the newest write or delete back, and with each further call the one before it; the " +
    "last 50 are remembered, also over a restart. One whose entry something else has changed since " +
    "is refused unless -force is given. What was replaced stays stored, encrypted, until it is " +
    "taken back, 50 changes have followed, or -forget is given.",
  examples: [["What can be taken back", "operator raw undo -list"]],
  flags: [
    bool("list", "Print what can be taken back, the newest first, and change nothing."),
    bool("forget", "Forget all changes, and the values that they replaced, for good."),
    force,
  ],
  words: [0, 0],
  output: "format",
  async run(call) {
    const client = await call.client();
    if (call.flags.bool("list")) return await listChanges(call);
    if (call.flags.bool("forget")) return await forgetChanges(call);
    const body = { force: call.flags.bool("force") };
    const request = { method: "PUT", path: "sys/raw-undo", body } as const;
    const { json } = await call.during("taking a change back", client.send(request));
    const change = asObject(toSecret(json)?.data);
    if (!call.forPeople) return await call.value(change);
    const what = change.existed === true ? "is what it was" : "is gone again";
    call.line(`Success! ${asText(change.key)} ${what} before ${asText(change.time)}.`);
    return 0;
  },
};

async function forgetChanges(call: Call): Promise<number> {
  const client = await call.client();
  const secret = await call.during("forgetting the changes", client.delete("sys/raw-undo"));
  const { forgotten } = asObject(secret?.data);
  if (!call.forPeople) return await call.value({ forgotten: asNumber(forgotten) });
  call.line(`Success! Forgotten: ${asNumber(forgotten)}`);
  return 0;
}

async function listChanges(call: Call): Promise<number> {
  const client = await call.client();
  const secret = await call.during("listing the changes", client.read("sys/raw-undo"));
  const changes = asList(asObject(secret?.data).changes).map(asObject);
  if (!call.forPeople) return await call.value(changes);
  const rows = changes.map((change) => [
    asText(change.time),
    asText(change.operation),
    asText(change.key),
    change.existed === true ? `${asNumber(change.bytes)} bytes` : "nothing",
  ]);
  call.lines(titled(["Time", "Change", "Key", "Before"], rows));
  return 0;
}

export const check: Command = {
  usage: "[options]",
  about: "Reads everything that is stored and names what a node could not read, those entries " +
    "first that keep it from starting. The exit code is 2 where there is any.",
  examples: [["Before the node is started again", "operator raw check"]],
  words: [0, 0],
  output: "format",
  async run(call) {
    const client = await call.client();
    const request = { method: "GET", path: "sys/raw-check", timeoutMs: 0 } as const;
    const { json } = await call.during("checking what is stored", client.send(request));
    const found = asObject(toSecret(json)?.data);
    const damages = asList(found.damages).map(asObject);
    const damaged = asNumber(found.damaged);
    if (!call.forPeople) await call.value(found);
    else {
      for (const { key, type, problem, keeps_from_starting: stops } of damages) {
        call.line(`${asText(key)}: ${asText(type)}: ${asText(problem)}`);
        if (stops === true) call.line("  A node does not start with it.");
      }
      const entries = asNumber(found.entries);
      call.line(
        damaged === 0
          ? `All ${entries} entries can be read.`
          : `${damaged} of ${entries} can't be read.`,
      );
    }
    return damaged === 0 ? 0 : 2;
  },
};
