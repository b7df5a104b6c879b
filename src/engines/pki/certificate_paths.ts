/** What needs no token: certificates of issuers, of serial numbers; and the lists of what was issued. */
import type { Bytes } from "../../base/bytes.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import { type Page, pageFields, pageOptions } from "../../backend/page.ts";
import { type Path, path, standbyReads } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { readCertificate } from "../../crypto/x509/certificate.ts";
import { commonNameOf, formatName } from "../../crypto/x509/name.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { certificatePem } from "./answer.ts";
import {
  certificateFolder,
  listedSerial,
  readRevocation,
  readSerial,
  readStoredCertificate,
  revokedFolder,
} from "./certificate_store.ts";
import { type Engine, platformOf } from "./engine.ts";
import { findIssuer, issuerChain, requireIssuer } from "./issuer_store.ts";
import { bitsOf, typeOf } from "./key_types.ts";
import { namesOf } from "./requested_names.ts";

/** An answer that is a file, or an empty 204 where there is none. */
export function rawAnswer(contentType: string, body: Bytes | string | undefined): LogicalResponse {
  return body === undefined
    ? { raw: { status: 204, contentType: "", body: null } }
    : { raw: { status: 200, contentType, body } };
}

export const CONTENT = {
  certificate: "application/pkix-cert",
  chain: "application/pem-certificate-chain",
  crl: "application/pkix-crl",
  pem: "application/x-pem-file",
} as const;

const rfc3339 = (ms: number) => new Date(ms).toISOString();

const unrevoked = { revocation_time: 0, revocation_time_rfc3339: "" };

async function chainPem(call: Call, ref: string): Promise<string | undefined> {
  const issuer = await findIssuer(call, ref);
  if (issuer === undefined) return undefined;
  return (await issuerChain(call, issuer)).map(({ parsed }) => certificatePem(parsed.der))
    .join("\n");
}

async function bySerial(call: Call, text: string): Promise<Bytes | undefined> {
  const serial = readSerial(text);
  if (serial === undefined) throw notFound(`${text} is no serial number`);
  return await readStoredCertificate(call.storage, serial);
}

async function readOne(call: Call, text: string): Promise<LogicalResponse> {
  if (text === "ca") {
    const { parsed } = await requireIssuer(call, "default");
    return { data: { certificate: certificatePem(parsed.der), ...unrevoked } };
  }
  if (text === "ca_chain") {
    const chain = await chainPem(call, "default");
    if (chain === undefined) throw badRequest("no default issuer is currently configured");
    return { data: { certificate: chain, ca_chain: chain, ...unrevoked } };
  }
  const der = await bySerial(call, text);
  if (der === undefined) throw notFound();
  const revocation = await readRevocation(call.storage, readCertificate(der).serial);
  const shown = { certificate: certificatePem(der) };
  if (revocation === undefined) return { data: { ...shown, ...unrevoked } };
  return {
    data: {
      ...shown,
      revocation_time: Math.floor(revocation.time / 1000),
      revocation_time_rfc3339: rfc3339(revocation.time),
      ...(revocation.issuerId === "" ? {} : { issuer_id: revocation.issuerId }),
    },
  };
}

async function listSerials(call: Call, folder: string, page: Page): Promise<string[]> {
  const after = page.after?.replaceAll(":", "-");
  return await call.storage.list(folder, pageOptions({ ...page, after }));
}

async function listDetailed(engine: Engine, call: Call, page: Page): Promise<LogicalResponse> {
  const info: JsonObject = {};
  const names = await listSerials(call, certificateFolder, page);
  for (const name of names) {
    const der = await call.storage.get(certificateFolder + name);
    if (der === undefined) continue;
    const certificate = readCertificate(der.slice());
    const { algorithm } = platformOf(engine).crypto.keys.importSpki(certificate.publicKey);
    const dns = namesOf(certificate)?.dns ?? [];
    info[listedSerial(name)] = {
      common_name: commonNameOf(certificate.subject),
      dns_names: dns.length === 0 ? null : [...dns],
      issuer: formatName(certificate.issuer),
      key_type: typeOf(algorithm),
      key_bits: bitsOf(algorithm),
      not_before: rfc3339(certificate.notBefore).replace(".000Z", "Z"),
      not_after: rfc3339(certificate.notAfter).replace(".000Z", "Z"),
    };
  }
  return { data: { keys: names.map(listedSerial), key_info: info } };
}

