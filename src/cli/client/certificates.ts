/** Reads the certificates a client needs: whom to trust, and who it is itself. */
import { CommandError, UsageError } from "../errors.ts";
import { describeError } from "../../base/failure.ts";
import type { Io } from "../io.ts";
import type { TlsSettings } from "./settings.ts";

export interface Certificates {
  /** PEM texts; empty for "what the system trusts". */
  readonly authorities: readonly string[];
  readonly identity: { certificate: string; key: string } | undefined;
}

/** Where Linux distributions keep the bundle of authorities that the system trusts. */
const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** Throws CommandError when a named file can't be read. */
export async function readCertificates(tls: TlsSettings, io: Io): Promise<Certificates> {
  return {
    authorities: await readAuthorities(tls, io),
    identity: await readIdentity(tls, io),
  };
}

async function readAuthorities(tls: TlsSettings, io: Io): Promise<string[]> {
  if (tls.caCertPem !== "") return [tls.caCertPem];
  if (tls.caCertFile !== "") return [await readPem(tls.caCertFile, "CA certificate", io)];
  if (tls.caPath !== "") {
    const names = await io.readDir(tls.caPath).catch((error) => {
      throw new CommandError(`can't read the CA directory: ${describeError(error)}`, 1);
    });
    const pems = await Promise.all(
      names.map((name) => readPem(`${tls.caPath}/${name}`, "CA certificate", io)),
    );
    return pems.filter((pem) => pem.includes("-----BEGIN CERTIFICATE-----"));
  }
  return await readSystemBundle(io);
}

/** Deno trusts Mozilla's list alone; people add their own authorities to the system's. */
async function readSystemBundle(io: Io): Promise<string[]> {
  const named = io.env("SSL_CERT_FILE");
  for (const path of named ? [named] : systemBundles) {
    try {
      return [new TextDecoder().decode(await io.readFile(path))];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return [];
}

async function readIdentity(tls: TlsSettings, io: Io): Promise<Certificates["identity"]> {
  if (tls.clientCertFile === "" && tls.clientKeyFile === "") return undefined;
  if (tls.clientCertFile === "" || tls.clientKeyFile === "") {
    throw new UsageError("-client-cert and -client-key must be given together");
  }
  return {
    certificate: await readPem(tls.clientCertFile, "client certificate", io),
    key: await readPem(tls.clientKeyFile, "client key", io),
  };
}

async function readPem(path: string, what: string, io: Io): Promise<string> {
  try {
    return new TextDecoder().decode(await io.readFile(path));
  } catch (error) {
    throw new CommandError(`can't read the ${what} file: ${describeError(error)}`, 1);
  }
}
