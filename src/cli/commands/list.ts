/** `list` and `scan`: the keys below a path. */
import { type Flag, int, text } from "../args/flag.ts";
import { detailedFlag } from "../args/global_flags.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import type { Secret } from "../client/secret.ts";
import type { Command } from "../command.ts";
import { snapshotFlag, snapshotQuery } from "./snapshot_flag.ts";
import { asList, asObject, asText, type Json } from "../json.ts";
import { titled } from "../output/table.ts";
import { valueText } from "../output/value_text.ts";

const pageFlags: readonly Flag[] = [
  detailedFlag,
  text("after", "Begin behind this key."),
  int("limit", "Print at most this many keys; all when not given."),
  snapshotFlag,
];

export const list: Command = {
  usage: "[options] PATH",
  about: "Lists the keys below a path. Keys that end with a slash have others below them.",
  examples: [["List the roles of an AppRole mount", "list auth/approle/role"]],
  flags: pageFlags,
  words: [1, 1],
  output: "format",
  run: (call) => run(call, "list"),
};

export const scan: Command = {
  usage: "[options] PATH",
  about: "Lists the keys below a path and below everything under it.",
  examples: [["All keys of a KV engine", "scan secret/metadata"]],
  flags: pageFlags,
  words: [1, 1],
  output: "format",
  run: (call) => run(call, "scan"),
};

async function run(call: Call, verb: "list" | "scan"): Promise<number> {
  const path = apiPath(call.arg(0));
  const client = await call.client();
  const query = snapshotQuery(call);
  if (call.flags.given("after")) query.push(["after", call.flags.text("after")]);
  const limit = call.flags.int("limit");
  if (limit !== undefined) query.push(["limit", String(limit)]);
  const answer = verb === "list"
    ? client.list(path, query)
    : client.read(path, [["scan", "true"], ...query]);
  const secret = await call.during(`${verb === "list" ? "listing" : "scanning"} ${path}`, answer);
  if (call.flags.bool("detailed") && secret !== undefined) return await detailed(call, secret);
  return await call.keys(secret, path);
}

/** Keys with what the node says about each (`key_info`). */
async function detailed(call: Call, secret: Secret): Promise<number> {
  const info = asObject(asObject(secret.data).key_info);
  if (!call.forPeople) return await call.value(secret.data ?? {});
  const keys = asList(asObject(secret.data).keys).map(asText);
  const names = [...new Set(keys.flatMap((key) => Object.keys(asObject(info[key]))))].sort();
  const cell = (value: Json | undefined) => value === undefined ? "" : valueText(value);
  const rows = keys.map((key) => [key, ...names.map((name) => cell(asObject(info[key])[name]))]);
  call.lines(titled(["Keys", ...names], rows));
  return 0;
}
