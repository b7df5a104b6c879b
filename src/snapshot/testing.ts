/** What the tests of this room share. */
import type { Entry } from "../storage/storage.ts";
import { FORMAT_VERSION, PROGRAM, type SnapshotMeta } from "./meta.ts";

/** A snapshot's own words, without its size. */
export const testMeta: Omit<SnapshotMeta, "Size"> = {
  Version: FORMAT_VERSION,
  ID: "1-2-3",
  Index: 2,
  Term: 1,
  Peers: "",
  Configuration: { Servers: [] },
  ConfigurationIndex: 1,
  Program: PROGRAM,
  ProgramVersion: "0",
  ClusterID: "c",
  ClusterName: "n",
  CreatedAt: "2026-01-01T00:00:00Z",
};

/** The same entries, one at a time. */
export async function* asynchronous(entries: Iterable<Entry>): AsyncGenerator<Entry> {
  for (const entry of entries) yield await Promise.resolve(entry);
}
