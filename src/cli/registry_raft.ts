/** The commands of `operator raft`, a part of the tree in `registry.ts`. */
import { type Group, group, leaf } from "./group.ts";

export const raftGroup: Group = group(
  "raft",
  "Integrated storage",
  "The group of nodes that keeps the data.",
  [
    group(
      "autopilot",
      "How the group looks after itself",
      "Who is healthy, who is dead, and what is done about it.",
      [
        leaf(
          "get-config",
          "Print the settings",
          async () => (await import("./commands/raft_autopilot.ts")).getConfig,
        ),
        leaf(
          "set-config",
          "Change the settings",
          async () => (await import("./commands/raft_autopilot.ts")).setConfig,
        ),
        leaf(
          "state",
          "Print the health of each node",
          async () => (await import("./commands/raft_autopilot.ts")).state,
        ),
      ],
    ),
    leaf(
      "diagnose",
      "Try each peer and say what is wrong",
      async () => (await import("./commands/raft_diagnose.ts")).diagnose,
    ),
    leaf(
      "join",
      "Make a node join the group",
      async () => (await import("./commands/raft_peers.ts")).join,
    ),
    leaf(
      "list-peers",
      "List the nodes of the group",
      async () => (await import("./commands/raft_peers.ts")).listPeers,
    ),
    leaf(
      "recover",
      "Make a group of what is left, offline",
      async () => (await import("./commands/raft_recover.ts")).recover,
    ),
    leaf(
      "remove-peer",
      "Take a node out of the group",
      async () => (await import("./commands/raft_peers.ts")).removePeer,
    ),
    group("snapshot", "Backups", "Saves all data to a file and puts it back.", [
      leaf(
        "inspect",
        "Print what a snapshot file says of itself",
        async () => (await import("./commands/raft_snapshot_inspect.ts")).inspect,
      ),
      leaf(
        "load",
        "Look into a snapshot beside what is stored",
        async () => (await import("./commands/raft_snapshot_load.ts")).load,
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
        "unload",
        "Let go of a loaded snapshot",
        async () => (await import("./commands/raft_snapshot_load.ts")).unload,
      ),
      leaf(
        "unseal",
        "Give a loaded snapshot an unseal key of its own",
        async () => (await import("./commands/raft_snapshot_load.ts")).unseal,
      ),
      leaf(
        "verify",
        "Check that all of a snapshot file opens with its keys",
        async () => (await import("./commands/raft_snapshot_verify.ts")).verify,
      ),
    ]),
  ],
);
