/** The commands of `operator raw`, a part of the tree in `registry.ts`. */
import { type Group, group, leaf } from "./group.ts";

export const rawGroup: Group = group(
  "raw",
  "Storage entries as they are",
  "Surgery on what keeps a node from starting: of a node in recovery mode (server -recovery), or " +
    "of one with raw_storage_endpoint.",
  [
    leaf(
      "check",
      "Read everything and name what can't be read",
      async () => (await import("./commands/operator_raw.ts")).check,
    ),
    leaf(
      "delete",
      "Delete an entry",
      async () => (await import("./commands/operator_raw.ts")).remove,
    ),
    leaf("list", "List keys", async () => (await import("./commands/operator_raw.ts")).list),
    leaf(
      "read",
      "Print what an entry is and what is in it",
      async () => (await import("./commands/operator_raw.ts")).read,
    ),
    leaf(
      "undo",
      "Take the newest change back",
      async () => (await import("./commands/operator_raw.ts")).undo,
    ),
    leaf(
      "write",
      "Put a value in an entry's place",
      async () => (await import("./commands/operator_raw.ts")).write,
    ),
  ],
);
