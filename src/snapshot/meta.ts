/**
 * `meta.json`: what a snapshot says of itself. The first fields are those that other tools for such
 * files read; the rest is ours, and none of it is secret (sys/health tells as much to anybody).
 */
import { badRequest } from "../base/failure.ts";
import type { JsonObject } from "../logical/json.ts";

/** What made the file. A file that does not say so holds entries in another program's form. */
export const PROGRAM = "holdfast";
/** Raised when what is inside is laid out anew. */
export const FORMAT_VERSION = 1;

export interface SnapshotMeta {
  readonly Version: number;
  readonly ID: string;
  readonly Index: number;
  readonly Term: number;
  readonly Peers: string;
  readonly Configuration: {
    readonly Servers: readonly {
      readonly Suffrage: number;
      readonly ID: string;
      readonly Address: string;
    }[];
  };
  readonly ConfigurationIndex: number;
  /** Bytes of `state.bin`. */
  readonly Size: number;
  readonly Program: string;
  readonly ProgramVersion: string;
  readonly ClusterID: string;
  readonly ClusterName: string;
  /** RFC 3339. */
  readonly CreatedAt: string;
}

/** A snapshot's field as text; "" where there is none. */
export function metaText(meta: JsonObject, name: string): string {
  const value = meta[name];
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** Whether this program, in this version or another, made the file. */
export function isOwn(meta: JsonObject): boolean {
  return meta.Program === PROGRAM;
}

/** Throws a 400 where the entries inside are not in a form that can be put in place here. */
export function checkOwn(meta: JsonObject): void {
  if (!isOwn(meta)) {
    throw badRequest(
      "the snapshot was made by another program; operator import takes over what is inside",
    );
  }
  if (meta.Version !== FORMAT_VERSION) {
    throw badRequest(
      `the snapshot has format ${metaText(meta, "Version")}, this build reads ${FORMAT_VERSION}`,
    );
  }
}
