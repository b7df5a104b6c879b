/** `sys/storage/raft/snapshot`: the whole content as a file, and back. */
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Node } from "../../core/node.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { empty } from "../node/route.ts";
import { integrated } from "./receive.ts";
import { restoreSnapshot } from "./restore.ts";
import { saveSnapshot } from "./save.ts";

async function save(node: Node) {
  const { body, bytes } = await saveSnapshot(node, integrated(node));
  // With it clients show how far they are, and one that was cut off knows that it was.
  const headers = { "content-length": String(bytes) };
  return { raw: { status: 200, contentType: "application/gzip", body, headers } };
}

export function raftSnapshotPaths(node: () => Node): Path[] {
  // A body can be read once, so this runs outside of the transaction, which may be tried again.
  const later = (force: boolean) => (call: Call) => {
    integrated(node());
    const answer: LogicalResponse = empty();
    call.transaction.beforeAnswer(async () => {
      Object.assign(answer, await restoreSnapshot(node(), call.request, force));
    });
    return answer;
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
