/** The names that go into a leaf's certificate: those asked for, checked against the role. */
import { badRequest } from "../../base/failure.ts";
import { type AltNames, EXTENSION, readAltNames } from "../../crypto/x509/extensions.ts";
import { commonNameOf, serialNumberOf, userIdsOf } from "../../crypto/x509/name.ts";
import type { CertificateRequest } from "../../crypto/x509/request.ts";
import {
  checkAddresses,
  checkOtherNames,
  checkUri,
  checkUris,
  checkValues,
  readAddresses,
  readOtherNames,
} from "./alt_names.ts";
import { type Asker, isCommonNameAllowed, isHostname, isNameAllowed, toAscii } from "./names.ts";
import type { Role } from "./role.ts";

export interface NamesAsked {
  readonly common_name: string;
  readonly alt_names: readonly string[];
  readonly ip_sans: readonly string[];
  readonly uri_sans: readonly string[];
  readonly other_sans: readonly string[];
  readonly serial_number: string;
  readonly exclude_cn_from_sans: boolean;
  readonly user_ids?: readonly string[];
}

export interface RequestedNames {
  readonly commonName: string;
  readonly serialNumber: string;
  readonly userIds: readonly string[];
  readonly names: AltNames;
  readonly warnings: readonly string[];
}

/** A certificate's other names as a request has them. */
export function namesOf(request: Pick<CertificateRequest, "extensions">): AltNames | undefined {
  const found = request.extensions.find(({ type }) => type === EXTENSION.altNames);
  return found && readAltNames(found.value);
}

/** Reads what is asked for, from the request for a certificate where the role says so. */
export function readNames(
  asked: NamesAsked,
  role: Pick<Role, "use_csr_common_name" | "use_csr_sans">,
  request: CertificateRequest | undefined,
): RequestedNames {
  const warnings: string[] = [];
  let commonName = asked.common_name;
  if (request !== undefined && role.use_csr_common_name) {
    commonName = commonNameOf(request.subject);
    if (asked.common_name !== "") {
      warnings.push("the common_name field was ignored: the role takes that of the CSR");
    }
  }
  const fromRequest = request !== undefined && role.use_csr_sans;
  if (fromRequest) {
    const lists = [asked.alt_names, asked.ip_sans, asked.uri_sans, asked.other_sans];
    if (lists.some(({ length }) => length > 0)) {
      warnings.push("other names in the request were ignored: the role takes those of the CSR");
    }
  }
  const given = fromRequest ? namesOf(request) : undefined;
  const names = withCommonName(
    given ?? (fromRequest ? emptyNames : askedNames(asked)),
    asked.exclude_cn_from_sans ? "" : commonName,
    fromRequest,
  );
  const userIds = asked.user_ids ?? [];
  const ofSubject = request !== undefined && role.use_csr_common_name;
  return {
    commonName,
    serialNumber: asked.serial_number || (ofSubject ? serialNumberOf(request.subject) : ""),
    userIds: userIds.length === 0 && ofSubject ? userIdsOf(request.subject) : userIds,
    names,
    warnings,
  };
}

const emptyNames: AltNames = { dns: [], emails: [], addresses: [], uris: [], others: [] };

/** Names that a request asks for outright. */
export function askedNames(asked: NamesAsked): AltNames {
  const [dns, emails]: [string[], string[]] = [[], []];
  for (const name of asked.alt_names.filter((text) => text !== "")) {
    if (name.includes("@")) emails.push(asciiEmail(name));
    else dns.push(toAscii(name));
  }
  return {
    dns,
    emails,
    addresses: readAddresses(asked.ip_sans),
    uris: asked.uri_sans.map(checkUri),
    others: readOtherNames(asked.other_sans),
  };
}

/** Certificates hold addresses of mail in ASCII only (RFC 5280, 4.2.1.6). */
function asciiEmail(name: string): string {
  // deno-lint-ignore no-control-regex -- all of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(name)) return name;
  throw badRequest(`the address ${name} is not ASCII`);
}

/** The common name becomes another name too, where it can be one. */
export function withCommonName(names: AltNames, commonName: string, last: boolean): AltNames {
  const join = (list: readonly string[], name: string) => [
    ...new Set(last ? [...list, name] : [name, ...list]),
  ];
  const once = {
    ...names,
    dns: [...new Set(names.dns)],
    emails: [...new Set(names.emails)],
  };
  if (commonName === "") return once;
  if (commonName.includes("@")) {
    return { ...once, emails: join(once.emails, asciiEmail(commonName)) };
  }
  const ascii = toAscii(commonName);
  return isHostname(ascii) ? { ...once, dns: join(once.dns, ascii) } : once;
}

/** A 400 for anything that the role does not allow. */
export function checkNames(
  requested: RequestedNames,
  role: Role,
  asker: Asker,
  uris: readonly string[] = role.allowed_uri_sans,
): void {
  const { commonName, names } = requested;
  if (commonName === "" && role.require_cn) {
    throw badRequest(
      `the common_name field is required, or must be provided in a CSR with "use_csr_common_name" ` +
        `set to true, unless "require_cn" is set to false`,
    );
  }
  if (commonName !== "" && !isCommonNameAllowed(commonName, role, asker)) {
    throw badRequest(`common name ${commonName} not allowed by this role`);
  }
  // What came from the common name was judged as such.
  const isDisabled = role.cn_validations.includes("disabled");
  for (const name of names.dns) {
    if (isDisabled && name === commonName) continue;
    if (!isNameAllowed(name, role, asker)) {
      throw badRequest(`subject alternate name ${name} not allowed by this role`);
    }
  }
  for (const name of names.emails) {
    if (isDisabled && name === commonName) continue;
    if (!isNameAllowed(name, role, asker)) {
      throw badRequest(`email address ${name} not allowed by this role`);
    }
  }
  checkAddresses(names.addresses, role);
  checkUris(names.uris, uris);
  checkOtherNames(names.others, role.allowed_other_sans);
  if (requested.serialNumber !== "") {
    checkValues("serial_number", [requested.serialNumber], role.allowed_serial_numbers);
  }
  checkValues("user_id", requested.userIds, role.allowed_user_ids);
}
