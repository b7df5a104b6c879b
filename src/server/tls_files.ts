/** Certificates and keys of listeners, as files that may change. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { describeError } from "../base/failure.ts";

/** PEM texts. */
export interface TlsPair {
  /** The leaf first, then what leads to the root. */
  readonly cert: string;
  readonly key: string;
}

/** The pair can't be used; the message names the file. */
export class TlsFileError extends Error {
  override name = "TlsFileError";
}

export interface TlsPaths {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Reads both files and proves that they are one pair. Throws `TlsFileError`. */
export async function readTlsPair({ certPath, keyPath }: TlsPaths): Promise<TlsPair> {
  const [cert, key] = [await readPem(certPath), await readPem(keyPath)];
  const [leaf] = certificatesOf(cert, certPath);
  if (leaf === undefined) throw new TlsFileError(`${certPath} holds no certificate`);
  if (!leaf.checkPrivateKey(privateKeyOf(key, keyPath))) {
    throw new TlsFileError(`the key in ${keyPath} is not that of the certificate in ${certPath}`);
  }
  return { cert, key };
}

/** All certificates of a PEM text. Throws `TlsFileError` naming the path. */
export function certificatesOf(pem: string, path: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new TlsFileError(`${path} holds a damaged certificate`, { cause });
    }
  });
}

function privateKeyOf(pem: string, path: string) {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const encrypted = pem.includes("ENCRYPTED") ? "; it must not be encrypted" : "";
    throw new TlsFileError(`${path} holds no private key that can be read${encrypted}`, { cause });
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new TlsFileError(`${path}: no such file`, { cause });
    }
    throw new TlsFileError(`${path} can't be read: ${describeError(cause)}`, { cause });
  }
}

/** Changes whenever one of the files does, also by a symbolic link that is turned. */
export async function tlsFilesVersion({ certPath, keyPath }: TlsPaths): Promise<string> {
  const parts = [];
  for (const path of [certPath, keyPath]) {
    try {
      const { mtime, size, ino } = await Deno.stat(path);
      parts.push(`${path} ${mtime?.getTime()} ${size} ${ino}`);
    } catch (error) {
      // Between the removal of a file and the next one there is nothing to reload.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      parts.push("absent");
    }
  }
  return parts.join(", ");
}
