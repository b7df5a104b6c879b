/** Digests of the RSA-OAEP that keys are wrapped in, as requests name them. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import type { HashName } from "../../crypto/provider.ts";

const hashes: Readonly<Record<string, HashName>> = {
  SHA1: "sha1",
  SHA224: "sha224",
  SHA256: "sha256",
  SHA384: "sha384",
  SHA512: "sha512",
};

/** The field that names it. */
export const wrappingHash = field.string(
  "Of RSA-OAEP: SHA1, SHA224, SHA256, SHA384 or SHA512.",
  "SHA256",
);

/** The digest of a name in a request. */
export function readWrappingHash(name: string): HashName {
  const hash = Object.hasOwn(hashes, name) ? hashes[name] : undefined;
  if (hash !== undefined) return hash;
  throw badRequest(`unsupported hash function ${name}; it is one of ${Object.keys(hashes)}`);
}
