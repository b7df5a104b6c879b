/** Step by step to another node's port: its name, a connection, the TLS handshake. */
import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { describeError } from "../../base/failure.ts";
import type { Endpoint } from "../../raft/net/cluster_tls.ts";

export type Step = "DNS" | "TCP" | "TLS" | "API" | "cluster" | "clock";

export interface Finding {
  readonly step: Step;
  readonly ok: boolean;
  readonly told: string;
}

export interface Reached {
  readonly findings: readonly Finding[];
  /** SHA-256 of the certificate that was shown, in hex with colons; "" where there was none. */
  readonly fingerprint: string;
}

/** For each connection. */
const STEP_MS = 3000;

/** Stops at the first step that fails. `tls` is undefined where the port speaks none. */
export async function reach(at: Endpoint, tls: ConnectionOptions | undefined): Promise<Reached> {
  const findings: Finding[] = [];
  const found = (step: Step, ok: boolean, told: string, fingerprint = ""): Reached => {
    findings.push({ step, ok, told });
    return { findings, fingerprint };
  };
  let addresses: readonly string[];
  try {
    addresses = (await lookup(at.host, { all: true })).map(({ address }) => address);
  } catch (error) {
    return found("DNS", false, `${at.host} has no address (${describeError(error)})`);
  }
  found("DNS", true, addresses.join(", "));
  const refused: string[] = [];
  for (const host of addresses) {
    const why = await attempt(() => connectTcp({ host, port: at.port }), "connect");
    if (why !== "") refused.push(`${host}:${at.port}: ${why}`);
  }
  const open = addresses.length - refused.length;
  const told = refused.length === 0 ? `port ${at.port} is open` : refused.join("; ");
  // A name with an address that does not answer costs everybody who comes to it a timeout.
  const reached = found("TCP", refused.length === 0, told);
  if (open === 0 || tls === undefined) return reached;
  return await handshake(at, tls, found);
}

async function handshake(
  at: Endpoint,
  tls: ConnectionOptions,
  found: (step: Step, ok: boolean, told: string, fingerprint?: string) => Reached,
): Promise<Reached> {
  let shown = "", until = "";
  const why = await attempt(() => {
    const name = isIP(at.host) === 0 ? { servername: at.host } : {};
    const socket = connectTls({ ...at, ...name, ...tls });
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerCertificate();
      [shown, until] = [certificate.fingerprint256, certificate.valid_to];
    });
    return socket;
  }, "secureConnect");
  if (why !== "") return found("TLS", false, why);
  return found("TLS", true, `its certificate is valid until ${until}`, shown);
}

/** Resolves to "" once the event came, else to what went wrong. */
function attempt(
  open: () => ReturnType<typeof connectTcp>,
  event: "connect" | "secureConnect",
): Promise<string> {
  return new Promise((resolve) => {
    const socket = open();
    const end = (why: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    const timer = setTimeout(() => end(`no answer in ${STEP_MS / 1000} s`), STEP_MS);
    socket.once(event, () => end(""));
    socket.on("error", (error: Error) => end(describeError(error)));
  });
}
