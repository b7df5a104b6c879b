/**
 * A month's clients in storage: a head (threshold, mounts) and parts of at most 4,096 clients, of
 * which only the last is written again when some are added; beside them who they are (`first_uses.ts`).
 */
import { type Bytes, storedText, utf8 } from "../../base/bytes.ts";
import type { Transaction, View } from "../../storage/transaction.ts";
import { type Client, ClientSet, type FirstUse } from "./client_set.ts";
import { readFirstUses, writeFirstUses } from "./first_uses.ts";

const root = "sys/clients/month/";
const partSize = 4096;
/** A hash (8 bytes), then its mount's place in the head's list, doubled, one more for no entity. */
const recordBytes = 12;

interface Head {
  readonly threshold: number;
  readonly parts: number;
  readonly mounts: readonly string[];
  /** Of so many clients it is stored who they are; older versions drop it when they write. */
  readonly known?: number;
}

/** A month as it is stored. */
export interface StoredMonth {
  readonly set: ClientSet;
  readonly stored: Stored;
}

/** What is stored of a month, so that the next time only what is new is written. */
export interface Stored {
  readonly threshold: number;
  readonly count: number;
  /** Of these clients it is stored who they are, where that is known. */
  readonly known: number;
}

/** `2026-01`, of milliseconds since the epoch. */
export function monthOf(time: number): string {
  return new Date(time).toISOString().slice(0, 7);
}

/** When a month begins, milliseconds since the epoch; `later` months on. */
export function monthStart(month: string, later = 0): number {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return Date.UTC(year, number - 1 + later, 1);
}

/** The months of which something is stored, oldest first. */
export async function storedMonths(view: View): Promise<string[]> {
  const found = await view.list(root);
  return found.map((name) => name.replace(/\/$/, ""));
}

/** Undefined where nothing is stored of it. Who the clients are is read only where that is asked for. */
export async function readMonth(
  view: View,
  month: string,
  { withFirstUses = false } = {},
): Promise<StoredMonth | undefined> {
  const bytes = await view.get(`${root}${month}/head`);
  if (bytes === undefined) return undefined;
  const head: Head = JSON.parse(storedText(bytes));
  const set = new ClientSet();
  set.lower(head.threshold);
  const firsts = withFirstUses
    ? await readFirstUses(view, `${root}${month}/`)
    : new Map<number, FirstUse>();
  for (let part = 0; part < head.parts; part++) {
    const found = await view.get(partKey(month, part));
    if (found !== undefined) decodePart(found, head, firsts, set);
  }
  const { threshold, known = 0 } = head;
  return { set, stored: { threshold, count: set.size, known } };
}

/** Writes what has come since `before`; all of it where the threshold is another. */
export function writeMonth(
  transaction: Transaction,
  month: string,
  set: ClientSet,
  before: Stored,
): Stored {
  const clients = [...set.values()];
  const mounts = [...new Set(clients.map(({ mount }) => mount))];
  const parts = Math.ceil(clients.length / partSize);
  const isAppend = before.threshold === set.threshold && before.count <= clients.length;
  const first = isAppend ? Math.floor(before.count / partSize) : 0;
  for (let part = first; part < parts; part++) {
    const slice = clients.slice(part * partSize, (part + 1) * partSize);
    transaction.put(partKey(month, part), encodePart(slice, mounts));
  }
  for (let part = parts; part * partSize < before.count; part++) {
    transaction.delete(partKey(month, part));
  }
  writeFirstUses(transaction, `${root}${month}/`, clients, {
    before: isAppend ? before.known : 0,
    former: before.count,
  });
  const known = clients.length;
  const head: Head = { threshold: set.threshold, parts, mounts, known };
  transaction.put(`${root}${month}/head`, utf8(JSON.stringify(head)));
  return { threshold: set.threshold, count: known, known };
}

export async function deleteMonth(transaction: Transaction, month: string): Promise<void> {
  for (const name of await transaction.list(`${root}${month}/`)) {
    transaction.delete(`${root}${month}/${name}`);
  }
}

function partKey(month: string, part: number): string {
  return `${root}${month}/${String(part).padStart(4, "0")}`;
}

function encodePart(clients: readonly Client[], mounts: readonly string[]): Bytes {
  const places = new Map(mounts.map((mount, place) => [mount, place]));
  const view = new DataView(new ArrayBuffer(clients.length * recordBytes));
  clients.forEach(({ hash, kind, mount }, i) => {
    view.setFloat64(i * recordBytes, hash);
    const place = places.get(mount) ?? 0;
    view.setUint32(i * recordBytes + 8, place * 2 + (kind === "entity" ? 0 : 1));
  });
  return new Uint8Array(view.buffer);
}

function decodePart(
  bytes: Uint8Array,
  { mounts }: Head,
  firsts: ReadonlyMap<number, FirstUse>,
  into: ClientSet,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes) {
    const code = view.getUint32(at + 8);
    const hash = view.getFloat64(at);
    const first = firsts.get(hash);
    into.add({
      hash,
      kind: code % 2 === 0 ? "entity" : "non-entity",
      mount: mounts[Math.floor(code / 2)] ?? "",
      ...(first === undefined ? {} : { first }),
    });
  }
}
