/** Which names a role lets into a certificate. Pure: what fills templates comes in as texts. */
import { domainToASCII } from "node:url";
import { badRequest } from "../../base/failure.ts";
import type { Role } from "./role.ts";

const label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const hostname = new RegExp(`^(?:\\*\\.)?(?:${label}\\.)*${label}\\.?$`);
const wildcardLabel = new RegExp(`^(?:\\*|\\*${label}|${label}\\*|${label}\\*${label})$`);

/** Whether a name is a host's, also with a wildcard for its first part. */
export function isHostname(name: string): boolean {
  return hostname.test(name);
}

/** A name in ASCII, as certificates hold it; a 400 for what can't be one. */
export function toAscii(name: string): string {
  // deno-lint-ignore no-control-regex -- all of ASCII is meant
  const ascii = /^[\x00-\x7f]*$/.test(name) ? name : domainToASCII(name);
  const labels = ascii.split(".");
  if (ascii.length > 253 || labels.some((part) => part === "" || part.length > 63)) {
    throw badRequest(`the name ${name} can't be written as a domain name`);
  }
  return ascii;
}

/** Whether `pattern`, with * for any letters, is `text`. */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  const first = parts[0] ?? "";
  if (parts.length === 1) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = parts.at(-1) ?? "";
  return text.length - at >= last.length && text.endsWith(last);
}

/** Who asks, as far as names may depend on it. */
export interface Asker {
  readonly displayName: string;
  /** The role's domains, templates filled in; those that could not be are left out. */
  readonly domains: readonly string[];
}

type NameRules = Pick<
  Role,
  | "allow_any_name"
  | "allow_bare_domains"
  | "allow_glob_domains"
  | "allow_localhost"
  | "allow_subdomains"
  | "allow_token_displayname"
  | "allow_wildcard_certificates"
  | "enforce_hostnames"
>;

interface NameParts {
  readonly name: string;
  /** The host, without its part with a wildcard. */
  readonly host: string;
  /** "" for none. */
  readonly wildcard: string;
  readonly isEmail: boolean;
}

/** Undefined for a name that is malformed whatever the role says. */
function partsOf(name: string): NameParts | undefined {
  const mail = name.split("@");
  if (mail.length > 2) return undefined;
  const isEmail = mail.length === 2;
  const host = mail.at(-1) ?? "";
  if (!host.includes("*")) return { name, host, wildcard: "", isEmail };
  const dot = host.indexOf(".");
  const rest = host.slice(dot + 1);
  if (isEmail || dot < 0 || rest.includes("*") || host.split("*").length > 2) return undefined;
  return { name, host: rest, wildcard: host.slice(0, dot), isEmail };
}

/** Whether a host name or an address of mail may stand in a certificate. */
export function isNameAllowed(name: string, role: NameRules, asker: Asker): boolean {
  const parts = partsOf(name);
  if (parts === undefined) return false;
  if (parts.wildcard !== "" && !role.allow_wildcard_certificates) return false;
  if (role.enforce_hostnames && !isWellFormed(parts)) return false;
  if (role.allow_any_name) return true;
  if (role.allow_localhost && isLocal(parts, role)) return true;
  if (role.allow_token_displayname && isDisplayName(parts, role, asker.displayName)) return true;
  return asker.domains.some((domain) => isOfDomain(parts, role, domain));
}

function isWellFormed({ host, wildcard }: NameParts): boolean {
  if (wildcard !== "" && !wildcardLabel.test(wildcard)) return false;
  if (host === "") return true;
  try {
    return isHostname(toAscii(host));
  } catch {
    return false;
  }
}

function isLocal({ host, wildcard }: NameParts, role: NameRules): boolean {
  return ["localhost", "localdomain"].some((local) => {
    if (wildcard === "" && host === local) return true;
    return role.allow_subdomains && (host.endsWith(`.${local}`) || host === local);
  });
}

function isDisplayName(parts: NameParts, role: NameRules, displayName: string): boolean {
  if (displayName === "") return false;
  if (parts.name === displayName) return true;
  if (!role.allow_subdomains) return false;
  const domain = displayName.split("@");
  if (parts.isEmail && domain.length === 2 && parts.host.endsWith(`.${domain[1]}`)) return true;
  return parts.host.endsWith(`.${displayName}`) ||
    (parts.wildcard !== "" && parts.host === displayName);
}

function isOfDomain(parts: NameParts, role: NameRules, domain: string): boolean {
  if (domain === "") return false;
  const { name, host, wildcard, isEmail } = parts;
  const isSame = (text: string) => text.toLowerCase() === domain.toLowerCase();
  if (role.allow_bare_domains && (isSame(name) || (isEmail && isSame(host)))) return true;
  if (role.allow_subdomains) {
    if (host.endsWith(`.${domain}`) || (wildcard !== "" && isSame(host))) return true;
  }
  return role.allow_glob_domains && domain.includes("*") && matchesGlob(domain, name);
}

/** Whether a common name may stand in a certificate. */
export function isCommonNameAllowed(
  name: string,
  role: NameRules & Pick<Role, "cn_validations">,
  asker: Asker,
): boolean {
  const checks = role.cn_validations;
  if (checks.includes("disabled")) return true;
  const isKnown = checks.includes(name.includes("@") ? "email" : "hostname");
  return isKnown && isNameAllowed(name, role, asker);
}