function listPaths(engine: Engine): Path[] {
  return [
    path("certs/?", {
      summary: "Serial numbers of what was issued and kept.",
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: {
          summary: "Lists them.",
          handler: async (call, page) => ({
            data: { keys: (await listSerials(call, certificateFolder, page)).map(listedSerial) },
          }),
        },
      },
    }),
    path("certs/detailed/?", {
      summary: "Serial numbers of what was issued, and what is said in it.",
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: { summary: "Lists them.", handler: (call, page) => listDetailed(engine, call, page) },
      },
    }),
    path("certs/revoked/?", {
      summary: "Serial numbers of what was revoked.",
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: {
          summary: "Lists them.",
          handler: async (call, page) => ({
            data: { keys: (await listSerials(call, revokedFolder, page)).map(listedSerial) },
          }),
        },
      },
    }),
  ];
}

const summary = "The issuer's certificate.";

/** A path that answers a file to whoever asks. */
function file<P extends "ca/?" | "ca/pem" | "ca_chain/?">(
  pattern: P,
  about: string,
  answer: (call: Call) => Promise<LogicalResponse>,
): Path {
  return path(pattern, {
    summary: about,
    unauthenticated: true,
    operations: { read: { summary: about, handler: (call) => answer(call) } },
  });
}

async function issuerFile(call: Call, ref: string, form: "der" | "pem"): Promise<LogicalResponse> {
  const issuer = await findIssuer(call, ref);
  const der = issuer?.parsed.der;
  if (form === "der") return rawAnswer(CONTENT.certificate, der);
  return rawAnswer(CONTENT.chain, der && certificatePem(der));
}

export function certificatePaths(engine: Engine): Path[] {
  return standbyReads([
    ...listPaths(engine),
    file("ca/?", `${summary} DER.`, (call) => issuerFile(call, "default", "der")),
    file("ca/pem", `${summary} PEM.`, (call) => issuerFile(call, "default", "pem")),
    file(
      "ca_chain/?",
      "The issuer's certificate and those above it, PEM.",
      async (call) => rawAnswer(CONTENT.certificate, await chainPem(call, "default")),
    ),
    path("cert/:serial!", {
      summary: "A certificate: of a serial number, or ca, ca_chain, crl, delta-crl.",
      unauthenticated: true,
      operations: {
        read: {
          summary: "Reads it.",
          handler: async (call, { serial }) => {
            if (serial === "crl") return await engine.crls.readAsJson(call, "complete");
            if (serial === "delta-crl") return await engine.crls.readAsJson(call, "delta");
            return await readOne(call, serial);
          },
        },
      },
    }),
    path("cert/:serial!/raw", {
      summary: "A certificate in DER.",
      unauthenticated: true,
      operations: {
        read: {
          summary: "Reads it.",
          handler: async (call, { serial }) =>
            rawAnswer(CONTENT.certificate, await bySerial(call, serial)),
        },
      },
    }),
    path("cert/:serial!/raw/pem", {
      summary: "A certificate in PEM.",
      unauthenticated: true,
      operations: {
        read: {
          summary: "Reads it.",
          handler: async (call, { serial }) => {
            const der = await bySerial(call, serial);
            return rawAnswer(CONTENT.chain, der && certificatePem(der));
          },
        },
      },
    }),
    path("issuer/:issuer_ref/json", {
      summary,
      unauthenticated: true,
      operations: {
        read: {
          summary: "Reads it and those above it.",
          handler: async (call, { issuer_ref }) => {
            const issuer = await requireIssuer(call, issuer_ref);
            const chain = await issuerChain(call, issuer);
            return {
              data: {
                certificate: certificatePem(issuer.parsed.der) + "\n",
                ca_chain: chain.map(({ parsed }) => certificatePem(parsed.der) + "\n"),
                issuer_id: issuer.id,
                issuer_name: issuer.name,
              },
            };
          },
        },
      },
    }),
    ...(["der", "pem"] as const).map((form) =>
      path(`issuer/:issuer_ref/${form}`, {
        summary,
        unauthenticated: true,
        operations: {
          read: {
            summary: "Reads it.",
            handler: async (call, { issuer_ref }) => {
              await requireIssuer(call, issuer_ref);
              return await issuerFile(call, issuer_ref, form);
            },
          },
        },
      })
    ),
  ]);
}
