/** PostgreSQL's two forms of a connection string, read into what the driver takes. */
import { badRequest } from "../../../base/failure.ts";
import { fillIn } from "../statements.ts";

export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Where the string itself has one. */
  readonly password: string | undefined;
  readonly sslMode: SslMode;
  /** Seconds; 0 for the driver's. */
  readonly connectTimeout: number;
}

const sslModes: readonly string[] = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
];

function isSslMode(text: string): text is SslMode {
  return sslModes.includes(text);
}

/** The parameters of either form. Throws a 400 that does not repeat the string. */
function parameters(text: string): Map<string, string> {
  return /^postgres(ql)?:\/\//i.test(text) ? fromUrl(text) : fromPairs(text);
}

function fromUrl(text: string): Map<string, string> {
  let url: URL;
  try {
    // Only schemes that URL knows have their host and port read.
    url = new URL(text.replace(/^\w+:/, "http:"));
  } catch {
    throw badRequest("connection_url is no valid URL");
  }
  const found = new Map(url.searchParams);
  const set = (name: string, value: string) => {
    if (value !== "") found.set(name, decode(value));
  };
  set("host", url.hostname.replace(/^\[|\]$/g, ""));
  // A URL's port 80 is left out because of the scheme that stands in.
  set("port", url.port || (/:80(?:[/?#]|$)/.test(text) ? "80" : ""));
  set("user", url.username);
  set("password", url.password);
  set("dbname", url.pathname.slice(1));
  return found;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest("connection_url holds a malformed escape");
  }
}

function fromPairs(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const pair = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))\s*/y;
  while (pair.lastIndex < text.length) {
    const match = pair.exec(text);
    if (match === null) throw badRequest("connection_url is neither a URL nor key=value pairs");
    const [, name = "", quoted, plain = ""] = match;
    found.set(name, (quoted ?? plain).replace(/\\(.)/g, "$1"));
  }
  return found;
}

/**
 * Reads a connection string with `{{username}}` and `{{password}}` filled in. Throws a 400.
 */
export function parseAddress(template: string, username: string, password: string): Address {
  const isUrl = /^\w+:\/\//.test(template);
  const quote = isUrl
    ? encodeURIComponent
    : (value: string) => `'${value.replace(/[\\']/g, "\\$&")}'`;
  const found = parameters(fillIn(template, { username, password }, quote));
  const sslMode = found.get("sslmode") ?? "prefer";
  if (!isSslMode(sslMode)) throw badRequest("connection_url has an unknown sslmode");
  const port = Number(found.get("port") ?? 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw badRequest("connection_url has a port that is none");
  }
  const user = found.get("user") ?? username;
  return {
    host: found.get("host") ?? "localhost",
    port,
    user,
    password: found.get("password"),
    database: found.get("dbname") ?? user,
    sslMode,
    connectTimeout: Number(found.get("connect_timeout") ?? 0) || 0,
  };
}
