/** The network as the auth method jwt sees it: documents of issuers, endpoints of providers. */
import type { CallProvider, ProviderAnswer, ProviderRequest } from "../auth/jwt/network.ts";
import { badRequest } from "../base/failure.ts";
import { type JsonValue, parseJson } from "../logical/json.ts";

const timeoutMs = 10_000;
const largestBytes = 1024 * 1024;

/** The document at an address. `caPem` is "" for the system's authorities. Rejects with a 400. */
export async function fetchDocument(url: string, caPem: string): Promise<JsonValue> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw badRequest("the address is no http or https URL");
  }
  try {
    const { status, text } = await answerOf(url, caPem, {
      headers: { accept: "application/json" },
    });
    if (status < 200 || status > 299) throw new Error(`status ${status}`);
    return parseJson(text);
  } catch (cause) {
    throw badRequest(`error reading ${url}`, cause);
  }
}

/** Asks an endpoint of a provider. What is sent is secret: it goes to that address and no other. */
export const callProvider: CallProvider = async (request: ProviderRequest, caPem: string) => {
  const { url, method, headers, body } = request;
  try {
    return await answerOf(url, caPem, {
      method,
      headers: { ...headers },
      redirect: "manual",
      ...(body === "" ? {} : { body }),
    });
  } catch (cause) {
    throw badRequest("No response from provider.", cause);
  }
};

async function answerOf(url: string, caPem: string, init: RequestInit): Promise<ProviderAnswer> {
  const client = caPem === "" ? undefined : Deno.createHttpClient({ caCerts: [caPem] });
  try {
    const response = await fetch(url, {
      ...init,
      signal: AbortSignal.timeout(timeoutMs),
      ...(client === undefined ? {} : { client }),
    });
    return { status: response.status, text: await readText(response) };
  } finally {
    client?.close();
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > largestBytes) throw new Error("the document is too large");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
