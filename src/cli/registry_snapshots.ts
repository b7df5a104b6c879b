/** `operator raft snapshot`: the part of the registry that is about backups. */
import { group, leaf } from "./group.ts";

export const snapshots = group(
  "snapshot",
  "Backups",
  "Saves all data to a file and puts it back.",
  [
    leaf(
      "inspect",
      "Print what a snapshot file says of itself",
      async () => (await import("./commands/raft_snapshot_inspect.ts")).inspect,
    ),
    leaf(
      "restore",
      "Put back all data from a file",
      async () => (await import("./commands/raft_snapshot.ts")).restore,
    ),
    leaf(
      "save",
      "Save all data to a file",
      async () => (await import("./commands/raft_snapshot.ts")).save,
    ),
    leaf(
      "verify",
      "Check that all of a snapshot file opens with its keys",
      async () => (await import("./commands/raft_snapshot_verify.ts")).verify,
    ),
  ],
);
