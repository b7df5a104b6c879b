/** Snapshots in a bucket of Google Cloud Storage, by its JSON API. */
import { isJsonObject, type JsonObject, parseJson } from "../../logical/json.ts";
import { firstOf } from "./credentials/chain.ts";
import { googleSources } from "./credentials/google.ts";
import { readGoogleKey, serviceAccountToken } from "./credentials/google_key.ts";
import { Renewed } from "./credentials/renewed.ts";
import type { Surroundings } from "./credentials/surroundings.ts";
import { listPages, type Page } from "./pages.ts";
import {
  encoded,
  encodedPath,
  joined,
  limited,
  partsOf,
  queryText,
  request,
  TargetRefusal,
  unlessGone,
} from "./remote.ts";
import type { GoogleSettings } from "./settings.ts";
import type { SnapshotTarget, SpooledSnapshot, StoredSnapshot } from "./target.ts";

/** How a part is answered that is not the last one. */
const RESUME_INCOMPLETE = 308;

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
}

export class GoogleTarget implements SnapshotTarget {
  readonly #token: Renewed<string>;

  /** Where the settings have no key, `surroundings` are looked into. */
  constructor(readonly settings: GoogleSettings, surroundings: Surroundings) {
    const { clock } = surroundings;
    const { google_service_account_key: own } = settings;
    this.#token = new Renewed(clock, (signal) =>
      own === ""
        ? firstOf(
          "credentials for Google",
          googleSources(surroundings),
          "set google_service_account_key, or let the server's environment name a key file",
          signal,
        )
        : serviceAccountToken(readGoogleKey(own), clock, signal));
  }

  url(name: string): string {
    const { google_gcs_bucket } = this.settings;
    return `${this.#base()}/${google_gcs_bucket}/${encodedPath(this.#key(name))}`;
  }

  #key(name: string): string {
    return joined(this.settings.path_prefix, name);
  }

  #base(): string {
    const { google_endpoint, google_disable_tls } = this.settings;
    const host = google_endpoint.replace(/^https?:\/\/|\/$/g, "") || "storage.googleapis.com";
    return `${google_disable_tls ? "http" : "https"}://${host}`;
  }

  #objects(): string {
    return `${this.#base()}/storage/v1/b/${this.settings.google_gcs_bucket}/o`;
  }

  #object(name: string): string {
    return `${this.#objects()}/${encoded(this.#key(name))}`;
  }

  list(signal: AbortSignal): Promise<StoredSnapshot[]> {
    const page = async (prefix: string, next?: string): Promise<Page> => {
      const query = queryText({ prefix, ...(next === undefined ? {} : { pageToken: next }) });
      const answer = await this.#json("GET", `${this.#objects()}?${query}`, signal);
      const items = Array.isArray(answer.items) ? answer.items : [];
      const files = items.flatMap((item) =>
        isJsonObject(item) && typeof item.name === "string"
          ? [[item.name, Number(item.size ?? 0)] as const]
          : []
      );
      const more = answer.nextPageToken;
      return { files, next: typeof more === "string" ? more : undefined };
    };
    return listPages(this.#key(""), this.settings.file_prefix, page);
  }

  /** An upload that was begun and not ended does not show, and Google drops it after a week. */
  async put(name: string, { path, bytes }: SpooledSnapshot, signal: AbortSignal): Promise<void> {
    const { google_gcs_bucket: bucket } = this.settings;
    const query = queryText({ uploadType: "resumable", name: this.#key(name) });
    const begin = `${this.#base()}/upload/storage/v1/b/${bucket}/o?${query}`;
    const begun = await this.#send("POST", begin, limited(signal), {
      headers: { "x-upload-content-type": "application/gzip" },
    });
    await begun.body?.cancel();
    const session = begun.headers.get("location");
    if (session === null) throw new Error("Google answered without the place of the upload");
    for await (const { at, body } of partsOf(path, bytes)) {
      const end = at + body.length;
      const headers = { "content-range": `bytes ${at}-${end - 1}/${bytes}` };
      const answer = await this.#send("PUT", session, limited(signal), { headers, body });
      await answer.body?.cancel();
      if ((answer.status === RESUME_INCOMPLETE) === end < bytes) continue;
      throw new Error(`Google answered ${answer.status} to byte ${end} of ${bytes}`);
    }
  }

  async read(name: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    // As long as it takes: the schedule's signal ends it.
    const response = await this.#send("GET", `${this.#object(name)}?alt=media`, signal);
    if (response.body === null) throw new Error("Google answered without a body");
    return response.body;
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const removal = this.#send("DELETE", this.#object(name), limited(signal));
    await unlessGone(removal.then((response) => response.body?.cancel()));
  }

  async #json(method: string, url: string, signal: AbortSignal): Promise<JsonObject> {
    const answer = parseJson(await (await this.#send(method, url, limited(signal))).text());
    if (!isJsonObject(answer)) {
      throw new Error("Google answered with something else than an object");
    }
    return answer;
  }

  async #send(
    method: string,
    url: string,
    signal: AbortSignal,
    { headers = {}, body }: Sent = {},
  ): Promise<Response> {
    const authorization = `Bearer ${await this.#token.value(signal)}`;
    const response = await request("Google", new URL(url), {
      method,
      headers: { ...headers, authorization },
      signal,
      ...(body === undefined ? {} : { body }),
    });
    if (response.ok || response.status === RESUME_INCOMPLETE) return response;
    throw new TargetRefusal("Google", response.status, await response.text());
  }
}
