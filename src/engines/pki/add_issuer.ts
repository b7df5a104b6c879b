/** New issuers: who stands above whom is found once, when the set changes, not at each request. */
import { type Bytes, sameBytes, toBase64 } from "../../base/bytes.ts";
import type { KeyProvider } from "../../crypto/keys.ts";
import { type Certificate, isIssuedBy, readCertificate } from "../../crypto/x509/certificate.ts";
import { putCertificate } from "./certificate_store.ts";
import { type Engine, platformOf } from "./engine.ts";
import {
  type Issuer,
  issuersConfig,
  putIssuer,
  putIssuersConfig,
  readIssuers,
  type StoredIssuer,
  USAGES,
} from "./issuer_store.ts";
import type { Reader } from "./key_store.ts";

/** Of each issuer the ids above it, itself first: parents before grandparents, roots last. */
export async function findChains(
  keys: KeyProvider,
  issuers: readonly { readonly id: string; readonly parsed: Certificate }[],
): Promise<Map<string, string[]>> {
  const parents = new Map<string, string[]>();
  for (const { id, parsed } of issuers) {
    const above: { id: string; isRoot: boolean }[] = [];
    for (const other of issuers) {
      if (other.id === id || !await isIssuedBy(keys, parsed, other.parsed)) continue;
      const isRoot = sameBytes(other.parsed.subject, other.parsed.issuer);
      above.push({ id: other.id, isRoot });
    }
    above.sort((a, b) => Number(a.isRoot) - Number(b.isRoot));
    const isRoot = sameBytes(parsed.subject, parsed.issuer);
    parents.set(id, isRoot ? [] : above.map((parent) => parent.id));
  }
  return new Map(issuers.map(({ id }) => [id, climb(id, parents)]));
}

function climb(start: string, parents: ReadonlyMap<string, readonly string[]>): string[] {
  const chain = [start];
  for (const id of chain) {
    for (const parent of parents.get(id) ?? []) if (!chain.includes(parent)) chain.push(parent);
  }
  return chain;
}

/** Writes the chains of all issuers that are not as they were. */
export async function rebuildChains(
  engine: Engine,
  call: Reader,
  issuers: readonly (Issuer | (StoredIssuer & { readonly parsed: Certificate }))[],
): Promise<void> {
  const chains = await findChains(platformOf(engine).crypto.keys, issuers);
  for (const issuer of issuers) {
    const chain = chains.get(issuer.id) ?? [issuer.id];
    if (chain.join() !== issuer.chain.join()) putIssuer(call.storage, { ...issuer, chain });
  }
}

export interface NewIssuer {
  readonly certificate: Bytes;
  readonly name: string;
  /** "" where its key is not here. */
  readonly keyId: string;
  readonly revocationAlgorithm: string;
}

/** Keeps issuers; the first of a mount becomes the default. Their certificates are kept as such too. */
export async function addIssuers(
  engine: Engine,
  call: Reader,
  added: readonly NewIssuer[],
): Promise<StoredIssuer[]> {
  const { random } = platformOf(engine);
  const before = await readIssuers(call);
  const made = added.map(({ certificate, name, keyId, revocationAlgorithm }) => {
    const id = random.uuid();
    const issuer: StoredIssuer & { readonly parsed: Certificate } = {
      id,
      name,
      keyId,
      certificate: toBase64(certificate),
      leafNotAfter: "err",
      usage: USAGES,
      revocationAlgorithm,
      revocationTime: 0,
      chain: [],
      parsed: readCertificate(certificate),
    };
    return issuer;
  });
  for (const issuer of made) {
    putIssuer(call.storage, { ...issuer, chain: [issuer.id] });
    putCertificate(call.storage, issuer.parsed);
  }
  await rebuildChains(engine, call, [...before, ...made]);
  const config = await issuersConfig(call);
  const withKey = made.filter(({ keyId }) => keyId !== "");
  const first = withKey[0] ?? made[0];
  if (first !== undefined && (config.defaultId === "" || config.followsLatest)) {
    const latest = config.followsLatest && withKey.length === 1 ? withKey[0] : undefined;
    const chosen = config.defaultId === "" ? first : latest;
    if (chosen !== undefined) putIssuersConfig(call.storage, { ...config, defaultId: chosen.id });
  }
  return made;
}
