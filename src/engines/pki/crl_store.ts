/** Revocation lists at rest: in parts, since an entry of storage is bounded and a list is not. */
import { type Bytes, concat, storedText, utf8 } from "../../base/bytes.ts";
import type { View } from "../../storage/transaction.ts";

/** All revocations of an issuer, or those since the last complete list. */
export type CrlKind = "complete" | "delta";

/** What is said of an issuer's lists. Times in milliseconds. */
export interface CrlInfo {
  /** Of the newest list of either kind; each has one of its own. */
  readonly number: number;
  /** Of the newest complete list. */
  readonly completeNumber: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly deltaUpdate: number;
}

const PART = 512 * 1024;

const infoKey = (id: string) => `crls/${id}/info`;
const folder = (id: string, kind: CrlKind) => `crls/${id}/${kind}/`;

export async function readCrlInfo(storage: View, id: string): Promise<CrlInfo | undefined> {
  const bytes = await storage.get(infoKey(id));
  if (bytes === undefined) return undefined;
  const info: CrlInfo = JSON.parse(storedText(bytes));
  return info;
}

export async function readCrl(
  storage: View,
  id: string,
  kind: CrlKind,
): Promise<Bytes | undefined> {
  const parts: Bytes[] = [];
  for (;;) {
    const part = await storage.get(`${folder(id, kind)}${parts.length}`);
    if (part === undefined) break;
    parts.push(part);
  }
  return parts.length === 0 ? undefined : concat(...parts);
}

export async function putCrl(storage: View, id: string, kind: CrlKind, der: Bytes): Promise<void> {
  const count = Math.ceil(der.length / PART);
  for (let i = 0; i < count; i++) {
    storage.put(`${folder(id, kind)}${i}`, der.slice(i * PART, (i + 1) * PART));
  }
  for (const name of await storage.list(folder(id, kind))) {
    if (Number(name) >= count) storage.delete(folder(id, kind) + name);
  }
}

export function putCrlInfo(storage: View, id: string, info: CrlInfo): void {
  storage.put(infoKey(id), utf8(JSON.stringify(info)));
}

export async function deleteCrls(storage: View, id: string): Promise<void> {
  storage.delete(infoKey(id));
  for (const kind of ["complete", "delta"] as const) {
    for (const name of await storage.list(folder(id, kind))) {
      storage.delete(folder(id, kind) + name);
    }
  }
}
