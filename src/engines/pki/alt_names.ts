/** Names that requests ask for beside the common name, read and checked. */
import { type Bytes, fromHex } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { isOid } from "../../crypto/der.ts";
import type { OtherName } from "../../crypto/x509/extensions.ts";
import { matchesGlob } from "./names.ts";
import type { Role } from "./role.ts";

/** The bytes of an IP address; undefined for what is none. */
export function addressBytes(text: string): Bytes | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (four !== null) {
    const numbers = four.slice(1).map(Number);
    return numbers.every((number) => number < 256) ? new Uint8Array(numbers) : undefined;
  }
  if (!text.includes(":") || !/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  const host = URL.canParse(`http://[${text}]`) ? new URL(`http://[${text}]`).hostname : "";
  const halves = host.slice(1, -1).split("::");
  if (host === "" || halves.length > 2) return undefined;
  const groups = halves.map((half) => half === "" ? [] : half.split(":"));
  const count = groups.flat().length;
  const middle = halves.length === 2 ? Array.from({ length: 8 - count }, () => "0") : [];
  const all = [...(groups[0] ?? []), ...middle, ...(groups[1] ?? [])];
  const bytes = fromHex(all.map((group) => group.padStart(4, "0")).join(""));
  return bytes?.length === 16 ? unmapped(bytes) : undefined;
}

/** An IPv4 address that is written as one of IPv6. */
function unmapped(bytes: Bytes): Bytes {
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 &&
    bytes[11] === 255;
  return isMapped ? bytes.slice(12) : bytes;
}

/** IP addresses of a request; a 400 for what is none. */
export function readAddresses(texts: readonly string[]): Bytes[] {
  return texts.map((text) => {
    const bytes = addressBytes(text);
    if (bytes === undefined) throw badRequest(`the value ${text} is not a valid IP address`);
    return bytes;
  });
}

/** A 400 where the role does not allow these. */
export function checkAddresses(
  addresses: readonly Bytes[],
  role: Pick<Role, "allow_ip_sans" | "allowed_ip_sans_cidr">,
): void {
  if (addresses.length === 0) return;
  if (!role.allow_ip_sans) {
    throw badRequest("IP Subject Alternative Names are not allowed in this role");
  }
  if (role.allowed_ip_sans_cidr.length === 0) return;
  for (const address of addresses) {
    if (!role.allowed_ip_sans_cidr.some((network) => isWithin(address, network))) {
      throw badRequest("an IP Subject Alternative Name is of no network that this role allows");
    }
  }
}

/** A 400 for what is no network: an address, a slash and its bits. */
export function checkNetwork(text: string): void {
  const [base = "", length = "", ...more] = text.split("/");
  const bytes = addressBytes(base);
  const isLength = /^\d{1,3}$/.test(length) && Number(length) <= 8 * (bytes?.length ?? 0);
  if (bytes === undefined || !isLength || more.length > 0) {
    throw badRequest(`allowed_ip_sans_cidr: ${text} is no network`);
  }
}

function isWithin(address: Bytes, network: string): boolean {
  const [base = "", length = ""] = network.split("/");
  const bytes = addressBytes(base);
  const bits = Number(length);
  if (bytes === undefined || bytes.length !== address.length || length === "") return false;
  return bytes.every((byte, i) => {
    const left = Math.min(8, Math.max(0, bits - 8 * i));
    const mask = 0xff00 >> left & 0xff;
    return (byte & mask) === ((address[i] ?? 0) & mask);
  });
}

/** A 400 for what is no URI. */
export function checkUri(text: string): string {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) || !URL.canParse(text)) {
    throw badRequest(`the value ${text} is not a valid URI`);
  }
  return text;
}

/** A 400 unless all of them are allowed. */
export function checkUris(uris: readonly string[], allowed: readonly string[]): void {
  for (const uri of uris) {
    if (!allowed.some((pattern) => matchesGlob(pattern, uri))) {
      throw badRequest("URI Subject Alternative Names were given that this role does not allow");
    }
  }
}

/** Names of other kinds: `OID;UTF8:value` each. A 400 for what is none. */
export function readOtherNames(texts: readonly string[]): OtherName[] {
  return texts.map((text) => {
    const [, type = "", kind = "", value = ""] = /^([^;]*);([^:]*):(.*)$/s.exec(text) ?? [];
    if (!isOid(type)) throw badRequest("other_sans must be OID;UTF8:value");
    if (!["utf8", "utf-8"].includes(kind.toLowerCase())) {
      throw badRequest("only UTF8 other SANs are supported");
    }
    return { type, value };
  });
}

/** A 400 unless all of them are allowed. */
export function checkOtherNames(names: readonly OtherName[], allowed: readonly string[]): void {
  if (allowed.includes("*")) return;
  const rules = allowed.flatMap((rule) => {
    const [, type = "", value = ""] = /^([^;]*);[^:]*:(.*)$/s.exec(rule) ?? [];
    return type === "" ? [] : [{ type, value }];
  });
  for (const { type, value } of names) {
    if (!rules.some((rule) => rule.type === type && matchesGlob(rule.value, value))) {
      throw badRequest(`other SAN ${type} is not allowed by this role with this value`);
    }
  }
}

/** A 400 unless each value is allowed by a pattern. `what` begins the sentence. */
export function checkValues(what: string, values: readonly string[], allowed: readonly string[]) {
  for (const value of values) {
    if (!allowed.some((pattern) => matchesGlob(pattern, value))) {
      throw badRequest(`${what} ${value} not allowed by this role`);
    }
  }
}
