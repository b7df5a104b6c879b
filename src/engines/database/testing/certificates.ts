/** Certificates for servers under test, made by `openssl`. */
import { join } from "node:path";
import { output } from "./process.ts";

export interface TestCertificates {
  /** PEM texts. */
  readonly ca: string;
  readonly otherCa: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** Where the server reads its own. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The name that the server's certificate is for, beside 127.0.0.1. */
export const serverName = "db.holdfast.test";

/** `user` is in the client's certificate. Files lie in `dir`, which is the server's own. */
export async function makeCertificates(dir: string, user: string): Promise<TestCertificates> {
  const at = (name: string) => join(dir, name);
  const script = `set -e; cd "$1"
    key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
    for ca in ca other; do
      key $ca; openssl req -x509 -new -key $ca.key -days 2 -subj "/CN=test $ca" -out $ca.crt
    done
    sign() {
      key "$1"; openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
      printf '%s' "$3" > "$1.ext"
      openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \\
        -extfile "$1.ext" -out "$1.crt"
    }
    sign server server 'subjectAltName=IP:127.0.0.1,DNS:${serverName}'
    sign client "$2" 'extendedKeyUsage=clientAuth'
    chmod 600 server.key; chmod 644 *.crt
    [ "$(id -u)" != 0 ] || chown --reference=. *`;
  if (await output(["sh", "-c", script, "sh", dir, user]) === undefined) {
    throw new Error("openssl could not make certificates");
  }
  return {
    ca: await Deno.readTextFile(at("ca.crt")),
    otherCa: await Deno.readTextFile(at("other.crt")),
    clientCert: await Deno.readTextFile(at("client.crt")),
    clientKey: await Deno.readTextFile(at("client.key")),
    caFile: at("ca.crt"),
    certFile: at("server.crt"),
    keyFile: at("server.key"),
  };
}
