/** PEM as clients send it: several blocks, with other text between them. */
import { type Bytes, fromBase64 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { integer, NULL, octets, oid, readDer, sequence } from "../../crypto/der.ts";
import { KeyFormatError } from "../../crypto/keys.ts";

export interface PemBlock {
  readonly label: string;
  readonly der: Bytes;
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;

/** All blocks of a text; a 400 for one without any. */
export function readPemBlocks(text: string): PemBlock[] {
  const found = [...text.matchAll(block)].map(([, label = "", body = ""]) => {
    const der = fromBase64(body.replace(/\s/g, ""));
    if (der === undefined) throw badRequest(`the PEM block ${label} is not base64`);
    return { label, der };
  });
  if (found.length === 0) throw badRequest("no PEM block was found");
  return found;
}

/** The one block that a text begins with, of this label. */
export function readPem(text: string, what: string, labels: readonly string[]): Bytes {
  const [first] = readPemBlocks(text);
  if (first === undefined || !labels.includes(first.label)) {
    throw badRequest(`${what} must be PEM of the type ${labels[0]}`);
  }
  return first.der;
}

/** Whether a block holds a private key. */
export function isPrivateKey({ label }: PemBlock): boolean {
  return label.endsWith("PRIVATE KEY");
}

/** PKCS #8 of a private key in any of its three forms; a 400 for encrypted ones. */
export function pkcs8Of({ label, der }: PemBlock): Bytes {
  if (label === "PRIVATE KEY") return der;
  if (label === "RSA PRIVATE KEY") {
    return sequence(integer(0), sequence(oid("1.2.840.113549.1.1.1"), NULL), octets(der));
  }
  if (label !== "EC PRIVATE KEY") throw badRequest(`keys of the form ${label} are not supported`);
  const parameters = readDer(der).items().find(({ tag }) => tag === 0xa0)?.items()[0];
  if (parameters === undefined) throw new KeyFormatError("the key does not name its curve");
  const algorithm = sequence(oid("1.2.840.10045.2.1"), parameters.whole);
  return sequence(integer(0), algorithm, octets(der));
}
