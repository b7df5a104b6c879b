/** How a login through a browser is to go: what the user gave, and what stands in for the rest. */
import { CommandError, UsageError } from "../errors.ts";
import type { LoginInput } from "./login_method.ts";

export const oidcFields = [
  { name: "role", help: "Role to log in for." },
  { name: "mount", help: "Where the method is mounted; the same as -path." },
  {
    name: "callbackmode",
    help: "Whom the provider sends the browser to: client (this command), direct (the server) " +
      "or device (nobody; for other devices). As the role has it. Default: client.",
  },
  { name: "listenaddress", help: "Address to wait on. Default: localhost." },
  { name: "port", help: "Port to wait on. Default: 8250." },
  {
    name: "callbackmethod",
    help: "http or https, in the address that the provider comes back to. Default: http, or the " +
      "server's in the mode direct.",
  },
  {
    name: "callbackhost",
    help: "Host in that address. Default: localhost, or the server's in the mode direct.",
  },
  {
    name: "callbackport",
    help: "Port in that address. Default: the port to wait on, or the server's, with " +
      "/v1/auth/PATH behind it, in the mode direct.",
  },
  {
    name: "skip_browser",
    kind: "bool" as const,
    help: "Print the address and open no browser. False by default.",
  },
  { name: "show_qr", kind: "bool" as const, help: "Taken for compatibility; no code is drawn." },
  {
    name: "abort_on_error",
    kind: "bool" as const,
    help: "Give up where no browser can be opened. False by default.",
  },
];

export interface OidcOptions {
  readonly role: string;
  /** Without slashes at its ends. */
  readonly mount: string;
  readonly mode: "client" | "direct" | "device";
  readonly listenAddress: string;
  readonly port: number;
  readonly redirectUri: string;
  readonly skipBrowser: boolean;
  readonly abortOnError: boolean;
}

/** Throws UsageError where what was given can't be. */
export function oidcOptions({ client, mount: mounted, given }: LoginInput): OidcOptions {
  const known = new Set(oidcFields.map(({ name }) => name));
  const unknown = [...given.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new UsageError(`"${unknown}" is nothing that a login by OIDC asks for`);
  }
  const mode = given.get("callbackmode") || "client";
  if (mode !== "client" && mode !== "direct" && mode !== "device") {
    throw new UsageError("callbackmode must be client, direct or device");
  }
  const mount = (given.get("mount") ?? mounted).replace(/^\/+|\/+$/g, "");
  const port = given.get("port") ?? "8250";
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new UsageError("port must be a number up to 65535");
  }
  const server = mode === "direct" ? serverUrl(client.settings.address) : undefined;
  const scheme = given.get("callbackmethod") ?? server?.protocol.slice(0, -1) ?? "http";
  const host = given.get("callbackhost") ?? server?.hostname ?? "localhost";
  const place = given.get("callbackport") ??
    (server === undefined ? port : `${server.port}/v1/auth/${mount}`);
  // Without a port of its own a server is at that of its scheme.
  const behind = place === "" || place.startsWith("/") ? place : `:${place}`;
  return {
    role: given.get("role") ?? "",
    mount,
    mode,
    listenAddress: given.get("listenaddress") ?? "localhost",
    port: Number(port),
    redirectUri: mode === "device" ? "" : `${scheme}://${host}${behind}/oidc/callback`,
    skipBrowser: isTrue(given, "skip_browser"),
    abortOnError: isTrue(given, "abort_on_error"),
  };
}

function serverUrl(address: string): URL {
  if (!address.startsWith("unix:")) return new URL(address);
  throw new CommandError(
    "Error: the mode direct needs the server's address as browsers reach it: give callbackhost, " +
      "callbackport and callbackmethod, or the address itself",
    1,
  );
}

function isTrue(given: ReadonlyMap<string, string>, name: string): boolean {
  const value = given.get(name) ?? "false";
  if (["1", "t", "T", "true", "TRUE", "True"].includes(value)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(value)) return false;
  throw new UsageError(`${name} must be true or false`);
}
