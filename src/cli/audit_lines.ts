/** Lines of an audit log as people look for them. */
import { asObject, asText, isObject, type JsonObject, parseJson } from "./json.ts";

/** What a line must be; "" and false ask for nothing. */
export interface LineFilter {
  readonly type: string;
  readonly operation: string;
  /** What the request's path begins with. */
  readonly path: string;
  readonly mountType: string;
  /** Of the token. */
  readonly displayName: string;
  /** Refused requests only. */
  readonly errors: boolean;
  /** A text that the line holds, for instance the hash of a value. */
  readonly holds: string;
}

/** The entry, where the line is one and is asked for. */
export function entryOf(line: string, filter: LineFilter): JsonObject | undefined {
  if (!line.includes(filter.holds)) return undefined;
  const entry = parsed(line);
  if (entry === undefined) return undefined;
  const [auth, request] = [asObject(entry.auth), asObject(entry.request)];
  const is = (wanted: string, found: unknown) => wanted === "" || wanted === found;
  const isAsked = is(filter.type, entry.type) && is(filter.operation, request.operation) &&
    is(filter.mountType, request.mount_type) && is(filter.displayName, auth.display_name) &&
    asText(request.path).startsWith(filter.path) && (!filter.errors || entry.error !== undefined);
  return isAsked ? entry : undefined;
}

/** Behind a device's prefix; undefined for what is no entry (JSONx, a line that was cut off). */
function parsed(line: string): JsonObject | undefined {
  const start = line.indexOf("{");
  const value = start < 0 ? undefined : parseJson(line.slice(start));
  return isObject(value) ? value : undefined;
}

/** `time type operation path who from`, and why it was refused. */
export function summaryOf(entry: JsonObject): string {
  const [auth, request] = [asObject(entry.auth), asObject(entry.request)];
  const words = [
    asText(entry.time),
    asText(entry.type).padEnd(8),
    asText(request.operation).padEnd(6),
    asText(request.path),
    asText(auth.display_name) || "-",
    asText(request.remote_address) || "-",
  ];
  const { error } = entry;
  return error === undefined ? words.join(" ") : `${words.join(" ")} ERROR ${asText(error)}`;
}
