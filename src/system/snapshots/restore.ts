/** Puts a snapshot in the place of everything: on a running cluster, or on a node that is new. */
import { timingSafeEqual } from "node:crypto";
import { badRequest, describeError } from "../../base/failure.ts";
import type { Barrier } from "../../barrier/barrier.ts";
import { KEYRING_KEY, SEAL_CONFIG_KEY } from "../../barrier/physical.ts";
import type { IntegratedStorage } from "../../core/integrated_storage.ts";
import type { Node } from "../../core/node.ts";
import type { Request } from "../../logical/request.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { decodeSealConfig } from "../../seal/config.ts";
import { checkOwn, metaText } from "../../snapshot/meta.ts";
import type { ReadSnapshot } from "../../snapshot/read.ts";
import { flat } from "../node/route.ts";
import { CorruptionError } from "../../storage/storage.ts";
import { sumsContext } from "./save.ts";

/** Only integrated storage can be read at one moment and replaced in one go. */
export function integrated(node: Node): IntegratedStorage {
  if (node.integrated === undefined) throw badRequest("raft storage is not in use");
  return node.integrated;
}

/**
 * Restores on a cluster. Everything about the file is checked before anything is changed; with
 * `force` it may be of another cluster. Returns what is to be answered.
 */
export async function restoreSnapshot(
  node: Node,
  request: Request,
  force: boolean,
): Promise<LogicalResponse | undefined> {
  const storage = integrated(node);
  const read = await receivedSnapshot(storage, request.body);
  try {
    if (!force) checkSeal(node, read);
    const needed = keysNeeded(read);
    await node.replaceContent(() => storage.restore(read.entries()));
    return node.sealed ? flat({ warnings: [needed] }) : undefined;
  } finally {
    await read.dispose();
  }
}

/**
 * Restores on a node that holds nothing yet, and makes a group of one of it. As for `sys/init`, who
 * can reach such a node may do so; what is inside stays sealed. A file of another cluster is fine.
 */
export async function restoreFresh(node: Node, request: Request): Promise<LogicalResponse> {
  const storage = integrated(node);
  const read = await receivedSnapshot(storage, request.body);
  try {
    if (await node.isInitialized()) throw badRequest("Vault is already initialized");
    await node.ha?.bootstrap();
    await storage.restore(read.entries());
    node.platform.log.info("a snapshot was restored on a new node");
    return flat({ warnings: [keysNeeded(read)] });
  } finally {
    await read.dispose();
  }
}

/** Spools the file that a request carries and checks it. Throws a 400; must be disposed of. */
export async function receivedSnapshot(
  storage: IntegratedStorage,
  body: ReadableStream<Uint8Array> | undefined,
): Promise<ReadSnapshot> {
  if (body === undefined) throw badRequest("the body must be a snapshot file");
  const read = await readReceived(storage.spoolFolder, body);
  try {
    checkOwn(read.meta);
    for (const key of [KEYRING_KEY, SEAL_CONFIG_KEY]) {
      if (!read.belowBarrier.has(key)) {
        throw badRequest(`the snapshot could not be unsealed: it has no ${key}`);
      }
    }
    return read;
  } catch (error) {
    await read.dispose();
    throw error;
  }
}

async function readReceived(
  folder: string,
  body: ReadableStream<Uint8Array>,
): Promise<ReadSnapshot> {
  const { readSnapshot } = await import("../../snapshot/read.ts");
  const { SpoolFile } = await import("../../snapshot/spool.ts");
  const spool = await SpoolFile.take(folder, body).catch((cause) => {
    throw badRequest(`the snapshot did not come whole: ${describeError(cause)}`, cause);
  });
  try {
    return await readSnapshot(folder, spool.chunks());
  } finally {
    await spool.remove();
  }
}

/** Names the keys that open what is in the snapshot. */
function keysNeeded({ meta, belowBarrier }: ReadSnapshot): string {
  const bytes = belowBarrier.get(SEAL_CONFIG_KEY);
  const cluster = metaText(meta, "ClusterName");
  if (bytes === undefined) return `unseal with the keys of the cluster ${cluster}`;
  const { type, shares, threshold } = decodeSealConfig(SEAL_CONFIG_KEY, bytes);
  return `the snapshot was restored; unseal with ${threshold} of the ${shares} keys (${type}) ` +
    `that cluster ${cluster} (${metaText(meta, "ClusterID")}) had at ` +
    `${metaText(meta, "CreatedAt")}; the keys of before are of no use for it`;
}

/** Whether a barrier holds the key that sealed a snapshot's checksums, and they are those of the file. */
export function opensSums(
  barrier: Barrier,
  { sealedSums, sums }: Pick<ReadSnapshot, "sealedSums" | "sums">,
): boolean {
  try {
    const opened = barrier.decryptRaw(sumsContext, sealedSums);
    return opened.length === sums.length && timingSafeEqual(opened, sums);
  } catch (error) {
    if (error instanceof CorruptionError) return false;
    throw error;
  }
}

/** A snapshot of another cluster, or of before a rekey, opens with other keys than this node's. */
export function checkSeal(
  { barrier }: Node,
  { sealedSums, sums, belowBarrier }: ReadSnapshot,
): void {
  const refusal = "could not verify hash file, possibly the snapshot is using a different set of " +
    "unseal keys; use the snapshot-force API to bypass this check";
  if (!opensSums(barrier, { sealedSums, sums })) throw badRequest(refusal);
  const keyring = belowBarrier.get(KEYRING_KEY);
  if (keyring === undefined || !barrier.opensKeyring(keyring)) {
    throw badRequest(
      "the snapshot is older than the unseal keys in use (they were replaced since) and needs the " +
        "keys of then; use the snapshot-force API to restore it all the same",
    );
  }
}
