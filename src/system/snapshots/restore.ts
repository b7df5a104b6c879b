/** Puts a snapshot in the place of everything: on a running cluster, or on a node that is new. */
import { timingSafeEqual } from "node:crypto";
import { badRequest, changingOver, Failure } from "../../base/failure.ts";
import type { Barrier } from "../../barrier/barrier.ts";
import { KEYRING_KEY, SEAL_CONFIG_KEY } from "../../barrier/physical.ts";
import type { ContentReplacement, IntegratedStorage } from "../../core/integrated_storage.ts";
import type { Node } from "../../core/node.ts";
import type { Request } from "../../logical/request.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { decodeSealConfig } from "../../seal/config.ts";
import { metaText } from "../../snapshot/meta.ts";
import type { CheckedSnapshot } from "../../snapshot/read.ts";
import {
  CorruptionError,
  EntryTooLargeError,
  InvalidKeyError,
  NotLeaderError,
  ReplacementUnderWayError,
  TooFewNodesError,
} from "../../storage/storage.ts";
import { flat } from "../node/route.ts";
import { integrated, stagedSnapshot } from "./receive.ts";
import { sumsContext } from "./save.ts";

/**
 * Restores on a cluster. Everything about the file is checked before anything is changed, and what is
 * in it is laid down on all nodes, while this one goes on serving; with `force` it may be of another
 * cluster. Returns what is to be answered.
 */
export async function restoreSnapshot(
  node: Node,
  request: Request,
  force: boolean,
): Promise<LogicalResponse | undefined> {
  const storage = integrated(node);
  const { services } = node;
  return await replacing(storage, async (replacement) => {
    const goOn = () => node.mustServe(services);
    const read = await stagedSnapshot(storage, replacement, request.body, goOn);
    goOn();
    if (!force) checkSeal(node, read);
    const needed = keysNeeded(read);
    await replacement.spread();
    await node.replaceContent(services, async () => {
      // The unseal keys may have been replaced in the meantime.
      if (!force) checkSeal(node, read);
      await replacement.use();
    });
    return node.sealed ? flat({ warnings: [needed] }) : undefined;
  });
}

/**
 * Restores on a node that holds nothing yet, and makes a group of one of it. As for `sys/init`, who
 * can reach such a node may do so; what is inside stays sealed. A file of another cluster is fine.
 */
export async function restoreFresh(node: Node, request: Request): Promise<LogicalResponse> {
  const storage = integrated(node);
  return await replacing(storage, async (replacement) => {
    const read = await stagedSnapshot(storage, replacement, request.body, () => {});
    if (await node.isInitialized()) throw badRequest("Vault is already initialized");
    const needed = keysNeeded(read);
    await node.ha?.bootstrap();
    await replacement.spread();
    await replacement.use();
    node.platform.log.info("a snapshot was restored on a new node");
    return flat({ warnings: [needed] });
  });
}

/** One restore at a time: who comes meanwhile is refused before its file is taken. */
async function replacing<T>(
  storage: IntegratedStorage,
  restore: (replacement: ContentReplacement) => Promise<T>,
): Promise<T> {
  let replacement: ContentReplacement | undefined;
  try {
    replacement = storage.replacement();
    return await restore(replacement);
  } catch (error) {
    throw explained(error);
  } finally {
    await replacement?.close();
  }
}

/** What a client is told of what the storage would not do. */
function explained(error: unknown): unknown {
  if (error instanceof ReplacementUnderWayError) {
    const message = "another snapshot is being restored; nothing was changed for this one";
    return new Failure(409, message, { cause: error });
  }
  if (error instanceof NotLeaderError) {
    return changingOver("this node is not active any more; nothing was changed", error);
  }
  if (error instanceof InvalidKeyError || error instanceof EntryTooLargeError) {
    return badRequest(`the snapshot can't be restored: ${error.message}`, error);
  }
  if (error instanceof TooFewNodesError) return new Failure(503, error.message, { cause: error });
  return error;
}

/** Names the keys that open what is in the snapshot. */
function keysNeeded({ meta, belowBarrier }: CheckedSnapshot): string {
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
  { sealedSums, sums }: Pick<CheckedSnapshot, "sealedSums" | "sums">,
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
  { sealedSums, sums, belowBarrier }: CheckedSnapshot,
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
