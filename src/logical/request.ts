/** The core's view of a call: what HTTP, the CLI or another node asked for, without their form. */
import type { JsonObject } from "./json.ts";
import type { Namespace } from "./namespace.ts";

/** What a policy can allow and a path can implement. */
export type Operation =
  | "create"
  | "read"
  | "update"
  | "patch"
  | "delete"
  | "list"
  | "scan"
  | "help"
  | "recover";

export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** DER of the verified client certificate chain, leaf first, where TLS asked for one. */
  readonly peerCertificates?: readonly Uint8Array[];
}

/** The caller wants the answer behind a single-use token. */
export interface WrapRequest {
  readonly ttlSeconds: number;
  readonly format: "" | "jwt";
}

/** A loaded snapshot that a request looks into. */
export interface SnapshotUse {
  readonly id: string;
  /** What is recovered, where it lies elsewhere in the snapshot; a full path like the request's. */
  readonly sourcePath?: string;
}

export interface Request {
  readonly id: string;
  operation: Operation;
  readonly namespace: Namespace;
  /** Without "/v1/"; decoded; never starts with "/". A trailing "/" is kept. */
  readonly path: string;
  readonly data: JsonObject;
  /** Header values by lower-case name. */
  readonly headers: { get(name: string): string | null };
  /** "" where the call has no token. */
  readonly clientToken: string;
  readonly connection: Connection;
  readonly wrap?: WrapRequest;
  /** Reads and lists are answered from this snapshot; what is recovered comes out of it. */
  readonly snapshot?: SnapshotUse;
  /** The method as it came, for the few paths that tell POST from PUT. */
  readonly method: string;
  /** Headers that the answer carries, whatever it is; filled on the way. */
  answerHeaders?: Record<string, string>;
  /** Raw body bytes, for paths that take something else than JSON; undefined otherwise. */
  readonly body?: ReadableStream<Uint8Array>;
}
