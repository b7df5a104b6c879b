/** Issuing a leaf by a role: for a new key, or for a request's. */
import { sameBytes } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import { NotAnswered } from "../../core/not_answered.ts";
import type { SigningKey } from "../../crypto/keys.ts";
import { EXTENSION, type Extension, noAltNames } from "../../crypto/x509/extensions.ts";
import { encodeName } from "../../crypto/x509/name.ts";
import {
  type CertificateRequest,
  isSelfSigned,
  readCertificateRequest,
} from "../../crypto/x509/request.ts";
import { requestSchemeFor, schemeFor } from "../../crypto/x509/signature.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { certificateBody, certificateText, privateKeyBody } from "./answer.ts";
import { askerOf } from "./asker.ts";
import { putCertificate } from "./certificate_store.ts";
import { type Engine, platformOf, readable } from "./engine.ts";
import { type Issuer, issuerChain, issuerFor } from "./issuer_store.ts";
import { checkRequestKey, makeKey } from "./key_types.ts";
import { type Lifetime, lifetime, withinIssuer } from "./lifetime.ts";
import { readPem } from "./pem.ts";
import { checkFormats } from "./request_fields.ts";
import { checkNames, type NamesAsked, readNames } from "./requested_names.ts";
import { readPolicies, type Role } from "./role.ts";
import { type Plan, type Signed, signPlan } from "./sign.ts";
import { urlsOf } from "./urls.ts";
import { extendedUsages, keyUsages } from "./usages.ts";

export interface LeafInput extends NamesAsked {
  readonly ttl: number | undefined;
  readonly not_after: string;
  readonly not_before: string;
  readonly format: string;
  readonly private_key_format: string;
  readonly remove_roots_from_chain: boolean;
}

/** How a leaf is made. */
export interface LeafOrder {
  readonly role: Role;
  readonly issuerRef: string;
  readonly input: LeafInput;
  /** Undefined: a new key is made, and answered. */
  readonly request?: CertificateRequest;
  /** The request's subject and extensions are taken as they are. */
  readonly verbatim?: boolean;
  /** Of a new key, where the role lets the request say so. */
  readonly keyType?: string;
  readonly keyBits?: number;
}

/** A request in PEM, whose signature is right; a 400 for others. */
export async function readRequest(engine: Engine, csr: string): Promise<CertificateRequest> {
  if (csr.trim() === "") throw badRequest(`"csr" is empty`);
  const labels = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];
  const der = readPem(csr, "csr", labels);
  const request = await readable("csr", () => readCertificateRequest(der));
  if (!await isSelfSigned(platformOf(engine).crypto.keys, request)) {
    throw badRequest("the signature of the certificate request is invalid");
  }
  return request;
}

/** Issues a leaf, keeps it unless the role says otherwise, and answers with it. */
export async function issueLeaf(
  engine: Engine,
  call: Call,
  order: LeafOrder,
): Promise<LogicalResponse> {
  const { role, input, request } = order;
  const now = platformOf(engine).clock.now();
  const isOpen = role.key_type === "any";
  if (!role.no_store || role.generate_lease) requireActive(engine);
  checkFormats(input);
  if (request !== undefined) {
    const { keys } = platformOf(engine).crypto;
    const algorithm = await readable("csr", () => keys.importSpki(request.publicKey).algorithm);
    checkRequestKey(algorithm, role);
  } else if (isOpen && !order.keyType) {
    throw badRequest(`role key type "any" not allowed for issuing certificates, only signing`);
  }
  const issuer = await issuerFor(call, order.issuerRef, "issuing-certificates");
  const { plan, warnings } = await planLeaf(engine, call, order, issuer);
  if (!isOpen && (order.keyType || order.keyBits)) {
    warnings.push("key_type and key_bits were ignored: the role says what they are");
  }
  if (request !== undefined) {
    const { publicKey } = request;
    const signed = await signLeaf(engine, call, role, issuer, { ...plan, publicKey }, true);
    return await answerLeaf(call, now, order, issuer, plan.life, signed, warnings);
  }
  const key = await makeKey(
    platformOf(engine).crypto.keys,
    isOpen ? order.keyType ?? "" : role.key_type,
    isOpen ? order.keyBits ?? 0 : role.key_bits,
  );
  try {
    const publicKey = key.publicKey.spki();
    const signed = await signLeaf(engine, call, role, issuer, { ...plan, publicKey }, false);
    return await answerLeaf(call, now, order, issuer, plan.life, signed, warnings, key);
  } finally {
    key.destroy();
  }
}

/** A standby passes on what it would have to write, before a key is made for it. */
function requireActive({ services }: Engine): void {
  if (services().isStandby) throw new NotAnswered("certificates are kept by the active node");
}

