/** Roles: what may stand in the certificates that are issued by them. */
import { type Bytes, storedText, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { type Page, pageOptions } from "../../backend/page.ts";
import {
  field,
  type FieldMap,
  type FieldValues,
  patchFields,
  readFields,
} from "../../backend/field.ts";
import { isOid } from "../../crypto/der.ts";
import type { CertificatePolicy } from "../../crypto/x509/extensions.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../logical/json.ts";
import type { View } from "../../storage/transaction.ts";
import { checkNetwork } from "./alt_names.ts";
import { checkKeyBits, defaultBits } from "./key_types.ts";
import { readTime } from "./lifetime.ts";
import type { Reader } from "./key_store.ts";

export const defaultKeyUsage = ["DigitalSignature", "KeyAgreement", "KeyEncipherment"];

export const roleFields = {
  issuer_ref: field.string("The issuer: id, name, or default.", "default"),
  ttl: field.duration("Seconds that certificates live; 0 for the mount's default.", 0),
  max_ttl: field.duration("Seconds that may be asked for; 0 for the mount's maximum.", 0),
  allow_localhost: field.bool("Whether localhost is allowed.", true),
  allowed_domains: field.list("Domains that names may be of.", []),
  allowed_domains_template: field.bool("allowed_domains hold templates of identities.", false),
  allow_bare_domains: field.bool("The domains themselves are allowed.", false),
  allow_subdomains: field.bool("Names below the domains are allowed.", false),
  allow_glob_domains: field.bool("The domains may hold *, for any letters.", false),
  allow_wildcard_certificates: field.bool("Names with a wildcard are allowed.", true),
  allow_any_name: field.bool("Any name is allowed.", false),
  allow_token_displayname: field.bool("The token's display name is allowed.", false),
  allow_globs_in_identity_templates: field.bool("What fills templates may hold *.", false),
  enforce_hostnames: field.bool("Names must be host names or addresses of mail.", true),
  allow_ip_sans: field.bool("IP addresses are allowed.", true),
  allowed_ip_sans_cidr: field.list("Networks that IP addresses must be of.", []),
  allowed_uri_sans: field.list("URIs that are allowed, with * for any letters.", []),
  allowed_uri_sans_template: field.bool("allowed_uri_sans hold templates of identities.", false),
  allowed_other_sans: field.list("Other names allowed: OID;UTF8:value, with * for any.", []),
  allowed_serial_numbers: field.list("Serial numbers in names, with * for any letters.", []),
  allowed_user_ids: field.list("User ids in names, with * for any letters.", []),
  server_flag: field.bool("For servers.", true),
  client_flag: field.bool("For clients.", true),
  code_signing_flag: field.bool("For signing code.", false),
  email_protection_flag: field.bool("For mail.", false),
  key_type: field.string("rsa, ec, ed25519, or any for requests.", "rsa"),
  key_bits: field.int("Bits of the key; 0 for the usual.", 0),
  signature_bits: field.int("Bits of the hash of RSA signatures: 256, 384, 512; 0 for 256.", 0),
  use_pss: field.bool("RSA signatures are PSS.", false),
  key_usage: field.list("Key usages.", defaultKeyUsage),
  ext_key_usage: field.list("Extended key usages.", []),
  ext_key_usage_oids: field.list("More of them, as object identifiers.", []),
  use_csr_common_name: field.bool("sign takes the common name of the request.", true),
  use_csr_sans: field.bool("sign takes the other names of the request.", true),
  ou: field.list("Organizational units of the subject.", []),
  organization: field.list("Organizations of the subject.", []),
  country: field.list("Countries of the subject.", []),
  locality: field.list("Places of the subject.", []),
  province: field.list("Provinces of the subject.", []),
  street_address: field.list("Street addresses of the subject.", []),
  postal_code: field.list("Postal codes of the subject.", []),
  generate_lease: field.bool("Certificates get leases, and are revoked with them.", false),
  no_store: field.bool(
    "Certificates are not kept: they can't be listed, nor revoked by number.",
    false,
  ),
  require_cn: field.bool("A common name must be there.", true),
  cn_validations: field.list("What a common name may be: email, hostname; or disabled.", [
    "email",
    "hostname",
  ]),
  policy_identifiers: field.any("Policies: object identifiers, or objects with oid, notice, cps."),
  basic_constraints_valid_for_non_ca: field.bool("Certificates say that they are no CA's.", false),
  not_before_duration: field.duration("Seconds that certificates begin in the past.", 30),
  not_before: field.string("When certificates begin, RFC 3339.", ""),
  not_before_bound: field.string("Who may say so: permit, duration, forbid.", "permit"),
  not_after: field.string("When certificates end, RFC 3339.", ""),
  not_after_bound: field.string(
    "Who may say so: permit, ttl-limited, forbid, or a time.",
    "permit",
  ),
} satisfies FieldMap;

type Fields = typeof roleFields;

/** A role, by the names of its fields. */
export type Role =
  & Omit<FieldValues<Fields>, "policy_identifiers">
  & {
    readonly policy_identifiers: readonly string[];
  };

type RoleInput = FieldValues<Fields>;

const roleKey = (name: string) => `role/${name}`;

function decodeRole(bytes: Bytes): Role {
  const role: Role = JSON.parse(storedText(bytes));
  return role;
}

export async function readRole(call: Reader, name: string): Promise<Role | undefined> {
  return await call.cached(roleKey(name), decodeRole);
}

/** A 400 where there is none. */
export async function requireRole(call: Reader, name: string): Promise<Role> {
  const role = await readRole(call, name);
  if (role === undefined) throw badRequest(`unknown role: ${name}`);
  return role;
}

export function putRole(storage: View, name: string, role: Role): void {
  storage.put(roleKey(name), utf8(JSON.stringify(role)));
}

export function deleteRole(storage: View, name: string): void {
  storage.delete(roleKey(name));
}

export async function listRoles(storage: View, page: Page): Promise<string[]> {
  return await storage.list("role/", pageOptions(page));
}

/** A role as reads show it. */
export function roleBody(role: Role): JsonObject {
  return { ...role, policy_identifiers: [...role.policy_identifiers] };
}

/** A role of what a client says; a 400 for what can't be. */
export function makeRole(input: RoleInput): Role {
  const policies = readPolicyList(input.policy_identifiers);
  const bits = input.key_type === "any" ? 0 : defaultBits(input.key_type, input.key_bits);
  const role: Role = {
    ...pickFields(input),
    issuer_ref: input.issuer_ref === "" ? "default" : input.issuer_ref,
    key_bits: bits,
    cn_validations: input.cn_validations.length === 0
      ? ["email", "hostname"]
      : input.cn_validations.map((name) => name.toLowerCase()),
    policy_identifiers: policies,
  };
  checkTimes(role);
  if (role.key_type !== "any") checkKeyBits(role.key_type, role.key_bits);
  checkValidations(role.cn_validations);
  for (const name of role.ext_key_usage_oids) {
    if (!isOid(name)) throw badRequest(`"${name}" could not be parsed as a valid oid`);
  }
  for (const allowed of role.allowed_other_sans) {
    if (allowed !== "*" && !/^[0-2](\.\d+)+;(utf8|utf-8):./i.test(allowed)) {
      throw badRequest(`allowed_other_sans must be OID;UTF8:value, not ${allowed}`);
    }
  }
  for (const network of role.allowed_ip_sans_cidr) checkNetwork(network);
  readPolicies(policies);
  return role;
}

/** Only what roles have: the path's parameters stay outside. */
function pickFields(input: RoleInput): Omit<Role, "policy_identifiers"> {
  const { policy_identifiers: _, ...rest } = patchFields(roleFields, input, {});
  return rest;
}

function checkTimes(role: Role): void {
  if (role.ttl < 0 || role.max_ttl < 0) throw badRequest("ttl and max_ttl can't be negative");
  if (role.max_ttl > 0 && role.ttl > role.max_ttl) {
    throw badRequest(`"ttl" value must be less than "max_ttl" value`);
  }
  if (role.not_before_duration < 0) throw badRequest("not_before_duration can't be negative");
  if (!["permit", "duration", "forbid"].includes(role.not_before_bound)) {
    throw badRequest("not_before_bound must be permit, duration or forbid");
  }
  if (
    !["permit", "ttl-limited", "forbid"].includes(role.not_after_bound) &&
    readTime(role.not_after_bound) === undefined
  ) throw badRequest("not_after_bound must be permit, ttl-limited, forbid or a time");
}

function checkValidations(names: readonly string[]): void {
  for (const name of names) {
    if (!["email", "hostname", "disabled"].includes(name)) {
      throw badRequest(`unknown cn_validations: ${name}; email, hostname and disabled are known`);
    }
  }
  if (names.includes("disabled") && names.length > 1) {
    throw badRequest("cn_validations can't hold anything beside disabled");
  }
}

/** As the API takes policies: a list or text of identifiers, or objects, or JSON of these. */
function readPolicyList(value: JsonValue | undefined): string[] {
  if (value === undefined || value === null || value === "") return [];
  if (typeof value === "string") {
    if (!/^\s*[[{]/.test(value)) return value.split(",").map((text) => text.trim());
    try {
      const parsed: JsonValue = JSON.parse(value);
      return readPolicyList(Array.isArray(parsed) ? parsed : [parsed]);
    } catch (cause) {
      throw badRequest("policy_identifiers holds malformed JSON", cause);
    }
  }
  if (!Array.isArray(value)) throw badRequest("policy_identifiers must be a list");
  return value.map((item) => typeof item === "string" ? item : JSON.stringify(item));
}

/** The policies of such a list; a 400 for what is none. */
export function readPolicies(list: readonly string[]): CertificatePolicy[] {
  return list.map((text) => {
    if (!text.startsWith("{")) {
      if (isOid(text)) return { oid: text };
      throw badRequest(`policy_identifiers: ${text} is no object identifier`);
    }
    let value: JsonValue;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw badRequest("policy_identifiers holds malformed JSON", cause);
    }
    const parts = isJsonObject(value) ? value : {};
    const { oid, notice, cps } = parts;
    if (typeof oid !== "string" || !isOid(oid)) {
      throw badRequest("policy_identifiers: oid is no object identifier");
    }
    return {
      oid,
      ...(typeof notice === "string" ? { notice } : {}),
      ...(typeof cps === "string" ? { cps } : {}),
    };
  });
}

/** The role that sign-verbatim works by: all is allowed. */
export function openRole(changes: Partial<Role>): Role {
  return {
    ...makeRole(readFields(roleFields, {})),
    allow_any_name: true,
    enforce_hostnames: false,
    key_type: "any",
    key_bits: 0,
    allowed_uri_sans: ["*"],
    allowed_other_sans: ["*"],
    allowed_serial_numbers: ["*"],
    allowed_user_ids: ["*"],
    cn_validations: ["disabled"],
    require_cn: false,
    ...changes,
  };
}
