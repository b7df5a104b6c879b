/** Reads JSON documents from the network: key sets and discovery documents of issuers. */
import { badRequest } from "../base/failure.ts";
import { type JsonValue, parseJson } from "../logical/json.ts";

const timeoutMs = 10_000;
const largestBytes = 1024 * 1024;

/** The document at an address. `caPem` is "" for the system's authorities. Rejects with a 400. */
export async function fetchDocument(url: string, caPem: string): Promise<JsonValue> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw badRequest("the address is no http or https URL");
  }
  const client = caPem === "" ? undefined : Deno.createHttpClient({ caCerts: [caPem] });
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(timeoutMs),
      ...(client === undefined ? {} : { client }),
    });
    const text = await readText(response);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return parseJson(text);
  } catch (cause) {
    throw badRequest(`error reading ${url}`, cause);
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
