/** `ocsp`: whether a certificate is revoked, for whoever asks. */
import { type Bytes, fromBase64, sameBytes } from "../../base/bytes.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { DerError } from "../../crypto/der.ts";
import { publicKeyBits } from "../../crypto/x509/certificate.ts";
import {
  type CertificateId,
  makeOcspAnswer,
  ocspRefusal,
  type OcspRequest,
  readOcspRequest,
  type SingleAnswer,
} from "../../crypto/x509/ocsp.ts";
import { namedScheme, schemeFor } from "../../crypto/x509/signature.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { readRevocation } from "./certificate_store.ts";
import { crlConfig, durationMs } from "./crl_config.ts";
import { type Engine, platformOf } from "./engine.ts";
import { findIssuer, type Issuer, readIssuers } from "./issuer_store.ts";

function answered(status: number, body: Bytes): LogicalResponse {
  return { raw: { status, contentType: "application/ocsp-response", body } };
}

function ofIssuer(engine: Engine, { parsed }: Issuer, id: CertificateId): CertificateId {
  const { crypto } = platformOf(engine);
  return {
    ...id,
    nameHash: crypto.hash(id.hash, parsed.subject),
    keyHash: crypto.hash(id.hash, publicKeyBits(parsed.publicKey)),
  };
}

/** Issuers that a request may be about: of this name and key. */
function issuersOf(engine: Engine, issuers: readonly Issuer[], id: CertificateId): Issuer[] {
  return issuers.filter((issuer) => {
    const own = ofIssuer(engine, issuer, id);
    return sameBytes(own.nameHash, id.nameHash) && sameBytes(own.keyHash, id.keyHash);
  });
}

function parsed(bytes: Bytes | undefined): OcspRequest | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  try {
    return readOcspRequest(bytes);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

async function answer(engine: Engine, call: Call, text: string): Promise<LogicalResponse> {
  const config = await crlConfig(call);
  if (config.ocsp_disable) return answered(401, ocspRefusal("unauthorized"));
  const request = parsed(fromBase64(text.padEnd(Math.ceil(text.length / 4) * 4, "=")));
  const [first] = request?.asked ?? [];
  if (request === undefined || first === undefined) return answered(400, ocspRefusal("malformed"));
  const found = issuersOf(engine, await readIssuers(call), first);
  // One that knows nothing of the issuer says so in its own name.
  const candidates = found.length > 0 ? found : [await findIssuer(call, "default")];
  const responder = candidates.find((issuer) =>
    issuer !== undefined && issuer.keyId !== "" && issuer.usage.includes("ocsp-signing")
  );
  if (responder === undefined) return answered(401, ocspRefusal("unauthorized"));
  const answers = await Promise.all(
    request.asked.map((id) => tell(engine, call, id, found, responder)),
  );
  const now = platformOf(engine).clock.now();
  const expiry = durationMs(config.ocsp_expiry);
  const der = await engine.keys.with(call.storage, responder.keyId, (key) =>
    makeOcspAnswer(
      {
        name: responder.parsed.subject,
        certificate: responder.parsed.der,
        thisUpdate: now,
        nextUpdate: expiry > 0 ? now + expiry : undefined,
        answers,
        nonce: request.nonce,
      },
      key,
      namedScheme(responder.revocationAlgorithm)?.scheme ?? schemeFor(key.algorithm, 0, false),
    ));
  return answered(200, der);
}

/** A serial number that is not revoked is good: certificates that are not kept can't be known. */
async function tell(
  engine: Engine,
  call: Call,
  id: CertificateId,
  issuers: readonly Issuer[],
  responder: Issuer,
): Promise<SingleAnswer> {
  if (issuersOf(engine, issuers, id).length === 0) {
    return { id: ofIssuer(engine, responder, id), status: "unknown" };
  }
  const revocation = await readRevocation(call.storage, id.serial);
  const isTheirs = issuers.some((issuer) => issuer.id === revocation?.issuerId);
  if (revocation === undefined || !isTheirs) return { id, status: "good" };
  return { id, status: { revoked: revocation.time } };
}

export function ocspPaths(engine: Engine): Path[] {
  const summary = "Tells whether a certificate is revoked.";
  return [
    path("ocsp/?", {
      summary,
      description: "The body is the question in DER, of the type application/ocsp-request.",
      unauthenticated: true,
      fields: { req: field.string("The question, base64.", "") },
      operations: {
        update: { summary, standby: true, handler: (call, { req }) => answer(engine, call, req) },
      },
    }),
    path("ocsp/+req", {
      summary,
      params: { req: "The question, base64" },
      unauthenticated: true,
      operations: {
        read: { summary, standby: true, handler: (call, { req }) => answer(engine, call, req) },
      },
    }),
  ];
}
