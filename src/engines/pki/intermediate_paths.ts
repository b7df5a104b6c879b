/** Intermediates: requests for their certificates, signing of these, and certificates from elsewhere. */
import { toBase64 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { toPem } from "../../crypto/keys.ts";
import { altNames, basicConstraints } from "../../crypto/x509/extensions.ts";
import { commonNameOf } from "../../crypto/x509/name.ts";
import { extensionRequest, makeCertificateRequest } from "../../crypto/x509/request.ts";
import { requestSchemeFor } from "../../crypto/x509/signature.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { certificateBody, certificateText, privateKeyBody } from "./answer.ts";
import {
  authorityLife,
  authorityNames,
  checkExisting,
  checkPathLength,
  type KeyInput,
  keySource,
  noUrlsWarning,
  type SubjectInput,
  subjectOf,
  withKey,
} from "./authority.ts";
import { putCertificate } from "./certificate_store.ts";
import { type Engine, readable } from "./engine.ts";
import { readRequest, takenOver } from "./issue.ts";
import { type Issuer, issuerChain, issuerFor } from "./issuer_store.ts";
import {
  authorityFields,
  authorityRequestFields,
  checkFormats,
  keyFields,
} from "./request_fields.ts";
import { namesOf } from "./requested_names.ts";
import { authorityUsages } from "./root_paths.ts";
import { selfIssuedPaths } from "./self_issued.ts";
import { signPlan } from "./sign.ts";
import { hasUrls, mountUrls, urlsOf } from "./urls.ts";
import { authorityExtendedUsages, keyUsages } from "./usages.ts";

const requestFields = {
  ...authorityRequestFields,
  ...keyFields,
  add_basic_constraints: field.bool("The request says that it is for an authority.", false),
};

const signFields = {
  ...authorityFields,
  csr: field.string("The request in PEM.", ""),
  use_csr_values: field.bool("Subject and extensions are those of the request.", false),
  signature_bits: field.int("Bits of the hash of RSA signatures.", 0),
  use_pss: field.bool("RSA signatures are PSS.", false),
  skid: field.string("The subject key id, in hexadecimal; that of the key by default.", ""),
  key_usage: field.list("Key usages beside those of an authority.", []),
};

interface RequestInput extends SubjectInput, KeyInput {
  readonly format: string;
  readonly private_key_format: string;
  readonly add_basic_constraints: boolean;
}

async function generateRequest(
  engine: Engine,
  call: Call,
  input: RequestInput,
  exported: string,
): Promise<LogicalResponse> {
  const source = keySource(exported);
  checkExisting(call, source);
  checkFormats(input);
  const subject = subjectOf(input);
  const alt = altNames(authorityNames(input), false);
  const extensions = [
    ...(alt === undefined ? [] : [alt]),
    ...(input.add_basic_constraints ? [basicConstraints(true)] : []),
  ];
  const hasAddresses = hasUrls(await mountUrls(call));
  return await withKey(engine, call, source, input, async (key, info, scheme) => {
    const der = await makeCertificateRequest(key, scheme, subject, extensionRequest(extensions));
    const secret = source === "exported" ? privateKeyBody(key, input) : undefined;
    const pem = toPem("CERTIFICATE REQUEST", der).trimEnd();
    const bundle = secret === undefined ? pem : `${secret.private_key}\n${pem}`;
    return {
      data: {
        csr: input.format === "der" ? toBase64(der) : input.format === "pem" ? pem : bundle,
        key_id: info.id,
        ...secret,
      },
      ...(hasAddresses ? {} : { warnings: [noUrlsWarning] }),
    };
  });
}

interface SignInput extends SubjectInput {
  readonly csr: string;
  readonly use_csr_values: boolean;
  readonly format: string;
  readonly private_key_format: string;
  readonly ttl: number | undefined;
  readonly not_after: string;
  readonly not_before: string;
  readonly not_before_duration: number;
  readonly max_path_length: number;
  readonly permitted_dns_domains: readonly string[];
  readonly signature_bits: number;
  readonly use_pss: boolean;
  readonly skid: string;
  readonly key_usage: readonly string[];
  readonly ext_key_usage: string[];
  readonly ext_key_usage_oids: string[];
}

/** How many authorities may stand below; a 400 where the issuer allows none. */
function pathLength({ parsed }: Issuer, asked: number): number {
  checkPathLength(asked);
  const own = parsed.basicConstraints?.pathLength;
  if (own === undefined) return asked;
  if (own === 0) {
    throw badRequest(
      "the signing certificate has a max path length of zero, and cannot issue further CA certificates",
    );
  }
  if (asked >= own) {
    throw badRequest(`max_path_length must be below that of the issuer, which is ${own}`);
  }
  return asked < 0 ? own - 1 : asked;
}

async function signIntermediate(
  engine: Engine,
  call: Call,
  input: SignInput,
  issuerRef: string,
): Promise<LogicalResponse> {
  checkFormats(input);
  const issuer = await issuerFor(call, issuerRef, "issuing-certificates");
  const request = await readRequest(engine, input.csr);
  const life = authorityLife(engine, call, input);
  const length = pathLength(issuer, input.max_path_length);
  const urls = await urlsOf(call, issuer);
  const skid = input.skid.replaceAll(":", "");
  if (!/^([0-9a-fA-F]{2})*$/.test(skid)) throw badRequest("skid is not hexadecimal");
  const warnings = [...life.warnings];
  if (!hasUrls(urls)) warnings.push(noUrlsWarning);
  if (life.notAfter > issuer.parsed.notAfter) {
    warnings.push("the certificate ends after that of its issuer, and is not valid from then on");
  }
  if (!input.use_csr_values && await readable("csr", () => namesOf(request)) !== undefined) {
    warnings.push("names in the CSR were ignored: use_csr_values takes them");
  }
  const commonName = await readable("csr", () => commonNameOf(request.subject));
  const named = { ...input, common_name: input.common_name || commonName };
  const given = input.use_csr_values ? takenOver(request.extensions) : [];
  const signed = await engine.keys.with(call.storage, issuer.keyId, (key) =>
    signPlan(engine, {
      subject: input.use_csr_values ? request.subject : subjectOf(named),
      publicKey: request.publicKey,
      names: authorityNames(input.use_csr_values ? { ...input, common_name: "" } : named),
      life,
      usages: new Set([...authorityUsages, ...keyUsages(input.key_usage)]),
      extendedUsages: authorityExtendedUsages(input),
      constraints: { isAuthority: true, pathLength: length },
      policies: [],
      permittedDomains: input.permitted_dns_domains,
      urls,
      ...(skid === "" ? {} : { keyId: Uint8Array.fromHex(skid) }),
      given,
    }, {
      key,
      scheme: requestSchemeFor(key.algorithm, input.signature_bits, input.use_pss),
      name: issuer.parsed.subject,
      keyId: issuer.parsed.keyId,
    }));
  putCertificate(call.storage, signed);
  const chain = (await issuerChain(call, issuer)).map(({ parsed }) => parsed.der);
  return {
    data: {
      ...certificateBody(signed.der, input, chain),
      ca_chain: [signed.der, ...chain].map((der) => certificateText(der, input.format)),
      serial_number: signed.serialText,
      expiration: Math.floor(life.notAfter / 1000),
    },
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

export function intermediatePaths(engine: Engine): Path[] {
  const summary = "Makes a key and a request for its certificate.";
  const signSummary = "Signs an intermediate's certificate.";
  const generate = (
    pattern: "intermediate/generate/:exported" | "issuers/generate/intermediate/:exported",
  ) =>
    path(pattern, {
      summary,
      params: { exported: "internal, exported or existing" },
      fields: requestFields,
      operations: {
        update: {
          summary,
          handler: (call, input) => generateRequest(engine, call, input, input.exported),
        },
      },
    });
  return [
    generate("intermediate/generate/:exported"),
    generate("issuers/generate/intermediate/:exported"),
    path("intermediate/cross-sign", {
      summary: "A request for another certificate of a key that is there.",
      fields: requestFields,
      operations: {
        update: {
          summary,
          handler: (call, input) => generateRequest(engine, call, input, "existing"),
        },
      },
    }),
    path("root/sign-intermediate", {
      summary: signSummary,
      fields: { ...signFields, issuer_ref: field.string("The issuer: id or name.", "default") },
      operations: {
        update: {
          summary: signSummary,
          handler: (call, input) => signIntermediate(engine, call, input, input.issuer_ref),
        },
      },
    }),
    path("issuer/:issuer_ref/sign-intermediate", {
      summary: signSummary,
      fields: signFields,
      operations: {
        update: {
          summary: signSummary,
          handler: (call, input) => signIntermediate(engine, call, input, input.issuer_ref),
        },
      },
    }),
    ...selfIssuedPaths(engine),
  ];
}