type KeylessPlan = Omit<Plan, "publicKey">;

async function planLeaf(
  engine: Engine,
  call: Call,
  { role, input, request, verbatim = false }: LeafOrder,
  issuer: Issuer,
): Promise<{ plan: KeylessPlan; warnings: string[] }> {
  const requested = await readable("csr", () => readNames(input, role, request));
  const asker = await askerOf(engine, call, role);
  if (!verbatim) checkNames(requested, role, asker, asker.uris);
  const life = lifetime(
    { ttl: input.ttl, notAfter: input.not_after, notBefore: input.not_before },
    {
      ttl: role.ttl,
      maxTtl: role.max_ttl,
      notBeforeDuration: role.not_before_duration,
      notBefore: role.not_before,
      notBeforeBound: role.not_before_bound,
      notAfter: role.not_after,
      notAfterBound: role.not_after_bound,
    },
    call.mount,
    platformOf(engine).clock.now(),
  );
  const end = { notAfter: issuer.parsed.notAfter, behavior: issuer.leafNotAfter };
  const within = withinIssuer(life, end);
  const plan: KeylessPlan = {
    subject: verbatim && request !== undefined ? request.subject : encodeName({
      country: role.country,
      province: role.province,
      locality: role.locality,
      streetAddress: role.street_address,
      postalCode: role.postal_code,
      organization: role.organization,
      organizationalUnit: role.ou,
      commonName: requested.commonName,
      serialNumber: requested.serialNumber,
      userIds: requested.userIds,
    }),
    names: verbatim ? noAltNames : requested.names,
    life: within,
    usages: keyUsages(role.key_usage),
    extendedUsages: extendedUsages(role),
    ...(role.basic_constraints_valid_for_non_ca ? { constraints: { isAuthority: false } } : {}),
    policies: readPolicies(role.policy_identifiers),
    permittedDomains: [],
    urls: await urlsOf(call, issuer),
    given: verbatim && request !== undefined ? takenOver(request.extensions) : [],
  };
  return { plan, warnings: [...requested.warnings, ...life.warnings] };
}

/** Of a request's extensions: all but those by which it would become an authority's. */
export function takenOver(extensions: readonly Extension[]): Extension[] {
  const ours: readonly string[] = [
    EXTENSION.basicConstraints,
    EXTENSION.authorityKeyId,
    EXTENSION.subjectKeyId,
  ];
  return extensions.filter(({ type }) => !ours.includes(type));
}

async function signLeaf(
  engine: Engine,
  call: Call,
  role: Role,
  issuer: Issuer,
  plan: Plan,
  isOfRequest: boolean,
): Promise<Signed> {
  return await engine.keys.with(call.storage, issuer.keyId, (key) =>
    signPlan(engine, plan, {
      key,
      scheme: (isOfRequest ? requestSchemeFor : schemeFor)(
        key.algorithm,
        role.signature_bits,
        role.use_pss,
      ),
      name: issuer.parsed.subject,
      keyId: issuer.parsed.keyId,
    }));
}

async function answerLeaf(
  call: Call,
  now: number,
  { role, input }: LeafOrder,
  issuer: Issuer,
  life: Pick<Lifetime, "notBefore" | "notAfter">,
  signed: Signed,
  warnings: readonly string[],
  key?: SigningKey,
): Promise<LogicalResponse> {
  if (!role.no_store) putCertificate(call.storage, signed);
  const whole = await issuerChain(call, issuer);
  const chain = whole.filter(({ parsed }) =>
    !input.remove_roots_from_chain || !sameBytes(parsed.subject, parsed.issuer)
  ).map(({ parsed }) => parsed.der);
  const secret = key === undefined ? undefined : privateKeyBody(key, input);
  const seconds = (ms: number) => Math.floor(ms / 1000);
  const body = certificateBody(signed.der, input, chain, secret);
  const response: LogicalResponse = {
    data: {
      ...body,
      issuing_ca: certificateText(issuer.parsed.der, input.format),
      ca_chain: chain.map((der) => certificateText(der, input.format)),
      serial_number: signed.serialText,
      not_before: seconds(life.notBefore),
      expiration: seconds(life.notAfter),
      ...secret,
    },
  };
  if (warnings.length > 0) response.warnings = [...warnings];
  if (!role.generate_lease) return response;
  const ttl = Math.max(1, seconds(life.notAfter) - seconds(now));
  response.secret = {
    ttlSeconds: ttl,
    maxTtlSeconds: ttl,
    renewable: false,
    internalData: { serial_number: signed.serialText },
  };
  return response;
}
