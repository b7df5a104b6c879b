/** `issuers/`, `issuer/` and `config/issuers`. */
import { badRequest } from "../../base/failure.ts";
import { field, type FieldMap, type FieldValues, patchFields } from "../../backend/field.ts";
import { type Path, path, standbyReads } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { toPem } from "../../crypto/keys.ts";
import { namedScheme } from "../../crypto/x509/signature.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { rebuildChains } from "./add_issuer.ts";
import { serialText } from "./certificate_store.ts";
import type { Engine } from "./engine.ts";
import {
  checkIssuerName,
  findIssuer,
  type Issuer,
  issuerChain,
  issuersConfig,
  type LeafNotAfter,
  putIssuer,
  putIssuersConfig,
  readIssuers,
  removeIssuer,
  requireIssuer,
  type StoredIssuer,
  type Usage,
  USAGES,
} from "./issuer_store.ts";
import { findKey } from "./key_store.ts";
import { checkUrls, urlFields, type Urls } from "./urls.ts";

const fields = {
  issuer_name: field.string("Its name.", ""),
  leaf_not_after_behavior: field.string(
    "What becomes of certificates that would outlive it: err, truncate or permit.",
    "err",
  ),
  usage: field.list("What it may be used for.", [...USAGES]),
  manual_chain: field.list("Issuers above it, itself first.", []),
  revocation_signature_algorithm: field.string("How its revocation lists are signed.", ""),
  ...urlFields,
  enable_aia_url_templating: field.bool("Its addresses are templates.", false),
} satisfies FieldMap;

type IssuerInput = FieldValues<typeof fields>;

const rfc3339 = (seconds: number) => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");

const pem = (der: Uint8Array) => toPem("CERTIFICATE", der);

/** An issuer as reads show it. */
export async function issuerBody(call: Call, issuer: Issuer): Promise<JsonObject> {
  const chain = await issuerChain(call, issuer);
  const { urls } = issuer;
  const shown = (list: readonly string[] | undefined) => {
    if (urls === undefined) return [];
    return list === undefined || list.length === 0 ? null : [...list];
  };
  return {
    issuer_id: issuer.id,
    issuer_name: issuer.name,
    key_id: issuer.keyId,
    certificate: pem(issuer.parsed.der),
    ca_chain: chain.map(({ parsed }) => pem(parsed.der)),
    manual_chain: issuer.manualChain === undefined ? null : [...issuer.manualChain],
    leaf_not_after_behavior: issuer.leafNotAfter,
    usage: [...issuer.usage].sort().join(","),
    revocation_signature_algorithm: issuer.revocationAlgorithm,
    revoked: issuer.revocationTime > 0,
    ...(issuer.revocationTime > 0
      ? {
        revocation_time: issuer.revocationTime,
        revocation_time_rfc3339: rfc3339(issuer.revocationTime),
      }
      : {}),
    issuing_certificates: shown(urls?.issuers),
    crl_distribution_points: shown(urls?.crls),
    delta_crl_distribution_points: shown(urls?.deltas),
    ocsp_servers: shown(urls?.ocsp),
    ...(urls === undefined ? {} : { enable_aia_url_templating: urls.templates }),
  };
}

function leafNotAfter(text: string): LeafNotAfter {
  if (text === "err" || text === "truncate" || text === "permit") return text;
  throw badRequest("leaf_not_after_behavior must be err, truncate or permit");
}

function usages(names: readonly string[]): Usage[] {
  const wanted = new Set(names.filter((name) => name !== ""));
  for (const name of wanted) {
    if (!USAGES.some((known) => known === name)) {
      throw badRequest(`unknown usage: ${name}; ${USAGES.join(", ")} are known`);
    }
  }
  // Reading is always allowed.
  return USAGES.filter((usage) => usage === "read-only" || wanted.has(usage));
}

async function manualChain(call: Call, own: Issuer, refs: readonly string[]) {
  const ids: string[] = [];
  for (const ref of refs) {
    const id = ref === "self" ? own.id : (await requireIssuer(call, ref)).id;
    if (ids.includes(id)) throw badRequest(`manual_chain names ${ref} more than once`);
    ids.push(id);
  }
  if (ids.length > 0 && ids[0] !== own.id) {
    throw badRequest("manual_chain must begin with the issuer itself");
  }
  return ids;
}

async function revocationAlgorithm(call: Call, issuer: Issuer, name: string): Promise<string> {
  if (name === "") return "";
  const named = namedScheme(name);
  if (named === undefined) throw badRequest(`unknown revocation_signature_algorithm: ${name}`);
  const key = issuer.keyId === "" ? undefined : await findKey(call, issuer.keyId);
  const type = key?.type === "ec" ? "ecdsa" : key?.type;
  if (type !== undefined && type !== named.type) {
    throw badRequest(`revocation_signature_algorithm ${name} does not fit the issuer's key`);
  }
  return named.name;
}

