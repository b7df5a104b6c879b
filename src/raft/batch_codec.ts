/** A batch of changes as the payload of one log entry. */
import type { Bytes } from "../base/bytes.ts";
import { CorruptionError } from "./errors.ts";
import { refuseNewer } from "./formats.ts";
import { TextRun, writeText } from "./key_text.ts";
import type { Change } from "./keys.ts";

const VERSION = 1;
const DELETED = 0xffffffff;

/**
 * u8 version, u32 count; for each change u16 bytes of key, u32 bytes of value (all ones for a
 * delete), key, value. `bytes` is the sum of all keys and values, as `checkBatch` returns it.
 */
export function encodeBatch(batch: readonly Change[], bytes: number): Bytes {
  const out = new Uint8Array(5 + batch.length * 6 + bytes);
  const view = new DataView(out.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(1, batch.length);
  let at = 5;
  for (const { key, value } of batch) {
    const written = writeText(out, at + 6, key);
    view.setUint16(at, written);
    view.setUint32(at + 2, value === null ? DELETED : value.length);
    at += 6 + written;
    if (value !== null) {
      out.set(value, at);
      at += value.length;
    }
  }
  return out;
}

/** Throws `UnknownFormatError` where a later version wrote the batch. */
export function refuseNewerBatch(what: string, payload: Uint8Array): void {
  refuseNewer(what, payload[0], VERSION);
}

/**
 * The reverse; the values are copies of their own. Throws `CorruptionError`, or
 * `UnknownFormatError` where a later version wrote it.
 */
export function decodeBatch(payload: Uint8Array): Change[] {
  refuseNewerBatch("a log entry", payload);
  try {
    return decode(payload);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new CorruptionError("a log entry is not a batch of changes", { cause: error });
  }
}

function decode(payload: Uint8Array): Change[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (view.getUint8(0) !== VERSION) throw new RangeError("unknown version");
  const count = view.getUint32(1);
  const keys = new TextRun(payload.length);
  const values: (Bytes | null)[] = [];
  let at = 5;
  for (let i = 0; i < count; i++) {
    const keyEnd = at + 6 + view.getUint16(at);
    const length = view.getUint32(at + 2);
    const valueEnd = length === DELETED ? keyEnd : keyEnd + length;
    if (valueEnd > payload.length) throw new RangeError("cut short");
    keys.add(payload, at + 6, keyEnd);
    values.push(length === DELETED ? null : payload.slice(keyEnd, valueEnd));
    at = valueEnd;
  }
  return keys.decode().map((key, i) => ({ key, value: values[i] ?? null }));
}
