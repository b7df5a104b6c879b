/** Loads a snapshot beside the storage, and notes it for whoever is active next. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import type { Node } from "../../core/node.ts";
import type { Services } from "../../core/services.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { ReadSnapshot } from "../../snapshot/read.ts";
import type { View } from "../../storage/transaction.ts";
import { SnapshotBeside } from "./load.ts";
import { integrated } from "./receive.ts";

/** What is loaded, for whoever is active next: it has no such file, and says so. */
export const recordKey = "core/loaded-snapshot";

export interface LoadRecord {
  readonly id: string;
  readonly clusterId: string;
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Of which automated snapshots it is; absent for one that somebody brought. */
  readonly autoConfig?: string;
  /** Whether nobody asked for it. */
  readonly isAutoLoaded?: boolean;
}

export type LoadOrigin = Pick<LoadRecord, "autoConfig" | "isAutoLoaded">;

/** Undefined where nothing is loaded, or no more. */
export async function readRecord(view: View, now: number): Promise<LoadRecord | undefined> {
  const bytes = await view.get(recordKey);
  if (bytes === undefined) return undefined;
  const record: LoadRecord = JSON.parse(fromUtf8(bytes));
  return record.expiresAt > now ? record : undefined;
}

/** What is told of one whose file went with the node that had loaded it. */
export function lostBody({ id, clusterId, node, createdAt, expiresAt }: LoadRecord): JsonObject {
  return {
    cluster_id: clusterId,
    created_at: rfc3339(createdAt),
    expires_at: rfc3339(expiresAt),
    snapshot_id: id,
    status: "error",
    error: `node ${node} had loaded it and has sealed or stood by since; load it again`,
  };
}

/** Loads what `receive` brings, and notes it. */
export async function loadBeside(
  services: Services,
  node: Node,
  receive: () => Promise<ReadSnapshot>,
  origin: LoadOrigin,
): Promise<SnapshotBeside> {
  const loaded = await services.snapshots.load(async () => {
    const read = await receive();
    try {
      return await SnapshotBeside.load(node, read);
    } finally {
      await read.dispose();
    }
  });
  const record: LoadRecord = {
    id: loaded.id,
    clusterId: String(loaded.details.cluster_id),
    node: integrated(node).nodeId,
    createdAt: loaded.createdAt,
    expiresAt: loaded.expiresAt,
    ...origin,
  };
  await services.transactions.run((t) => t.put(recordKey, utf8(JSON.stringify(record))));
  return loaded;
}
