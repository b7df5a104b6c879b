/** Names of usages, as roles and requests write them. */
import { badRequest } from "../../base/failure.ts";
import { isOid } from "../../crypto/der.ts";
import { KEY_USAGES, type KeyUsage } from "../../crypto/x509/extensions.ts";
import type { Role } from "./role.ts";

/** In the order in which they stand in certificates. */
const EXTENDED: readonly (readonly [name: string, oid: string])[] = [
  ["any", "2.5.29.37.0"],
  ["serverauth", "1.3.6.1.5.5.7.3.1"],
  ["clientauth", "1.3.6.1.5.5.7.3.2"],
  ["codesigning", "1.3.6.1.5.5.7.3.3"],
  ["emailprotection", "1.3.6.1.5.5.7.3.4"],
  ["ipsecendsystem", "1.3.6.1.5.5.7.3.5"],
  ["ipsectunnel", "1.3.6.1.5.5.7.3.6"],
  ["ipsecuser", "1.3.6.1.5.5.7.3.7"],
  ["timestamping", "1.3.6.1.5.5.7.3.8"],
  ["ocspsigning", "1.3.6.1.5.5.7.3.9"],
  ["microsoftservergatedcrypto", "1.3.6.1.4.1.311.10.3.3"],
  ["netscapeservergatedcrypto", "2.16.840.1.113730.4.1"],
  ["microsoftcommercialcodesigning", "1.3.6.1.4.1.311.2.1.22"],
  ["microsoftkernelcodesigning", "1.3.6.1.4.1.311.61.1.1"],
];

const plain = (name: string) => name.trim().toLowerCase().replace(/^(key|ext)usage/, "");

/** Key usages by name, in any case and with or without "KeyUsage" before it; others are left out. */
export function keyUsages(names: readonly string[]): Set<KeyUsage> {
  const wanted = new Set(names.map(plain));
  return new Set(KEY_USAGES.filter((usage) => wanted.has(usage.toLowerCase())));
}

/** Those that an authority's certificate asks for. */
export function authorityExtendedUsages(
  input: Pick<Role, "ext_key_usage" | "ext_key_usage_oids">,
): string[] {
  const none = {
    server_flag: false,
    client_flag: false,
    code_signing_flag: false,
    email_protection_flag: false,
  };
  return extendedUsages({ ...none, ...input });
}

/** Extended key usages as object identifiers: by name, by the role's flags, and as they are. */
export function extendedUsages(
  role: Pick<
    Role,
    | "ext_key_usage"
    | "ext_key_usage_oids"
    | "server_flag"
    | "client_flag"
    | "code_signing_flag"
    | "email_protection_flag"
  >,
): string[] {
  const wanted = new Set(role.ext_key_usage.map(plain));
  if (role.server_flag) wanted.add("serverauth");
  if (role.client_flag) wanted.add("clientauth");
  if (role.code_signing_flag) wanted.add("codesigning");
  if (role.email_protection_flag) wanted.add("emailprotection");
  const named = EXTENDED.filter(([name]) => wanted.has(name)).map(([, oid]) => oid);
  for (const oid of role.ext_key_usage_oids) {
    if (!isOid(oid)) throw badRequest(`"${oid}" could not be parsed as a valid oid`);
  }
  return [...new Set([...named, ...role.ext_key_usage_oids])];
}
