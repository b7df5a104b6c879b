/** What the `kv` commands share: which engine a path belongs to, and where its parts live. */
import { type Flag, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import { type Secret, toSecret } from "../client/secret.ts";
import { CommandError } from "../errors.ts";
import { asObject, asText, type JsonObject } from "../json.ts";
import { keyValue } from "../output/table.ts";
import { dataRows } from "../output/secret_table.ts";

export const mountFlag: Flag = text(
  "mount",
  "Path of the KV engine; the argument is then a key within it. Without the flag the argument " +
    "begins with the engine's path.",
  { placeholder: "path" },
);

/** A key of a KV engine. */
export interface KvTarget {
  /** The engine's path, without a slash at its end. */
  readonly mount: string;
  readonly version: 1 | 2;
  /** Within the engine; "" for the engine itself. */
  readonly key: string;
}

/** Asks the node which engine the path belongs to. */
export async function kvTarget(call: Call): Promise<KvTarget> {
  const flag = apiPath(call.flags.text("mount"));
  const path = flag === "" ? apiPath(call.arg(0)) : `${flag}/${apiPath(call.arg(0))}`;
  return await kvTargetOf(call, path, flag);
}

/** The same for a path; `known` is its engine's, where the user said so. */
export async function kvTargetOf(call: Call, path: string, known = ""): Promise<KvTarget> {
  const client = await call.client();
  const answer = await client.send({
    method: "GET",
    path: `sys/internal/ui/mounts/${known === "" ? path : known}`,
    preflight: true,
  });
  const data = asObject(toSecret(answer.json)?.data);
  const version = asText(asObject(data.options).version) === "2" ? 2 : 1;
  return { ...splitAtMount(path, apiPath(asText(data.path))), version };
}

/**
 * Splits a full path into mount and key. The mount the node names may begin with a namespace that
 * the path leaves out, or the other way round.
 */
export function splitAtMount(path: string, mount: string): { mount: string; key: string } {
  const parts = mount.split("/");
  for (let from = 0; from < parts.length; from++) {
    const candidate = parts.slice(from).join("/");
    if (candidate === "") break;
    if (path === candidate) return { mount: candidate, key: "" };
    if (path.startsWith(`${candidate}/`)) {
      return { mount: candidate, key: path.slice(candidate.length + 1) };
    }
  }
  const at = `/${path}/`.indexOf(`/${mount}/`);
  if (mount === "" || at < 0) return { mount: "", key: path };
  const end = at + mount.length;
  return { mount: path.slice(0, end), key: path.slice(end + 1) };
}

/** The API path of a part of a version 2 key: `data`, `metadata`, `delete`… */
export function kvPath(target: KvTarget, part: string): string {
  if (target.version === 1) return apiPath(`${target.mount}/${target.key}`);
  return apiPath(`${target.mount}/${part}/${target.key}`);
}

/** Refuses an engine of version 1. */
export function needVersion2(target: KvTarget, what: string, exitCode: number): void {
  if (target.version === 2) return;
  throw new CommandError(`${what} needs version 2 of the KV engine`, exitCode);
}

/** The versions of -versions, which may be given several times and with commas. */
export function versionList(call: Call): string[] {
  return call.flags.list("versions").flatMap((item) => item.split(","))
    .map((item) => item.trim()).filter((item) => item !== "");
}

/** Prints where a secret is and what is known about it. */
export function printPathAndMetadata(call: Call, path: string, metadata: JsonObject): void {
  printPath(call, "Secret Path", path);
  call.line();
  printSection(call, "Metadata", metadata);
}

export function printPath(call: Call, title: string, path: string): void {
  call.line(rule(title, path.length));
  call.line(path);
}

/** A table with a title as wide as the table's head. */
export function printSection(call: Call, title: string, data: JsonObject): void {
  const widest = Math.max(0, ...Object.keys(data).map((key) => key.length));
  call.line(rule(title, widest + "    Value".length));
  call.lines(keyValue(dataRows(data)));
}

/** `== Data ==`, at least two signs on each side, as many on both. */
export function rule(title: string, width: number): string {
  const free = width - title.length - 2;
  const signs = "=".repeat(Math.ceil((free <= 0 ? 4 : free) / 2));
  return `${signs} ${title} ${signs}`;
}

/** The result of a write to a version 2 key. */
export async function printWritten(
  call: Call,
  path: string,
  secret: Secret | undefined,
): Promise<number> {
  if (secret === undefined) {
    if (call.forPeople) call.line(`Success! Data written to: ${path}`);
    return 0;
  }
  const plain = call.forPeople && call.field === "" && secret.wrapInfo === undefined;
  if (!plain || secret.data === undefined) return await call.secret(secret);
  call.warnings(secret.warnings);
  printPathAndMetadata(call, path, secret.data);
  return 0;
}
