/** Signing of another root by an issuer of ours, so that whoever trusts this one trusts that one. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { isIssuedBy, makeCertificate, readCertificate } from "../../crypto/x509/certificate.ts";
import {
  authorityInfo,
  authorityKeyId,
  crlPoints,
  EXTENSION,
} from "../../crypto/x509/extensions.ts";
import { schemeFor } from "../../crypto/x509/signature.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { certificatePem } from "./answer.ts";
import { type Engine, platformOf, readable } from "./engine.ts";
import { issuerFor } from "./issuer_store.ts";
import { readPem } from "./pem.ts";
import { urlsOf } from "./urls.ts";

const replaced: readonly string[] = [
  EXTENSION.authorityKeyId,
  EXTENSION.authorityInfo,
  EXTENSION.crlPoints,
];

const fields = {
  certificate: field.string("The root's certificate in PEM.", ""),
  require_matching_certificate_algorithms: field.bool("Both keys must be of one kind.", false),
};

async function signSelfIssued(
  engine: Engine,
  call: Call,
  input: {
    readonly certificate: string;
    readonly require_matching_certificate_algorithms: boolean;
  },
  issuerRef: string,
): Promise<LogicalResponse> {
  const pem = readPem(input.certificate, "certificate", ["CERTIFICATE"]);
  const given = await readable("certificate", () => readCertificate(pem));
  const { keys } = platformOf(engine).crypto;
  if (given.basicConstraints?.isAuthority !== true) {
    throw badRequest("the given certificate is not a CA certificate");
  }
  if (!await isIssuedBy(keys, given, given)) {
    throw badRequest("the given certificate is not self-issued");
  }
  const issuer = await issuerFor(call, issuerRef, "issuing-certificates");
  const urls = await urlsOf(call, issuer);
  const own = [
    issuer.parsed.keyId && authorityKeyId(issuer.parsed.keyId),
    authorityInfo(urls.ocsp, urls.issuers),
    crlPoints(urls.crls),
  ].filter((extension) => extension !== undefined);
  const der = await engine.keys.with(call.storage, issuer.keyId, async (key) => {
    const { type } = keys.importSpki(given.publicKey).algorithm;
    if (input.require_matching_certificate_algorithms && type !== key.algorithm.type) {
      throw badRequest("the keys of the certificate and of its issuer are of different kinds");
    }
    const kept = given.extensions.filter((found) => !replaced.includes(found.type));
    const extensions = [...kept.map(({ whole }) => whole), ...own];
    return await makeCertificate(
      { ...given, issuer: issuer.parsed.subject, extensions },
      key,
      schemeFor(key.algorithm, 0, false),
    );
  });
  return {
    data: { certificate: certificatePem(der), issuing_ca: certificatePem(issuer.parsed.der) },
  };
}

export function selfIssuedPaths(engine: Engine): Path[] {
  const summary = "Signs the certificate of another root.";
  return [
    path("root/sign-self-issued", {
      summary,
      sudo: true,
      fields: { ...fields, issuer_ref: field.string("The issuer: id or name.", "default") },
      operations: {
        update: {
          summary,
          handler: (call, input) => signSelfIssued(engine, call, input, input.issuer_ref),
        },
      },
    }),
    path("issuer/:issuer_ref/sign-self-issued", {
      summary,
      sudo: true,
      fields,
      operations: {
        update: {
          summary,
          handler: (call, input) => signSelfIssued(engine, call, input, input.issuer_ref),
        },
      },
    }),
  ];
}
