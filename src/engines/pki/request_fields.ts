/** What requests for certificates say, in fields that several paths share. */
import { field } from "../../backend/field.ts";
import { badRequest } from "../../base/failure.ts";

export const formatFields = {
  format: field.string("pem, der or pem_bundle.", "pem"),
  private_key_format: field.string("der for the key's own form, or pkcs8.", "der"),
};

/** A 400 for formats that are not known. */
export function checkFormats(input: {
  readonly format: string;
  readonly private_key_format?: string;
}): void {
  if (!["pem", "der", "pem_bundle"].includes(input.format)) {
    throw badRequest(`the "format" path parameter must be "pem", "der", or "pem_bundle"`);
  }
  if (!["", "der", "pem", "pkcs8"].includes(input.private_key_format ?? "")) {
    throw badRequest("private_key_format must be der, pem or pkcs8");
  }
}

/** Names and times that may be asked for. */
export const nameFields = {
  common_name: field.string("The common name.", ""),
  alt_names: field.list("Host names and addresses of mail.", []),
  ip_sans: field.list("IP addresses.", []),
  uri_sans: field.list("URIs.", []),
  other_sans: field.list("Other names: OID;UTF8:value.", []),
  serial_number: field.string("The serial number in the subject.", ""),
  exclude_cn_from_sans: field.bool("The common name does not become another name too.", false),
  ttl: field.duration("Seconds that it lives."),
  not_after: field.string("When it ends, RFC 3339.", ""),
  not_before: field.string("When it begins, RFC 3339.", ""),
};

export const leafFields = {
  ...nameFields,
  ...formatFields,
  user_ids: field.list("User ids of the subject.", []),
  remove_roots_from_chain: field.bool("ca_chain is without self-signed certificates.", false),
};

/** Parts of the subject that an authority's certificate may have. */
export const subjectFields = {
  ou: field.list("Organizational units.", []),
  organization: field.list("Organizations.", []),
  country: field.list("Countries.", []),
  locality: field.list("Places.", []),
  province: field.list("Provinces.", []),
  street_address: field.list("Street addresses.", []),
  postal_code: field.list("Postal codes.", []),
};

export const keyFields = {
  key_type: field.string("rsa, ec or ed25519.", "rsa"),
  key_bits: field.int("Bits of the key; 0 for the usual.", 0),
  key_name: field.string("A name for the key.", ""),
  key_ref: field.string("The key of `existing`: id or name.", "default"),
  signature_bits: field.int("Bits of the hash of RSA signatures.", 0),
  use_pss: field.bool("RSA signatures are PSS.", false),
};

/** What requests for authorities' certificates have in common. */
export const authorityRequestFields = {
  ...nameFields,
  ...formatFields,
  ...subjectFields,
  not_before_duration: field.duration("Seconds that it begins in the past.", 30),
};

export const authorityFields = {
  ...authorityRequestFields,
  max_path_length: field.int("Authorities that may stand below it; -1 for any number.", -1),
  permitted_dns_domains: field.list("Only names of these domains may be certified.", []),
  ext_key_usage: field.list("Extended key usages.", []),
  ext_key_usage_oids: field.list("More of them, as object identifiers.", []),
};
