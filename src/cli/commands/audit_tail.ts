/** `audit tail` and `audit hash`: looking for something in an audit log. */
import { bool, int, text } from "../args/flag.ts";
import { entryOf, type LineFilter, summaryOf } from "../audit_lines.ts";
import type { Call } from "../call.ts";
import type { GrowingFile } from "../io.ts";
import type { Command } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { asObject, asText } from "../json.ts";
import { fetchMounts } from "./mount_list.ts";
import { slashed } from "./mount_move.ts";

/** Between two looks at the file. */
const lookMs = 500;
/** Of a line that has not ended yet; a longer one is no audit line. */
const characterMax = 64 * 1024 * 1024;
const linesMax = 100_000;

async function hashOf(call: Call, device: string, value: string): Promise<string> {
  const client = await call.client();
  const path = `sys/audit-hash/${slashed(device)}`.replace(/\/$/, "");
  const answer = await call.during("hashing the value", client.write(path, { input: value }));
  return asText(asObject(answer?.data).hash);
}

export const hash: Command = {
  usage: "[options] DEVICE VALUE",
  about: "Tells how a value looks in the log of an audit device, to search for it. The value is " +
    "hashed by the node with the device's key; it is not recorded in the clear.",
  examples: [["How a token looks in file/", "audit hash file hvs.CAES…"]],
  words: [2, 2],
  output: "format",
  async run(call) {
    const hashed = await hashOf(call, call.arg(0), call.arg(1));
    if (!call.forPeople) return await call.value({ hash: hashed });
    call.line(hashed);
    return 0;
  },
};

/** The file that a device of the node writes; it must lie on this machine. */
async function fileOf(call: Call, device: string): Promise<string> {
  const devices = await fetchMounts(call, "sys/audit", "listing audits");
  const found = asObject(devices[slashed(device)]);
  const path = asText(asObject(found.options).file_path);
  if (path === "" || path === "stdout" || path === "discard") {
    throw new CommandError(`the audit device ${slashed(device)} writes no file`, 1);
  }
  return path;
}

/** Lines of a file from its start on, and what is added to it, across a rotation. */
class Follower {
  #file: GrowingFile | undefined;
  #rest = "";

  constructor(readonly call: Call, readonly path: string) {}

  async start(): Promise<this> {
    this.#file = await this.call.io.openGrowing(this.path);
    if (this.#file === undefined) throw new CommandError(`there is no file ${this.path}`, 1);
    return this;
  }

  /** The whole lines that have come since the last call. */
  async *more(): AsyncGenerator<string> {
    for (;;) {
      this.#file ??= await this.call.io.openGrowing(this.path);
      if (this.#file === undefined) return;
      // Asked before the end is reached: what was added until then is still in the old file.
      const isMoved = await this.#file.isMoved();
      yield* this.#linesOf(this.#file);
      if (!isMoved) return;
      this.close();
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#rest = "";
  }

  async *#linesOf(file: GrowingFile): AsyncGenerator<string> {
    for (let text = await file.read(); text !== ""; text = await file.read()) {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      if (this.#rest.length > characterMax) throw new CommandError("this is no audit log", 1);
      yield* lines;
    }
  }
}

async function filterOf(call: Call): Promise<LineFilter> {
  const { flags } = call;
  const value = flags.text("value");
  return {
    type: flags.text("type"),
    operation: flags.text("operation"),
    path: flags.text("request-path"),
    mountType: flags.text("mount-type"),
    displayName: flags.text("display-name"),
    errors: flags.bool("errors"),
    holds: value === "" ? "" : await hashOf(call, flags.text("device"), value),
  };
}

export const tail: Command = {
  usage: "[options] [FILE]",
  about: "Prints an audit log's last lines and what is added to it, until Ctrl-C. Reads FILE on " +
    "this machine, by default the one that the device writes. The format json prints whole lines.",
  examples: [
    ["What was refused, from now on", "audit tail -errors -n=0"],
    ["Who has used a token", "audit tail -follow=false -n=1000 -value=hvs.CAES… audit.log"],
  ],
  flags: [
    text("device", "The audit device, which also hashes the value.", { fallback: "file" }),
    bool("errors", "Refused requests only."),
    bool("follow", "Go on until Ctrl-C.", { fallback: "true" }),
    int("n", "So many of the last lines that are asked for.", { fallback: "10" }),
    text("type", "Lines of this type.", { choices: ["", "request", "response"] }),
    text("operation", "Requests of this operation, such as read."),
    text("request-path", "Requests whose path begins so."),
    text("mount-type", "Requests to mounts of this type."),
    text("display-name", "Requests with tokens of this name."),
    text("value", "Lines that hold the hash of this value."),
  ],
  words: [0, 1],
  output: "format",
  async run(call) {
    const count = call.flags.int("n") ?? 10;
    if (count < 0 || count > linesMax) throw new UsageError(`-n must be 0 to ${linesMax}`);
    const filter = await filterOf(call);
    const path = call.arg(0) || await fileOf(call, call.flags.text("device"));
    const follower = await new Follower(call, path).start();
    const last: string[] = [];
    for await (const line of follower.more()) {
      const shown = shownLine(call, line, filter);
      if (shown === undefined) continue;
      last.push(shown);
      if (last.length > count) last.shift();
    }
    call.lines(last);
    if (call.flags.bool("follow")) await follow(call, follower, filter);
    follower.close();
    return 0;
  },
};

async function follow(call: Call, follower: Follower, filter: LineFilter): Promise<void> {
  let isStopped = false;
  const stopped = call.io.interrupted().then(() => {
    isStopped = true;
  });
  while (!isStopped) {
    for await (const line of follower.more()) {
      const shown = shownLine(call, line, filter);
      if (shown !== undefined) call.line(shown);
    }
    const waited = new Promise<void>((resolve) => call.io.clock.after(lookMs, resolve));
    await Promise.race([stopped, waited]);
  }
}

function shownLine(call: Call, line: string, filter: LineFilter): string | undefined {
  const entry = entryOf(line, filter);
  if (entry === undefined) return undefined;
  return call.forPeople ? summaryOf(entry) : line;
}
