/** Roots: `root/generate`, `root/rotate`, `root/replace`, and the end of all issuers. */
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { schemeName } from "../../crypto/x509/signature.ts";
import type { KeyUsage } from "../../crypto/x509/extensions.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { addIssuers } from "./add_issuer.ts";
import { certificateBody, privateKeyBody } from "./answer.ts";
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
import type { Engine } from "./engine.ts";
import {
  checkIssuerName,
  findIssuer,
  issuersConfig,
  putIssuersConfig,
  readIssuers,
  removeIssuer,
  requireIssuer,
} from "./issuer_store.ts";
import { deleteKey, readKeys } from "./key_store.ts";
import { authorityFields, checkFormats, keyFields } from "./request_fields.ts";
import { keyIdOf, signPlan } from "./sign.ts";
import { hasUrls, mountUrls, noUrls } from "./urls.ts";
import { authorityExtendedUsages } from "./usages.ts";

export const authorityUsages: ReadonlySet<KeyUsage> = new Set(["CertSign", "CRLSign"]);

const rootFields = {
  ...authorityFields,
  ...keyFields,
  issuer_name: field.string("A name for the issuer.", ""),
};

interface RootInput extends SubjectInput, KeyInput {
  readonly issuer_name: string;
  readonly format: string;
  readonly private_key_format: string;
  readonly ttl: number | undefined;
  readonly not_after: string;
  readonly not_before: string;
  readonly not_before_duration: number;
  readonly max_path_length: number;
  readonly permitted_dns_domains: readonly string[];
  readonly ext_key_usage: string[];
  readonly ext_key_usage_oids: string[];
}

async function generateRoot(
  engine: Engine,
  call: Call,
  input: RootInput,
  exported: string,
): Promise<LogicalResponse> {
  const source = keySource(exported);
  checkExisting(call, source);
  checkPathLength(input.max_path_length);
  checkFormats(input);
  await checkIssuerName(call, input.issuer_name);
  const life = authorityLife(engine, call, input);
  const subject = subjectOf(input);
  const names = authorityNames(input);
  const configured = await mountUrls(call);
  const urls = configured.templates ? noUrls : configured;
  return await withKey(engine, call, source, input, async (key, info, scheme) => {
    const publicKey = key.publicKey.spki();
    const keyId = keyIdOf(engine, publicKey);
    const signed = await signPlan(engine, {
      subject,
      publicKey,
      names,
      life,
      usages: authorityUsages,
      extendedUsages: authorityExtendedUsages(input),
      constraints: { isAuthority: true, pathLength: input.max_path_length },
      policies: [],
      permittedDomains: input.permitted_dns_domains,
      urls,
      keyId,
      given: [],
    }, { key, scheme, name: subject, keyId });
    const [issuer] = await addIssuers(engine, call, [{
      certificate: signed.der,
      name: input.issuer_name,
      keyId: info.id,
      revocationAlgorithm: schemeName(key.algorithm, scheme),
    }]);
    engine.crls.rebuildAfter(call);
    const secret = source === "exported" ? privateKeyBody(key, input) : undefined;
    const warnings = [...life.warnings];
    if (!hasUrls(configured)) warnings.push(noUrlsWarning);
    if (input.common_name === "") warnings.push("the certificate has no common name");
    return {
      data: {
        ...certificateBody(signed.der, input, [], secret),
        expiration: Math.floor(life.notAfter / 1000),
        serial_number: signed.serialText,
        issuer_id: issuer?.id ?? "",
        issuer_name: input.issuer_name,
        key_id: info.id,
        key_name: info.name,
        ...secret,
      },
      ...(warnings.length === 0 ? {} : { warnings }),
    };
  });
}

async function setDefault(call: Call, ref: string): Promise<LogicalResponse> {
  const issuer = await requireIssuer(call, ref);
  const config = { ...await issuersConfig(call), defaultId: issuer.id };
  putIssuersConfig(call.storage, config);
  return {
    data: { default: issuer.id, default_follows_latest_issuer: config.followsLatest },
    ...(issuer.keyId === "" ? { warnings: ["the default issuer has no key here"] } : {}),
  };
}

async function deleteAll(engine: Engine, call: Call): Promise<LogicalResponse> {
  const issuers = await readIssuers(call);
  for (const issuer of issuers) {
    removeIssuer(call.storage, issuer);
    await engine.crls.forget(call.storage, issuer.id);
  }
  for (const key of await readKeys(call.storage)) await deleteKey(call, key);
  putIssuersConfig(call.storage, { ...await issuersConfig(call), defaultId: "" });
  if (issuers.length === 0) return { status: 200 };
  return {
    warnings: [`all issuers (${issuers.length}) and keys were deleted: nothing can be issued now`],
  };
}

export function rootPaths(engine: Engine): Path[] {
  const summary = "Makes a root: a key and a certificate signed by itself.";
  const generate = (pattern: "root/generate/:exported" | "issuers/generate/root/:exported") =>
    path(pattern, {
      summary,
      params: { exported: "internal, exported or existing" },
      fields: rootFields,
      operations: {
        update: {
          summary,
          handler: (call, input) => generateRoot(engine, call, input, input.exported),
        },
      },
    });
  return [
    generate("root/generate/:exported"),
    generate("issuers/generate/root/:exported"),
    path("root/rotate/:exported", {
      summary: "Makes another root, named next unless it is named otherwise.",
      params: { exported: "internal, exported or existing" },
      fields: rootFields,
      operations: {
        update: {
          summary,
          handler: async (call, input) => {
            const isTaken = await findIssuer(call, "next") !== undefined;
            const issuer_name = input.issuer_name || (isTaken ? "" : "next");
            return await generateRoot(engine, call, { ...input, issuer_name }, input.exported);
          },
        },
      },
    }),
    path("root/replace", {
      summary: "Makes an issuer the default.",
      fields: { default: field.string("The issuer: id or name.", "next") },
      operations: {
        update: {
          summary: "Makes it the default.",
          handler: (call, input) => setDefault(call, input.default),
        },
      },
    }),
    path("root", {
      summary: "All issuers and keys of the mount.",
      sudo: true,
      operations: {
        delete: {
          summary: "Deletes them. What they issued stays.",
          handler: (call) => deleteAll(engine, call),
        },
      },
    }),
  ];
}
