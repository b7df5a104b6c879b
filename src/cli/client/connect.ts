/** Chooses the way to the node and puts a client together. */
import type { Io } from "../io.ts";
import { readCertificates } from "./certificates.ts";
import { Client } from "./client.ts";
import { fetchTransport } from "./fetch_transport.ts";
import type { ClientSettings } from "./settings.ts";
import { tokenHelper } from "./token_helper.ts";
import type { Transport } from "./transport.ts";

/** A client with the user's token: VAULT_TOKEN, else what the token helper keeps. */
export async function connect(settings: ClientSettings, io: Io): Promise<Client> {
  return new Client({
    settings,
    transport: await transportFor(settings, io),
    token: () => userToken(io),
    clock: io.clock,
    random: io.random,
  });
}

/** A client for a node that need not be trusted: it is sent no token. */
export async function connectAnonymously(settings: ClientSettings, io: Io): Promise<Client> {
  return new Client({
    settings: { ...settings, headers: [], namespace: "", mfa: [], print: undefined },
    transport: await transportFor(settings, io),
    token: () => Promise.resolve(""),
    clock: io.clock,
    random: io.random,
  });
}

/** The token that the user's commands use; "" when there is none. */
export async function userToken(io: Io): Promise<string> {
  const fromEnv = io.env("VAULT_TOKEN");
  if (fromEnv) return fromEnv.trim();
  return await (await tokenHelper(io)).get();
}

async function transportFor(settings: ClientSettings, io: Io): Promise<Transport> {
  const { address, tls, proxy } = settings;
  if (address.startsWith("unix://")) {
    const { nodeTransport } = await import("./node_transport.ts");
    const socketPath = address.slice("unix://".length);
    return nodeTransport({ socketPath, serverName: "", skipVerify: false });
  }
  if (!/^https:/i.test(address)) return fetchTransport({ proxy });
  const certificates = await readCertificates(tls, io);
  if (!tls.skipVerify && tls.serverName === "") return fetchTransport({ certificates, proxy });
  const { nodeTransport } = await import("./node_transport.ts");
  return nodeTransport({
    certificates,
    serverName: tls.serverName,
    skipVerify: tls.skipVerify,
  });
}
