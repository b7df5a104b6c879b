/** Checks of the listeners: their ports and their certificates. */
import { describeError } from "../../base/failure.ts";
import { X509Certificate } from "node:crypto";
import type { ListenerConfig } from "../../config/server_types.ts";
import { parseHostPort } from "../addresses.ts";
import { tlsPaths } from "../open_listener.ts";
import { certificatesOf, readTlsPair } from "../tls_files.ts";
import { clearSocketFile } from "../unix_socket.ts";
import { type Check, type Examination, fail, type Finding, ok, warn } from "./check.ts";

const dayMs = 24 * 3600 * 1000;
const expiryWarnMs = 30 * dayMs;

export function checkListeners(
  all: Examination,
  listeners: readonly ListenerConfig[],
  now: number,
): Promise<Check> {
  return all.group("Start Listeners", async () => {
    const checks: Check[] = [];
    for (const { type, values } of listeners) {
      const name = `Listener ${values.address}`;
      checks.push(
        await all.group(name, async () => [
          await all.one("Create Listener", () => canListen(type, values.address)),
          ...(type === "tcp"
            ? [await all.one("Check Listener TLS", () => transport(values, now))]
            : []),
        ]),
      );
    }
    return checks;
  });
}

async function canListen(type: "tcp" | "unix", address: string): Promise<Finding> {
  if (type === "unix") {
    await clearSocketFile(address);
    return ok();
  }
  const at = parseHostPort(address);
  if (at === undefined) return fail(`"${address}" is no host and port`);
  try {
    Deno.listen({ hostname: at.host === "" ? "::" : at.host, port: at.port }).close();
    return ok();
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      return warn("the port is in use", "another process has it, or the node is running");
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return fail("the port is not for this user", "ports below 1024 need CAP_NET_BIND_SERVICE");
    }
    return fail(describeError(error));
  }
}

async function transport(values: ListenerConfig["values"], now: number): Promise<Finding> {
  const paths = tlsPaths(values);
  if (paths === undefined) {
    const local = /^(127\.|localhost|\[::1\])/.test(values.address);
    return local
      ? warn("TLS is off, for callers on this machine only")
      : warn("TLS is off: secrets and tokens travel in the clear", "set tls_cert_file");
  }
  const { cert } = await readTlsPair(paths);
  return judgeChain(certificatesOf(cert, paths.certPath), paths.certPath, now);
}

/** Validity, names and order of a chain, the leaf first. */
export function judgeChain(
  chain: readonly X509Certificate[],
  path: string,
  now: number,
): Finding {
  const warnings: string[] = [];
  for (const [at, certificate] of chain.entries()) {
    const { subject, validFrom, validTo } = certificate;
    const who = `${path}: ${subject.replaceAll("\n", ", ")}`;
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    if (from > now) return fail(`${who} is not valid before ${validFrom}`);
    if (to <= now) return fail(`${who} has expired on ${validTo}`, "renew it");
    if (to - now < expiryWarnMs) {
      warnings.push(`${who} expires in ${Math.floor((to - now) / dayMs)} days`);
    }
    const issuer = chain[at + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer)) {
      return fail(`${who} is not signed by the certificate behind it`, "put the leaf first");
    }
  }
  const [leaf] = chain;
  if (leaf !== undefined && leaf.subjectAltName === undefined) {
    warnings.push(`${path} names no host (subject alternative names), clients refuse it`);
  }
  const last = chain.at(-1);
  if (warnings.length > 0) return { status: "warn", warnings };
  return ok(
    `valid until ${leaf?.validTo ?? "?"}, ${chain.length} in the chain, issuer ` +
      `${last?.issuer.replaceAll("\n", ", ") ?? "?"}`,
  );
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
