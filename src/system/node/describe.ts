/** The node's own paths for OpenAPI: they are not declared like those of a mount. */
import type { PathDescription } from "../../core/backend.ts";

function described(
  template: string,
  summary: string,
  operations: readonly ("read" | "update" | "delete")[],
): PathDescription {
  return {
    template,
    summary,
    description: "",
    unauthenticated: true,
    sudo: false,
    parameters: [],
    fields: [],
    operations: Object.fromEntries(operations.map((name) => [name, { summary }])),
  };
}

/** Relative to `sys/`. */
export const nodePathDescriptions: readonly PathDescription[] = [
  described("health", "How the node is, for load balancers.", ["read"]),
  described("seal-status", "Whether the node is sealed.", ["read"]),
  described("leader", "Which node is active.", ["read"]),
  described("init", "Makes the keys of a new cluster.", ["read", "update"]),
  described("storage/raft/join", "Joins the cluster of another node.", ["update"]),
  described("storage/raft/bootstrap/challenge", "Asks a joining node for a proof.", ["update"]),
  described("storage/raft/bootstrap/answer", "Lets a node in that has the proof.", ["update"]),
  described("unseal", "Takes a share of the unseal key.", ["update"]),
  described("rekey/init", "A new unseal key, with new shares.", ["read", "update", "delete"]),
  described("rekey/update", "A share of the key in force.", ["update"]),
  described("rekey/verify", "The new shares, shown by their holders.", [
    "read",
    "update",
    "delete",
  ]),
  described("generate-root/attempt", "A new root token.", ["read", "update", "delete"]),
  described("generate-root/update", "A share of the key.", ["update"]),
];
