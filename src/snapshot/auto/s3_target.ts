/** Snapshots in a bucket of Amazon S3, or of what speaks its protocol. */
import type { AwsClient } from "aws4fetch";
import { describeError } from "../../base/failure.ts";
import { type AwsKeys, awsSources } from "./credentials/aws.ts";
import { awsSuffix } from "./credentials/aws_web_identity.ts";
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
import type { S3Settings } from "./settings.ts";
import type { SnapshotTarget, SpooledSnapshot, StoredSnapshot } from "./target.ts";
import { xmlTexts } from "./xml.ts";

/** As many as S3 takes. */
const PARTS_MAX = 10_000;

type Query = Readonly<Record<string, string>>;

export class S3Target implements SnapshotTarget {
  readonly #keys: Renewed<AwsKeys>;
  #client: { readonly keys: AwsKeys; readonly signs: AwsClient } | undefined;

  /** Where the settings have no keys, `surroundings` are looked into. */
  constructor(readonly settings: S3Settings, surroundings: Surroundings) {
    const { aws_access_key_id: accessKeyId, aws_s3_region } = settings;
    const own = {
      accessKeyId,
      secretAccessKey: settings.aws_secret_access_key,
      sessionToken: settings.aws_session_token,
    };
    this.#keys = new Renewed(surroundings.clock, (signal) =>
      accessKeyId === ""
        ? firstOf(
          "keys for S3",
          awsSources(surroundings, aws_s3_region),
          "set aws_access_key_id and aws_secret_access_key, or give the server a role",
          signal,
        )
        : Promise.resolve({ value: own, until: Infinity }));
  }

  /** Of the keys that are good now. */
  async #signer(signal: AbortSignal): Promise<AwsClient> {
    const keys = await this.#keys.value(signal);
    if (this.#client?.keys === keys) return this.#client.signs;
    const { AwsClient: Client } = await import("aws4fetch");
    const { accessKeyId, secretAccessKey, sessionToken } = keys;
    const signs = new Client({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === "" ? {} : { sessionToken }),
      service: "s3",
      region: this.settings.aws_s3_region,
      // The schedule tries again, after a while.
      retries: 0,
    });
    this.#client = { keys, signs };
    return signs;
  }

  url(name: string): string {
    return this.#url(this.#key(name)).href;
  }

  #key(name: string): string {
    return joined(this.settings.path_prefix, name);
  }

  #url(key: string, query: Query = {}): URL {
    const { aws_s3_endpoint, aws_s3_bucket: bucket, aws_s3_region: region } = this.settings;
    const { aws_s3_disable_tls, aws_s3_force_path_style } = this.settings;
    const scheme = aws_s3_disable_tls ? "http" : "https";
    const host = aws_s3_endpoint === ""
      ? `s3.${region}.${awsSuffix(region)}`
      : aws_s3_endpoint.replace(/^https?:\/\//, "");
    const url = new URL(`${scheme}://${host}`);
    const path = encodedPath(key);
    const isPathStyle = aws_s3_force_path_style;
    if (!isPathStyle) url.hostname = `${bucket}.${url.hostname}`;
    url.pathname = isPathStyle ? `/${bucket}/${path}` : `/${path}`;
    url.search = queryText(query);
    return url;
  }

  list(signal: AbortSignal): Promise<StoredSnapshot[]> {
    const page = async (prefix: string, next?: string): Promise<Page> => {
      const after: Query = next === undefined ? {} : { "continuation-token": next };
      const query = { "list-type": "2", prefix, ...after };
      const text = await (await this.#call("GET", this.#url("", query), signal)).text();
      const sizes = xmlTexts(text, "Size");
      const files = xmlTexts(text, "Key").map((key, i) => [key, Number(sizes[i] ?? 0)] as const);
      return { files, next: xmlTexts(text, "NextContinuationToken")[0] };
    };
    return listPages(this.#key(""), this.settings.file_prefix, page);
  }

  async put(name: string, spooled: SpooledSnapshot, signal: AbortSignal): Promise<void> {
    const key = this.#key(name);
    if (spooled.bytes <= partBytes) {
      for await (const { body } of partsOf(spooled.path, spooled.bytes)) {
        await this.#write("PUT", this.#url(key), signal, { body, headers: this.#encryption() });
      }
      return;
    }
    if (spooled.bytes > partBytes * PARTS_MAX) {
      throw new Error(`a snapshot of ${spooled.bytes} bytes is too large for S3`);
    }
    await this.#putParts(key, spooled, signal);
  }

  async #putParts(key: string, spooled: SpooledSnapshot, signal: AbortSignal): Promise<void> {
    const begin = this.#url(key, { uploads: "" });
    const begun = await this.#write("POST", begin, signal, { headers: this.#encryption() });
    const [uploadId] = xmlTexts(begun.text, "UploadId");
    if (uploadId === undefined) throw new Error("S3 answered without an UploadId");
    try {
      const tags: string[] = [];
      for await (const { body } of partsOf(spooled.path, spooled.bytes)) {
        const url = this.#url(key, { partNumber: String(tags.length + 1), uploadId });
        const { etag } = await this.#write("PUT", url, signal, { body });
        tags.push(etag);
      }
      const parts = tags.map((tag, i) =>
        `<Part><PartNumber>${i + 1}</PartNumber><ETag>${tag}</ETag></Part>`
      );
      const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
      const ended = await this.#write("POST", this.#url(key, { uploadId }), signal, { body });
      // The answer begins before it is known how it ends.
      if (ended.text.includes("<Error>")) throw new TargetRefusal("S3", 200, ended.text);
    } catch (error) {
      throw await this.#abandon(this.#url(key, { uploadId }), error);
    }
  }

  /**
   * What was uploaded costs money until it is abandoned; so also when the node is not active any
   * more. Returns what to tell: why the upload failed, and this where it fails too.
   */
  async #abandon(url: URL, reason: unknown): Promise<unknown> {
    try {
      await this.#write("DELETE", url, new AbortController().signal, {});
      return reason;
    } catch (error) {
      const text = `${describeError(reason)}; the upload could not be abandoned either: `;
      return new Error(text + describeError(error), { cause: reason });
    }
  }

  #encryption(): Record<string, string> {
    const { aws_s3_server_side_encryption, aws_s3_enable_kms, aws_s3_kms_key } = this.settings;
    if (aws_s3_server_side_encryption) return { "x-amz-server-side-encryption": "AES256" };
    if (!aws_s3_enable_kms) return {};
    return {
      "x-amz-server-side-encryption": "aws:kms",
      ...(aws_s3_kms_key === ""
        ? {}
        : { "x-amz-server-side-encryption-aws-kms-key-id": aws_s3_kms_key }),
    };
  }

  async read(name: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    // As long as it takes: the schedule's signal ends it.
    const response = await this.#send("GET", this.#url(this.#key(name)), { signal });
    if (response.body === null) throw new Error("S3 answered without a body");
    return response.body;
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await unlessGone(this.#write("DELETE", this.#url(this.#key(name)), signal, {}));
  }

  async #write(
    method: string,
    url: URL,
    signal: AbortSignal,
    sent: { body?: Uint8Array<ArrayBuffer> | string; headers?: Record<string, string> },
  ): Promise<{ etag: string; text: string }> {
    const response = await this.#call(method, url, signal, sent);
    return { etag: response.headers.get("etag") ?? "", text: await response.text() };
  }

  #call(method: string, url: URL, signal: AbortSignal, sent: RequestInit = {}): Promise<Response> {
    return this.#send(method, url, { ...sent, signal: limited(signal) });
  }

  async #send(
    method: string,
    url: URL,
    init: RequestInit & { readonly signal: AbortSignal },
  ): Promise<Response> {
    const signer = await this.#signer(init.signal);
    const { headers } = await signer.sign(url.href, { ...init, method });
    const response = await request("S3", url, { ...init, method, headers });
    if (response.ok) return response;
    throw new TargetRefusal("S3", response.status, await response.text());
  }
}
