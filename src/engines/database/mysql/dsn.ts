/**
 * MySQL's data source names as Go's driver has them: `user:password@protocol(address)/database?…`
 * (https://github.com/go-sql-driver/mysql#dsn-data-source-name).
 */
import { badRequest } from "../../../base/failure.ts";
import { parseDuration } from "../../../config/units.ts";
import { fillIn } from "../statements.ts";

/** What `tls=` asks for. `preferred` encrypts where the server can, and trusts anybody. */
export type TlsMode = "false" | "true" | "skip-verify" | "preferred";

export interface Dsn {
  /** A path where the protocol is `unix`. */
  readonly socketPath: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: TlsMode;
  /** Seconds; 0 for the driver's. */
  readonly connectTimeout: number;
  readonly allowCleartext: boolean;
}

const tlsModes: readonly string[] = ["false", "true", "skip-verify", "preferred"];

function isTlsMode(text: string): text is TlsMode {
  return tlsModes.includes(text);
}

interface Parts {
  readonly credentials: string;
  readonly protocol: string;
  readonly address: string;
  readonly database: string;
  readonly parameters: URLSearchParams;
}

/** As the driver does: the last slash, the last @ before it. Passwords need no escapes. */
function split(text: string): Parts {
  const query = /^(.*)\/([^/?]*)(?:\?(.*))?$/s.exec(text);
  if (query === null) throw badRequest("connection_url lacks the / before the database's name");
  const [, left = "", database = "", parameters = ""] = query;
  const at = left.lastIndexOf("@");
  const place = /^(\w*)(?:\((.*)\))?$/s.exec(left.slice(at + 1));
  if (place === null) throw badRequest("connection_url has an address that is not protocol(host)");
  return {
    credentials: left.slice(0, Math.max(0, at)),
    protocol: place[1] || "tcp",
    address: place[2] ?? "",
    database: decode(database),
    parameters: new URLSearchParams(parameters),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest("connection_url holds a malformed escape");
  }
}

function hostAndPort(address: string): { host: string; port: number } {
  const found = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(address);
  if (found === null) throw badRequest("connection_url has an address that is not host:port");
  const port = Number(found[3] ?? 3306);
  if (port < 1 || port > 65535) throw badRequest("connection_url has a port that is none");
  return { host: found[1] || found[2] || "127.0.0.1", port };
}

/** Reads a name with `{{username}}` and `{{password}}` in it. Throws a 400 without repeating it. */
export function parseDsn(template: string, username: string, password: string): Dsn {
  const { credentials, protocol, address, database, parameters } = split(template);
  const [user = "", ...rest] = credentials.split(":");
  const fill = (text: string) => fillIn(text, { username, password });
  const tls = parameters.get("tls") ?? "false";
  if (!isTlsMode(tls)) {
    throw badRequest("connection_url's tls can be true, false, skip-verify or preferred");
  }
  const timeout = parseDuration(parameters.get("timeout") ?? "0");
  if (timeout === undefined) throw badRequest("connection_url's timeout is no duration");
  if (protocol !== "tcp" && protocol !== "unix") {
    throw badRequest("connection_url's protocol can be tcp or unix");
  }
  const isUnix = protocol === "unix";
  return {
    socketPath: isUnix ? address || "/tmp/mysql.sock" : undefined,
    ...(isUnix ? { host: "localhost", port: 3306 } : hostAndPort(address)),
    user: fill(user),
    password: fill(rest.join(":")),
    database,
    tls,
    connectTimeout: timeout,
    allowCleartext: parameters.get("allowCleartextPasswords") === "true",
  };
}
