/** Snapshots in a container of Azure Blob Storage, by its REST API. */
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { environmentSources, managedSources } from "./credentials/azure.ts";
import { firstOf } from "./credentials/chain.ts";
import { Renewed } from "./credentials/renewed.ts";
import type { Surroundings } from "./credentials/surroundings.ts";
import { listPages, type Page } from "./pages.ts";
import {
  encodedPath,
  joined,
  limited,
  partBytes,
  partsOf,
  queryText,
  request,
  TargetRefusal,
  unlessGone,
} from "./remote.ts";
import { type AzureSettings, azureSuffixes } from "./settings.ts";
import type { SnapshotTarget, SpooledSnapshot, StoredSnapshot } from "./target.ts";
import { xmlTexts } from "./xml.ts";

const apiVersion = "2021-12-02";

/** As many as a blob may have. */
const BLOCKS_MAX = 50_000;

type Query = Readonly<Record<string, string>>;

interface Sent {
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
}

export class AzureTarget implements SnapshotTarget {
  /** Undefined where the account's key signs. */
  readonly #token: Renewed<string> | undefined;

  /** Where the settings name no key, `surroundings` are looked into. */
  constructor(readonly settings: AzureSettings, readonly surroundings: Surroundings) {
    const { azure_auth_mode: mode, azure_client_id: id = "", azure_blob_environment } = settings;
    if (mode === "shared") return;
    const sources = mode === "managed"
      ? managedSources(surroundings, id)
      : environmentSources(surroundings, id, azure_blob_environment);
    const hint = mode === "managed"
      ? "give the machine an identity"
      : "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET in the server's environment";
    this.#token = new Renewed(
      surroundings.clock,
      (signal) => firstOf("credentials for Azure", sources, hint, signal),
    );
  }

  url(name: string): string {
    return this.#url(this.#key(name)).href;
  }

  #key(name: string): string {
    return joined(this.settings.path_prefix, name);
  }

  /** "" for the container itself. */
  #url(key: string, query: Query = {}): URL {
    const { azure_endpoint, azure_account_name, azure_blob_environment } = this.settings;
    const { azure_container_name: container } = this.settings;
    const base = azure_endpoint === ""
      ? `https://${azure_account_name}.blob.${azureSuffixes[azure_blob_environment]}`
      : azure_endpoint.includes("://")
      ? azure_endpoint
      : `https://${azure_endpoint}`;
    const path = key === "" ? container : `${container}/${encodedPath(key)}`;
    const url = new URL(`${base.replace(/\/$/, "")}/${path}`);
    url.search = queryText(query);
    return url;
  }

  list(signal: AbortSignal): Promise<StoredSnapshot[]> {
    const page = async (prefix: string, marker = ""): Promise<Page> => {
      const query = { restype: "container", comp: "list", prefix, marker };
      const text = await (await this.#send("GET", "", limited(signal), { query })).text();
      const sizes = xmlTexts(text, "Content-Length");
      const files = xmlTexts(text, "Name").map((key, i) => [key, Number(sizes[i] ?? 0)] as const);
      return { files, next: xmlTexts(text, "NextMarker")[0] };
    };
    return listPages(this.#key(""), this.settings.file_prefix, page);
  }

  /** Blocks that are not in a list yet don't show, and Azure drops them after a week. */
  async put(name: string, { path, bytes }: SpooledSnapshot, signal: AbortSignal): Promise<void> {
    if (bytes > partBytes * BLOCKS_MAX) {
      throw new Error(`a snapshot of ${bytes} bytes is too large for Azure`);
    }
    const key = this.#key(name);
    const ids: string[] = [];
    for await (const { body } of partsOf(path, bytes)) {
      const id = btoa(String(ids.length).padStart(8, "0"));
      ids.push(id);
      await this.#write("PUT", key, signal, { query: { comp: "block", blockid: id }, body });
    }
    const list = ids.map((id) => `<Latest>${id}</Latest>`).join("");
    const body = new TextEncoder().encode(
      `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`,
    );
    await this.#write("PUT", key, signal, { query: { comp: "blocklist" }, body });
  }

  async read(name: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    // As long as it takes: the schedule's signal ends it.
    const response = await this.#send("GET", this.#key(name), signal, {});
    if (response.body === null) throw new Error("Azure answered without a body");
    return response.body;
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await unlessGone(this.#write("DELETE", this.#key(name), signal, {}));
  }

  async #write(method: string, key: string, signal: AbortSignal, sent: Sent): Promise<void> {
    await (await this.#send(method, key, limited(signal), sent)).body?.cancel();
  }

  async #send(method: string, key: string, signal: AbortSignal, sent: Sent): Promise<Response> {
    const { query = {}, body } = sent;
    const url = this.#url(key, query);
    const headers: Record<string, string> = {
      ...sent.headers,
      "x-ms-date": new Date(this.surroundings.clock.now()).toUTCString(),
      "x-ms-version": apiVersion,
    };
    if (this.#token !== undefined) {
      headers.authorization = `Bearer ${await this.#token.value(signal)}`;
    } else {
      const { azure_account_name: account, azure_account_key } = this.settings;
      const text = stringToSign(method, url, query, headers, account, body?.length ?? 0);
      const sum = createHmac("sha256", Buffer.from(azure_account_key, "base64")).update(text);
      headers.authorization = `SharedKey ${account}:${sum.digest("base64")}`;
    }
    const init = { method, headers, signal, ...(body === undefined ? {} : { body }) };
    const response = await request("Azure", url, init);
    if (response.ok) return response;
    throw new TargetRefusal("Azure", response.status, await response.text());
  }
}

/** "Authorize with Shared Key" of Azure's REST reference; none of the standard headers is sent. */
function stringToSign(
  method: string,
  url: URL,
  query: Query,
  headers: Readonly<Record<string, string>>,
  account: string,
  length: number,
): string {
  const standard = ["", "", length === 0 ? "" : String(length), ...Array(8).fill("")];
  const own = Object.entries(headers).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `${name}:${value}`);
  const asked = Object.entries(query).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `${name}:${value}`);
  return [method, ...standard, ...own, `/${account}${url.pathname}`, ...asked].join("\n");
}
