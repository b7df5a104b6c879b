/**
 * Every command there is. The modules behind `load` are read only when their command runs, so
 * that a client command starts without the rest.
 */
import type { Command } from "./command.ts";
import type { Group, Leaf, Node } from "./group.ts";

const leaf = (name: string, summary: string, load: () => Promise<Command>): Leaf => ({
  name,
  summary,
  load,
});

const group = (
  name: string,
  summary: string,
  about: string,
  children: readonly Node[],
  examples: Group["examples"] = [],
): Group => ({ name, summary, about, children, examples });

const kvMetadata = group(
  "metadata",
  "What is kept about a key of a KV engine",
  "Settings, notes and versions of a key.",
  [
    leaf(
      "delete",
      "Remove a key with all its versions",
      async () => (await import("./commands/kv_metadata.ts")).remove,
    ),
    leaf(
      "get",
      "Print what is kept about a key",
      async () => (await import("./commands/kv_metadata.ts")).get,
    ),
    leaf(
      "patch",
      "Change some settings of a key",
      async () => (await import("./commands/kv_metadata.ts")).patch,
    ),
    leaf(
      "put",
      "Set the settings of a key",
      async () => (await import("./commands/kv_metadata.ts")).put,
    ),
  ],
);

const kv = group(
  "kv",
  "Secrets in KV engines",
  "Reads and writes secrets in KV engines of both versions.",
  [
    leaf(
      "delete",
      "Delete versions of a secret",
      async () => (await import("./commands/kv_versions.ts")).remove,
    ),
    leaf(
      "destroy",
      "Remove versions of a secret for good",
      async () => (await import("./commands/kv_versions.ts")).destroy,
    ),
    leaf(
      "enable-versioning",
      "Turn version 1 of an engine into version 2",
      async () => (await import("./commands/kv_list.ts")).enableVersioning,
    ),
    leaf("get", "Read a secret", async () => (await import("./commands/kv_get.ts")).command),
    leaf("list", "List keys", async () => (await import("./commands/kv_list.ts")).list),
    kvMetadata,
    leaf(
      "patch",
      "Change fields of a secret",
      async () => (await import("./commands/kv_put.ts")).patch,
    ),
    leaf("put", "Write a secret", async () => (await import("./commands/kv_put.ts")).put),
    leaf(
      "rollback",
      "Make an older version the newest",
      async () => (await import("./commands/kv_versions.ts")).rollback,
    ),
    leaf(
      "scan",
      "List keys at every depth",
      async () => (await import("./commands/kv_list.ts")).scan,
    ),
    leaf(
      "undelete",
      "Bring deleted versions back",
      async () => (await import("./commands/kv_versions.ts")).undelete,
    ),
  ],
  [["Write a secret and read it back", "kv put -mount=secret app user=anna"]],
);

/** The root of the tree. */
export const root: Group = {
  name: "",
  summary: "",
  about: "Holdfast keeps secrets and hands them out to whom a policy allows. This is its " +
    "command line, and the server too.",
  children: [
    leaf(
      "delete",
      "Delete what is at a path",
      async () => (await import("./commands/delete.ts")).command,
    ),
    kv,
    leaf(
      "list",
      "List the keys below a path",
      async () => (await import("./commands/list.ts")).list,
    ),
    leaf(
      "patch",
      "Change parts of what is at a path",
      async () => (await import("./commands/write.ts")).patch,
    ),
    leaf(
      "read",
      "Read what is at a path",
      async () => (await import("./commands/read.ts")).command,
    ),
    leaf("scan", "List keys at every depth", async () => (await import("./commands/list.ts")).scan),
    leaf(
      "status",
      "Print the state of a node",
      async () => (await import("./commands/status.ts")).command,
    ),
    leaf(
      "unwrap",
      "Open a wrapped answer",
      async () => (await import("./commands/unwrap.ts")).command,
    ),
    leaf("write", "Write data to a path", async () => (await import("./commands/write.ts")).write),
  ],
};