async function change(call: Call, before: Issuer, input: IssuerInput): Promise<LogicalResponse> {
  await checkIssuerName(call, input.issuer_name, before.id);
  const urls: Urls = {
    issuers: input.issuing_certificates ?? [],
    crls: input.crl_distribution_points ?? [],
    deltas: input.delta_crl_distribution_points ?? [],
    ocsp: input.ocsp_servers ?? [],
    templates: input.enable_aia_url_templating,
  };
  checkUrls(urls);
  const hasOwn = urls.issuers.length + urls.crls.length + urls.deltas.length + urls.ocsp.length > 0;
  const chain = await manualChain(call, before, input.manual_chain);
  const { manualChain: _chain, urls: _urls, ...rest } = before;
  const usage = usages(input.usage);
  if (before.revocationTime > 0 && usage.includes("issuing-certificates")) {
    throw badRequest("a revoked issuer can't issue certificates");
  }
  const after: StoredIssuer = {
    ...rest,
    name: input.issuer_name,
    leafNotAfter: leafNotAfter(input.leaf_not_after_behavior),
    usage,
    revocationAlgorithm: await revocationAlgorithm(
      call,
      before,
      input.revocation_signature_algorithm,
    ),
    ...(chain.length === 0 ? {} : { manualChain: chain }),
    ...(hasOwn ? { urls } : {}),
  };
  putIssuer(call.storage, after, before);
  return { data: await issuerBody(call, { ...after, parsed: before.parsed }) };
}

/** What a client would have to give to leave an issuer as it is. */
function asInput({ urls, ...issuer }: Issuer): IssuerInput {
  return {
    issuer_name: issuer.name,
    leaf_not_after_behavior: issuer.leafNotAfter,
    usage: [...issuer.usage],
    manual_chain: [...issuer.manualChain ?? []],
    revocation_signature_algorithm: issuer.revocationAlgorithm,
    issuing_certificates: urls && [...urls.issuers],
    crl_distribution_points: urls && [...urls.crls],
    delta_crl_distribution_points: urls && [...urls.deltas],
    ocsp_servers: urls && [...urls.ocsp],
    enable_aia_url_templating: urls?.templates ?? false,
  };
}

async function patch(call: Call, ref: string): Promise<LogicalResponse> {
  const before = await requireIssuer(call, ref);
  return await change(call, before, patchFields(fields, asInput(before), call.request.data));
}

async function remove(engine: Engine, call: Call, ref: string): Promise<LogicalResponse> {
  const issuer = await findIssuer(call, ref);
  if (issuer === undefined) return { status: 200 };
  removeIssuer(call.storage, issuer);
  await engine.crls.forget(call.storage, issuer.id);
  const left = (await readIssuers(call)).filter(({ id }) => id !== issuer.id);
  await rebuildChains(engine, call, left);
  const config = await issuersConfig(call);
  if (config.defaultId !== issuer.id) return { status: 200 };
  putIssuersConfig(call.storage, { ...config, defaultId: "" });
  return {
    warnings: [`the issuer ${issuer.id} was the default: there is no default issuer now`],
  };
}

async function listAll(call: Call): Promise<LogicalResponse> {
  const { defaultId } = await issuersConfig(call);
  const issuers = await readIssuers(call);
  const info = issuers.map(({ id, name, keyId, parsed }) => [id, {
    issuer_name: name,
    is_default: id === defaultId,
    key_id: keyId,
    serial_number: serialText(parsed.serial),
  }]);
  return { data: { keys: issuers.map(({ id }) => id), key_info: Object.fromEntries(info) } };
}

async function configure(
  call: Call,
  input: {
    readonly default: string;
    readonly default_follows_latest_issuer: boolean | undefined;
  },
): Promise<LogicalResponse> {
  if (input.default === "" || input.default === "default") {
    throw badRequest("default must name an issuer");
  }
  const issuer = await requireIssuer(call, input.default);
  const before = await issuersConfig(call);
  const followsLatest = input.default_follows_latest_issuer ?? before.followsLatest;
  putIssuersConfig(call.storage, { defaultId: issuer.id, followsLatest });
  return {
    data: { default: issuer.id, default_follows_latest_issuer: followsLatest },
    ...(issuer.keyId === "" ? { warnings: ["the default issuer has no key here"] } : {}),
  };
}

export function issuerPaths(engine: Engine): Path[] {
  return standbyReads([
    // Only the listing needs no token: reads without the slash do.
    path("issuers/", {
      summary: "The issuers.",
      unauthenticated: true,
      operations: { list: { summary: "Lists them.", handler: (call) => listAll(call) } },
    }),
    path("issuer/:issuer_ref", {
      summary: "An issuer.",
      params: { issuer_ref: "Its id or name, or default" },
      fields,
      operations: {
        read: {
          summary: "Reads it.",
          handler: async (call, { issuer_ref }) => ({
            data: await issuerBody(call, await requireIssuer(call, issuer_ref)),
          }),
        },
        update: {
          summary: "Sets it anew: what is not given gets its default.",
          handler: async (call, input) =>
            change(call, await requireIssuer(call, input.issuer_ref), input),
        },
        patch: {
          summary: "Changes what is given.",
          handler: (call, { issuer_ref }) => patch(call, issuer_ref),
        },
        delete: {
          summary: "Deletes it. What it issued stays.",
          handler: (call, { issuer_ref }) => remove(engine, call, issuer_ref),
        },
      },
    }),
    path("config/issuers", {
      summary: "The default issuer.",
      fields: {
        default: field.string("Its id or name.", ""),
        default_follows_latest_issuer: field.bool("New issuers become the default."),
      },
      operations: {
        read: {
          summary: "Reads which it is.",
          handler: async (call) => {
            const { defaultId, followsLatest } = await issuersConfig(call);
            return { data: { default: defaultId, default_follows_latest_issuer: followsLatest } };
          },
        },
        update: { summary: "Chooses it.", handler: (call, input) => configure(call, input) },
      },
    }),
  ]);
}
