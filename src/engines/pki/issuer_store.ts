/** The issuers of a mount. */
import { type Bytes, fromBase64, storedText, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { type Certificate, readCertificate } from "../../crypto/x509/certificate.ts";
import type { View } from "../../storage/transaction.ts";
import type { Urls } from "./urls.ts";
import { checkRefName, type Reader } from "./key_store.ts";

/** What an issuer may be used for. */
export const USAGES = ["crl-signing", "issuing-certificates", "ocsp-signing", "read-only"] as const;

export type Usage = (typeof USAGES)[number];

export type LeafNotAfter = "err" | "truncate" | "permit";

export interface StoredIssuer {
  readonly id: string;
  /** "" for none. */
  readonly name: string;
  /** "" where its key is not here. */
  readonly keyId: string;
  /** DER, base64. */
  readonly certificate: string;
  readonly leafNotAfter: LeafNotAfter;
  readonly usage: readonly Usage[];
  /** A scheme's name, "" for the key's usual one. */
  readonly revocationAlgorithm: string;
  /** Seconds since the epoch, 0 while it is not revoked. */
  readonly revocationTime: number;
  /** Ids, itself first; undefined to find them. */
  readonly manualChain?: readonly string[];
  /** Ids of the issuers above it as found, itself first. */
  readonly chain: readonly string[];
  /** Its own addresses; undefined for the mount's. */
  readonly urls?: Urls;
}

/** An issuer with its certificate read. */
export interface Issuer extends StoredIssuer {
  readonly parsed: Certificate;
}

interface IssuersConfig {
  /** "" for none. */
  readonly defaultId: string;
  readonly followsLatest: boolean;
}

const configKey = "config/issuers";
const issuerKey = (id: string) => `config/issuer/${id}`;
const nameKey = (name: string) => `config/issuer-name/${name}`;

function decodeIssuer(bytes: Bytes): Issuer {
  const stored: StoredIssuer = JSON.parse(storedText(bytes));
  const der = fromBase64(stored.certificate) ?? new Uint8Array();
  return { ...stored, parsed: readCertificate(der) };
}

function decodeConfig(bytes: Bytes): IssuersConfig {
  const config: IssuersConfig = JSON.parse(storedText(bytes));
  return config;
}

export async function issuersConfig(call: Reader): Promise<IssuersConfig> {
  return await call.cached(configKey, decodeConfig) ?? { defaultId: "", followsLatest: false };
}

export function putIssuersConfig(storage: View, config: IssuersConfig): void {
  storage.put(configKey, utf8(JSON.stringify(config)));
}

/** The issuer of an id or name, or "default"; undefined where there is none. */
export async function findIssuer(call: Reader, ref: string): Promise<Issuer | undefined> {
  const id = ref === "default" ? (await issuersConfig(call)).defaultId : ref;
  if (id === "") return undefined;
  const byId = await call.cached(issuerKey(id), decodeIssuer);
  if (byId !== undefined) return byId;
  const named = await call.cached(nameKey(ref), (bytes) => storedText(bytes));
  return named === undefined ? undefined : await call.cached(issuerKey(named), decodeIssuer);
}

/** The same; a 400 where there is none. */
export async function requireIssuer(call: Reader, ref: string): Promise<Issuer> {
  const issuer = await findIssuer(call, ref);
  if (issuer !== undefined) return issuer;
  if (ref === "default") throw badRequest("no default issuer is currently configured");
  throw badRequest(`unable to find the issuer: ${ref}`);
}

/** An issuer that may be used so; a 400 where it may not. */
export async function issuerFor(call: Reader, ref: string, usage: Usage): Promise<Issuer> {
  const issuer = await requireIssuer(call, ref);
  if (!issuer.usage.includes(usage)) {
    throw badRequest(`the issuer ${ref} may not be used for ${usage}`);
  }
  if (issuer.keyId === "") throw badRequest(`the issuer ${ref} has no key here`);
  return issuer;
}

/** Ids of all issuers. */
export async function listIssuers(storage: View): Promise<string[]> {
  return await storage.list("config/issuer/");
}

/** All issuers. */
export async function readIssuers(call: Reader): Promise<Issuer[]> {
  const found: Issuer[] = [];
  for (const id of await listIssuers(call.storage)) {
    const issuer = await call.cached(issuerKey(id), decodeIssuer);
    if (issuer !== undefined) found.push(issuer);
  }
  return found;
}

export function putIssuer(storage: View, issuer: StoredIssuer, before?: StoredIssuer): void {
  if (before !== undefined && before.name !== "" && before.name !== issuer.name) {
    storage.delete(nameKey(before.name));
  }
  const stored: StoredIssuer & { readonly parsed?: undefined } = { ...issuer, parsed: undefined };
  storage.put(issuerKey(issuer.id), utf8(JSON.stringify(stored)));
  if (issuer.name !== "") storage.put(nameKey(issuer.name), utf8(issuer.id));
}

export function removeIssuer(storage: View, issuer: StoredIssuer): void {
  storage.delete(issuerKey(issuer.id));
  if (issuer.name !== "") storage.delete(nameKey(issuer.name));
}

/** A 400 where a name is taken by another issuer. */
export async function checkIssuerName(call: Reader, name: string, ownId = ""): Promise<void> {
  if (name === "") return;
  checkRefName("issuer", name);
  const other = await findIssuer(call, name);
  if (other !== undefined && other.id !== ownId) {
    throw badRequest(`an issuer with the name ${name} exists already`);
  }
}

/** The certificates above an issuer, its own first. */
export async function issuerChain(call: Reader, issuer: Issuer): Promise<Issuer[]> {
  const chain: Issuer[] = [];
  for (const id of issuer.manualChain ?? issuer.chain) {
    const link = id === issuer.id ? issuer : await call.cached(issuerKey(id), decodeIssuer);
    if (link !== undefined) chain.push(link);
  }
  return chain.length === 0 ? [issuer] : chain;
}
