/** Takes out of the open status calls what a listener is not to tell. */
import { isJsonObject, type JsonObject, parseJson } from "../logical/json.ts";

export interface Redaction {
  readonly addresses: boolean;
  readonly clusterName: boolean;
  readonly version: boolean;
}

const statusPaths = /\/v1\/sys\/(health|seal-status|leader|unseal|ha-status)\/?(\?.*)?$/;

/** Whether a request's answer can hold anything to hide. */
export function isRedactable(url: string): boolean {
  if (!url.includes("%")) return statusPaths.test(url);
  try {
    return statusPaths.test(decodeURIComponent(url));
  } catch (error) {
    // A malformed encoding is refused further on.
    if (error instanceof URIError) return false;
    throw error;
  }
}

/** The answer with emptied fields; the same answer where it is no JSON object. */
export async function redactResponse(response: Response, what: Redaction): Promise<Response> {
  const type = response.headers.get("content-type") ?? "";
  if (response.body === null || !type.startsWith("application/json")) return response;
  const text = await response.text();
  const value = parseJson(text);
  const body = isJsonObject(value) ? JSON.stringify(redact(value, what)) : text;
  return new Response(body, { status: response.status, headers: response.headers });
}

function redact(value: JsonObject, what: Redaction): JsonObject {
  const hidden = [
    ...(what.addresses ? ["leader_address", "leader_cluster_address"] : []),
    ...(what.clusterName ? ["cluster_name"] : []),
    ...(what.version ? ["version", "build_date", "commit_date"] : []),
  ];
  const out: JsonObject = {};
  for (const [key, item] of Object.entries(value)) out[key] = hidden.includes(key) ? "" : item;
  return out;
}
