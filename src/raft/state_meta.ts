/** What the state file says about itself, in one sealed row that each commit replaces. */
import { fromHex, fromUtf8, toHex, utf8 } from "../base/bytes.ts";
import { refuseNewer } from "./formats.ts";
import type { ChainLink } from "./log_record.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";

export interface StateMeta {
  /** The last log entry of which everything is in the file. */
  readonly applied: ChainLink;
  /** Set hash over the entries that are in the file, also where `applied` lags behind them. */
  readonly hash: Uint8Array;
  readonly entries: number;
  /** Bytes of all keys and values. */
  readonly bytes: number;
  /** Values outside of leaves have lower ids; a chunk with this or a higher one is a leftover. */
  readonly nextValueId: number;
  /** The membership as of `applied`, in its text form. */
  readonly configuration: string;
  /** The last log entry that replaced everything; 0 where none did. */
  readonly replacedAt?: number;
}

const VERSION = 1;

export function encodeMeta(meta: StateMeta): Uint8Array {
  const { index, term, termStart, sum } = meta.applied;
  const fields = [
    VERSION,
    index,
    term,
    termStart,
    toHex(sum),
    toHex(meta.hash),
    meta.entries,
    meta.bytes,
    meta.nextValueId,
    meta.configuration,
    meta.replacedAt ?? 0,
  ];
  return sealRecord("state", utf8(JSON.stringify(fields)));
}

/**
 * The meta of a row, or undefined where it is not what was written. Throws `UnknownFormatError`
 * where a later version wrote it; `path` names the file in its message.
 */
export function decodeMeta(path: string, row: Uint8Array): StateMeta | undefined {
  const body = openRecord("state", row);
  if (body === undefined) return undefined;
  const parsed: unknown = JSON.parse(fromUtf8(body));
  if (!Array.isArray(parsed)) return undefined;
  const [version, ...fields]: unknown[] = parsed;
  refuseNewer(path, version, VERSION);
  const [
    index,
    term,
    termStart,
    sumHex,
    hashHex,
    entries,
    bytes,
    nextValueId,
    configuration,
    replaced,
  ] = fields;
  const sum = typeof sumHex === "string" ? fromHex(sumHex) : undefined;
  const hash = typeof hashHex === "string" ? fromHex(hashHex) : undefined;
  if (
    version !== VERSION || typeof index !== "number" || typeof term !== "number" ||
    typeof termStart !== "number" || sum === undefined || hash === undefined ||
    typeof entries !== "number" || typeof bytes !== "number" ||
    typeof nextValueId !== "number" || typeof configuration !== "string"
  ) return undefined;
  const applied = { index, term, termStart, sum };
  // A file that was written before there were replacements does not say it.
  const replacedAt = typeof replaced === "number" ? replaced : 0;
  return { applied, hash, entries, bytes, nextValueId, configuration, replacedAt };
}
