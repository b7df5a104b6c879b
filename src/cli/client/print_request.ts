/** What -output-curl-string and -output-policy print in place of sending a request. */
import type { ApiRequest } from "./request.ts";
import { apiPath } from "./request.ts";

/** A curl command for the request. The token is asked for when it runs, never printed. */
export function curlCommand(
  method: string,
  url: string,
  headers: readonly (readonly [string, string])[],
  body: string | undefined,
  socketPath?: string,
): string {
  const words = ["curl"];
  if (socketPath !== undefined) words.push("--unix-socket", quote(socketPath));
  if (method !== "GET") words.push("-X", method);
  for (const [name, value] of [...headers].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (/^content-(type|length)$/i.test(name)) continue;
    const shown = name === "X-Vault-Token" ? "$(holdfast print token)" : escapeDouble(value);
    words.push("-H", `"${name}: ${shown}"`);
  }
  if (body !== undefined) words.push("-d", quote(body));
  words.push(`"${escapeDouble(url)}"`);
  return words.join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

function escapeDouble(text: string): string {
  return text.replace(/[\\"$`]/g, "\\$&");
}

/** The policy that lets a token make the request. */
export function policyFor(request: ApiRequest): string {
  const path = apiPath(request.path);
  const capabilities = [...capabilitiesFor(request)];
  if (needsSudo(path)) capabilities.push("sudo");
  const list = capabilities.map((name) => JSON.stringify(name)).join(", ");
  return `path ${JSON.stringify(path)} {\n  capabilities = [${list}]\n}`;
}

function capabilitiesFor(request: ApiRequest): readonly string[] {
  const isRecovery = request.headers?.some(([name]) => name === "X-Vault-Recover-Snapshot-Id");
  if (isRecovery === true) return ["recover"];
  switch (request.method) {
    case "GET":
      return request.query?.some(([name, value]) => name === "list" && value === "true")
        ? ["list"]
        : ["read"];
    case "POST":
    case "PUT":
      return ["create", "update"];
    case "PATCH":
      return ["patch"];
    case "DELETE":
      return ["delete"];
  }
}

/** Paths that ask for sudo (Vault's documentation, "Root protected API endpoints"). */
const sudoPaths: readonly RegExp[] = [
  /^auth\/token\/(accessors|create-orphan|revoke-orphan)$/,
  /^pki\/root(\/sign-self-issued)?$/,
  /^sys\/audit(\/.+)?$/,
  /^sys\/auth\/[^/]+(\/tune)?$/,
  /^sys\/config\/(auditing\/request-headers(\/[^/]+)?|cors|ui\/headers(\/[^/]+)?)$/,
  /^sys\/(capabilities-accessor|in-flight-req|pprof(\/.+)?|monitor)$/,
  /^sys\/leases\/(lookup\/.*|revoke-(prefix|force)\/.+)$/,
  /^sys\/internal\/(inspect\/.+|counters\/.+)$/,
  /^sys\/plugins\/(catalog\/[^/]+(\/[^/]+)?|runtimes\/.+|reload\/.+)$/,
  /^sys\/raw(\/.+)?$/,
  /^sys\/(remount|rotate|seal|step-down|revoke-prefix\/.+|revoke-force\/.+)$/,
  /^sys\/storage\/raft\/(snapshot-auto\/config\/.*|remove-peer)$/,
  /^sys\/(locked-users|namespaces\/api-lock\/.+|replication\/.+\/secondary-token)$/,
];

function needsSudo(path: string): boolean {
  return sudoPaths.some((pattern) => pattern.test(path));
}
