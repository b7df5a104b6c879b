/** `sys/storage/raft/snapshot`: the whole content as a file, and back. */
import { badRequest } from "../base/failure.ts";
import { type Path, path } from "../backend/path.ts";
import type { Call } from "../core/backend.ts";
import type { IntegratedStorage, Node } from "../core/node.ts";

/** Only integrated storage can be read at one moment and replaced in one go. */
function integrated(node: Node): IntegratedStorage {
  if (node.integrated === undefined) {
    throw badRequest("raft storage is not in use");
  }
  return node.integrated;
}

async function save(node: Node) {
  const storage = integrated(node);
  const { writeSnapshot } = await import("../snapshot/write.ts");
  const { index, term } = storage.position();
  const body = await writeSnapshot(
    storage.spoolFolder,
    storage.snapshot(),
    {
      Version: 1,
      ID: `${term}-${index}-${node.platform.clock.now()}`,
      Index: index,
      Term: term,
      Peers: "",
      Configuration: {
        Servers: [{ Suffrage: 0, ID: storage.nodeId, Address: node.addresses.cluster }],
      },
      ConfigurationIndex: 1,
    },
    (sums) => node.barrier.encryptRaw(sumsContext, sums),
  );
  return { raw: { status: 200, contentType: "application/gzip", body } };
}

/** What the sealed checksums are bound to. */
const sumsContext = "core/snapshot-sums";

async function restore(node: Node, call: Call, force: boolean) {
  const storage = integrated(node);
  const body = call.request.body;
  if (body === undefined) throw badRequest("the body must be a snapshot file");
  const { readSnapshot } = await import("../snapshot/read.ts");
  const read = await readSnapshot(storage.spoolFolder, body);
  try {
    if (!force) checkSeal(node, read.sealedSums, read.sums);
    await node.replaceContent(() => storage.restore(read.entries()));
  } finally {
    await read.dispose();
  }
}

/** A snapshot of another cluster, or of before a rekey, opens with other keys than this node's. */
function checkSeal(node: Node, sealed: Uint8Array<ArrayBuffer>, sums: Uint8Array): void {
  const refusal = "could not verify hash file, possibly the snapshot is using a different set of " +
    "unseal keys; use the snapshot-force API to bypass this check";
  let opened: Uint8Array;
  try {
    opened = node.barrier.decryptRaw(sumsContext, sealed);
  } catch (cause) {
    throw badRequest(refusal, cause);
  }
  if (opened.length !== sums.length || opened.some((byte, i) => byte !== sums[i])) {
    throw badRequest(refusal);
  }
}

export function raftSnapshotPaths(node: () => Node): Path[] {
  // A body can be read once, so this runs outside of the transaction, which may be tried again.
  const later = (force: boolean) => (call: Call) => {
    integrated(node());
    if ((node().ha?.group.configuration.members.length ?? 1) > 1) {
      throw badRequest("a snapshot is restored to a cluster of one node: remove the others first");
    }
    call.transaction.beforeAnswer(() => restore(node(), call, force));
  };
  return [
    path("storage/raft/snapshot", {
      summary: "All that is stored, as a file.",
      sudo: true,
      operations: {
        read: { summary: "Saves a snapshot.", handler: () => save(node()) },
        update: { summary: "Restores a snapshot of this cluster.", handler: later(false) },
      },
    }),
    path("storage/raft/snapshot-force", {
      summary: "All that is stored, replaced by a file of any cluster.",
      sudo: true,
      operations: {
        update: { summary: "Restores any snapshot.", handler: later(true) },
      },
    }),
  ];
}
