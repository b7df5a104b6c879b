/** How to reach a node: flags over environment over defaults, checked before anything is sent. */
import { CommandError } from "../errors.ts";
import type { FlagValues } from "../args/parse.ts";
import { parseBool } from "../args/parse.ts";
import { durationText, parseDuration } from "../duration.ts";
import type { Io } from "../io.ts";

export interface TlsSettings {
  readonly caCertFile: string;
  readonly caCertPem: string;
  readonly caPath: string;
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  readonly serverName: string;
  readonly skipVerify: boolean;
}

export interface ClientSettings {
  /** `http://host:port`, `https://host:port` or `unix:///path`, without a slash at its end. */
  readonly address: string;
  readonly namespace: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly mfa: readonly string[];
  readonly policyOverride: boolean;
  /** As the header carries it; "" for none. */
  readonly wrapTtl: string;
  readonly followRedirects: boolean;
  readonly timeoutMs: number;
  readonly retriesMax: number;
  readonly rateLimit: { perSecond: number; burst: number } | undefined;
  readonly proxy: string;
  readonly unlockKey: string;
  readonly tls: TlsSettings;
  /** Print the request in place of sending it. */
  readonly print: "curl" | "policy" | undefined;
}

const defaultTimeoutMs = 60_000;

/** Throws CommandError (exit code 2) for a value that can't be used. */
export function clientSettings(flags: FlagValues, io: Io): ClientSettings {
  const agent = flags.text("agent-address");
  const address = agent === "" ? flags.text("address") : agent;
  const wrapTtlMs = flags.durationMs("wrap-ttl") ?? 0;
  return {
    address: checkedAddress(address),
    namespace: namespacePath(flags.text("namespace")),
    headers: extraHeaders(flags.list("header")),
    mfa: flags.list("mfa"),
    policyOverride: flags.bool("policy-override"),
    wrapTtl: wrapTtlMs === 0 ? "" : durationText(wrapTtlMs),
    followRedirects: !flags.bool("disable-redirects"),
    timeoutMs: timeoutMs(io),
    retriesMax: retriesMax(io),
    rateLimit: rateLimit(io),
    proxy: io.env("VAULT_PROXY_ADDR") ?? io.env("VAULT_HTTP_PROXY") ?? "",
    unlockKey: flags.text("unlock-key"),
    tls: {
      caCertFile: flags.text("ca-cert"),
      caCertPem: io.env("VAULT_CACERT_BYTES") ?? "",
      caPath: flags.text("ca-path"),
      clientCertFile: flags.text("client-cert"),
      clientKeyFile: flags.text("client-key"),
      serverName: flags.text("tls-server-name"),
      skipVerify: flags.bool("tls-skip-verify"),
    },
    print: flags.bool("output-curl-string")
      ? "curl"
      : flags.bool("output-policy")
      ? "policy"
      : undefined,
  };
}

function unusable(why: string): CommandError {
  return new CommandError(`Error: ${why}`, 2);
}

function checkedAddress(text: string): string {
  const trimmed = text.trim().replace(/\/+$/, "");
  if (trimmed.startsWith("unix://") && trimmed.length > "unix://".length) return trimmed;
  if (/^https?:\/\/[^/]/i.test(trimmed) && URL.canParse(trimmed)) return trimmed;
  throw unusable(
    `the address ${JSON.stringify(text)} must start with http://, https:// or unix:///`,
  );
}

/** `team/a/` for `/team/a`; "" for the root namespace. */
export function namespacePath(text: string): string {
  const trimmed = text.replace(/^\/+|\/+$/g, "");
  return trimmed === "" || trimmed === "root" ? "" : `${trimmed}/`;
}

function extraHeaders(pairs: readonly string[]): (readonly [string, string])[] {
  return pairs.map((pair) => {
    const at = pair.indexOf("=");
    const name = pair.slice(0, Math.max(at, 0)).trim();
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
      throw unusable("expected -header=name=value");
    }
    if (/^x-vault-/i.test(name)) {
      throw unusable("headers that start with X-Vault- can't be set by hand");
    }
    return [name, pair.slice(at + 1).trim()] as const;
  });
}

function timeoutMs(io: Io): number {
  const text = io.env("VAULT_CLIENT_TIMEOUT");
  if (text === undefined || text === "") return defaultTimeoutMs;
  const ms = parseDuration(text);
  if (ms === undefined || ms < 0) throw unusable("VAULT_CLIENT_TIMEOUT is no duration");
  return ms;
}

/** Retries are off on the command line unless asked for: a person waits in front of it. */
function retriesMax(io: Io): number {
  const text = io.env("VAULT_MAX_RETRIES");
  if (text === undefined || text === "") return 0;
  if (!/^\d{1,4}$/.test(text)) throw unusable("VAULT_MAX_RETRIES is no number");
  return Number(text);
}

/** `VAULT_RATE_LIMIT=rate[:burst]`, requests a second. */
function rateLimit(io: Io): ClientSettings["rateLimit"] {
  const text = io.env("VAULT_RATE_LIMIT");
  if (text === undefined || text === "") return undefined;
  const match = /^(\d+(?:\.\d+)?)(?::(\d+))?$/.exec(text);
  const perSecond = Number(match?.[1] ?? 0);
  if (match === null || perSecond <= 0) {
    throw unusable('VAULT_RATE_LIMIT must be "rate" or "rate:burst"');
  }
  return { perSecond, burst: Math.max(1, Number(match[2] ?? Math.ceil(perSecond))) };
}

/** True when an environment variable holds a true value. */
export function envFlag(io: Io, name: string): boolean {
  return parseBool(io.env(name) ?? "") === true;
}
