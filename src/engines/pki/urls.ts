/** Addresses that stand in certificates: `config/urls`, `config/cluster`, and issuers' own. */
import { type Bytes, storedText, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path, standbyReads } from "../../backend/path.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { Issuer } from "./issuer_store.ts";
import type { Reader } from "./key_store.ts";

export interface Urls {
  readonly issuers: readonly string[];
  readonly crls: readonly string[];
  readonly deltas: readonly string[];
  readonly ocsp: readonly string[];
  readonly templates: boolean;
}

interface Cluster {
  readonly path: string;
  readonly aiaPath: string;
}

export const noUrls: Urls = { issuers: [], crls: [], deltas: [], ocsp: [], templates: false };

const urlsKey = "config/urls";
const clusterKey = "config/cluster";
const variable = /\{\{\s*([^{}]*?)\s*\}\}/g;
const variables = ["issuer_id", "cluster_path", "cluster_aia_path"];

export const urlFields = {
  issuing_certificates: field.list("Where the issuer's certificate is found."),
  crl_distribution_points: field.list("Where its revocation list is found."),
  delta_crl_distribution_points: field.list("Where the list of the newest revocations is found."),
  ocsp_servers: field.list("Who tells whether a certificate is revoked."),
};

function decodeUrls(bytes: Bytes): Urls {
  const urls: Urls = JSON.parse(storedText(bytes));
  return urls;
}

function decodeCluster(bytes: Bytes): Cluster {
  const cluster: Cluster = JSON.parse(storedText(bytes));
  return cluster;
}

export async function mountUrls(call: Reader): Promise<Urls> {
  return await call.cached(urlsKey, decodeUrls) ?? noUrls;
}

export async function clusterConfig(call: Reader): Promise<Cluster> {
  return await call.cached(clusterKey, decodeCluster) ?? { path: "", aiaPath: "" };
}

/** The addresses that stand in what an issuer signs, filled in; a 400 for what can't be. */
export async function urlsOf(
  call: Reader,
  issuer: Pick<Issuer, "id" | "urls"> | undefined,
): Promise<Urls> {
  const urls = issuer?.urls ?? await mountUrls(call);
  if (!urls.templates) return urls;
  const { path: clusterPath, aiaPath } = await clusterConfig(call);
  const values: Record<string, string> = {
    issuer_id: issuer?.id ?? "",
    cluster_path: clusterPath,
    cluster_aia_path: aiaPath,
  };
  const fill = (list: readonly string[]) =>
    list.map((text) => {
      const filled = text.replace(variable, (_match, name: string) => values[name] ?? "");
      if (!isUrl(filled)) throw badRequest(`the address template ${text} gives no URL`);
      return filled;
    });
  return {
    issuers: fill(urls.issuers),
    crls: fill(urls.crls),
    deltas: fill(urls.deltas),
    ocsp: fill(urls.ocsp),
    templates: true,
  };
}

export function hasUrls({ issuers, crls, ocsp }: Urls): boolean {
  return issuers.length + crls.length + ocsp.length > 0;
}

export function isUrl(text: string): boolean {
  return /^(https?|ldaps?|ftps?):\/\/[^\s/]/i.test(text) && URL.canParse(text);
}

/** A 400 for what is no address. Templates are judged when they are filled in. */
export function checkUrls(urls: Urls): void {
  if (urls.templates) return;
  for (const text of [...urls.issuers, ...urls.crls, ...urls.deltas, ...urls.ocsp]) {
    if (!isUrl(text)) throw badRequest(`invalid URL found in the addresses: ${text}`);
  }
}

/** As reads show them. */
export function urlsBody(urls: Urls): JsonObject {
  return {
    issuing_certificates: [...urls.issuers],
    crl_distribution_points: [...urls.crls],
    delta_crl_distribution_points: [...urls.deltas],
    ocsp_servers: [...urls.ocsp],
  };
}

function unknownVariables(urls: Urls): string[] {
  const texts = [...urls.issuers, ...urls.crls, ...urls.deltas, ...urls.ocsp];
  const names = texts.flatMap((text) => [...text.matchAll(variable)].map(([, name = ""]) => name));
  return urls.templates ? names.filter((name) => !variables.includes(name)) : [];
}

export function urlPaths(): Path[] {
  return standbyReads([
    path("config/urls", {
      summary: "Addresses that stand in what is issued.",
      fields: {
        ...urlFields,
        enable_templating: field.bool(
          "Fill in {{issuer_id}}, {{cluster_path}} and {{cluster_aia_path}}.",
        ),
      },
      operations: {
        read: {
          summary: "Reads them.",
          handler: async (call) => {
            const urls = await mountUrls(call);
            return { data: { ...urlsBody(urls), enable_templating: urls.templates } };
          },
        },
        update: {
          summary: "Sets those that are given.",
          handler: async (call, input) => {
            const before = await mountUrls(call);
            const urls: Urls = {
              issuers: input.issuing_certificates ?? before.issuers,
              crls: input.crl_distribution_points ?? before.crls,
              deltas: input.delta_crl_distribution_points ?? before.deltas,
              ocsp: input.ocsp_servers ?? before.ocsp,
              templates: input.enable_templating ?? before.templates,
            };
            checkUrls(urls);
            call.storage.put(urlsKey, utf8(JSON.stringify(urls)));
            const unknown = unknownVariables(urls);
            return {
              data: { ...urlsBody(urls), enable_templating: urls.templates },
              ...(unknown.length === 0 ? {} : {
                warnings: [
                  `unknown template variables, which will be empty: ${unknown.join(", ")}`,
                ],
              }),
            };
          },
        },
      },
    }),
    path("config/cluster", {
      summary: "Where this cluster is reached, for templates of addresses.",
      fields: {
        path: field.string("The mount's address, with /v1/ and its path."),
        aia_path: field.string("The address of what needs no token, for instance of a cache."),
      },
      operations: {
        read: {
          summary: "Reads it.",
          handler: async (call) => {
            const cluster = await clusterConfig(call);
            return { data: { path: cluster.path, aia_path: cluster.aiaPath } };
          },
        },
        update: {
          summary: "Sets it.",
          handler: async (call, input) => {
            const before = await clusterConfig(call);
            const cluster: Cluster = {
              path: input.path ?? before.path,
              aiaPath: input.aia_path ?? before.aiaPath,
            };
            for (const [name, value] of [["path", cluster.path], ["aia_path", cluster.aiaPath]]) {
              if (value !== "" && !isUrl(value ?? "")) throw badRequest(`${name} is not a URL`);
            }
            call.storage.put(clusterKey, utf8(JSON.stringify(cluster)));
            return { data: { path: cluster.path, aia_path: cluster.aiaPath } };
          },
        },
      },
    }),
  ]);
}
