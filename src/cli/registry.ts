/**
 * Every command there is. The modules behind `load` are read only when their command runs, so
 * that a client command starts without the rest.
 */
import { type Group, group, leaf } from "./group.ts";
import { raftGroup } from "./registry_raft.ts";
import { rawGroup } from "./registry_raw.ts";

/** The root of the tree. */
export const root: Group = {
  name: "",
  summary: "",
  about: "Holdfast keeps secrets and hands them out to whom a policy allows. This is its " +
    "command line, and the server too.",
  children: [
    group("audit", "Audit devices", "Audit devices record every request and every answer.", [
      leaf(
        "disable",
        "Disable an audit device",
        async () => (await import("./commands/audit.ts")).disable,
      ),
      leaf(
        "enable",
        "Enable an audit device",
        async () => (await import("./commands/audit.ts")).enable,
      ),
      leaf(
        "hash",
        "Hash a value to search for it in a log",
        async () => (await import("./commands/audit_tail.ts")).hash,
      ),
      leaf("list", "List audit devices", async () => (await import("./commands/audit.ts")).list),
      leaf(
        "tail",
        "Print what a log says, and what is added to it",
        async () => (await import("./commands/audit_tail.ts")).tail,
      ),
    ]),
    group("auth", "Auth methods", "Auth methods are the ways to log in.", [
      leaf(
        "disable",
        "Unmount an auth method",
        async () => (await import("./commands/auth.ts")).disable,
      ),
      leaf(
        "enable",
        "Mount an auth method",
        async () => (await import("./commands/auth.ts")).enable,
      ),
      leaf(
        "help",
        "How to log in by an auth method",
        async () => (await import("./commands/auth.ts")).help,
      ),
      leaf("list", "List auth methods", async () => (await import("./commands/auth.ts")).list),
      leaf(
        "move",
        "Move an auth method to another path",
        async () => (await import("./commands/auth.ts")).move,
      ),
      leaf(
        "tune",
        "Change the settings of an auth method",
        async () => (await import("./commands/auth.ts")).tune,
      ),
    ]),
    group(
      "completion",
      "Completion of commands in a shell",
      "Prints scripts that complete commands and flags.",
      [
        leaf("bash", "For bash", async () => (await import("./commands/completion.ts")).bash),
        leaf("fish", "For fish", async () => (await import("./commands/completion.ts")).fish),
        leaf("zsh", "For zsh", async () => (await import("./commands/completion.ts")).zsh),
      ],
    ),
    leaf(
      "debug",
      "Collect what a node tells of itself",
      async () => (await import("./commands/debug.ts")).command,
    ),
    leaf(
      "delete",
      "Delete what is at a path",
      async () => (await import("./commands/delete.ts")).command,
    ),
    group(
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
        group("metadata", "What is kept about a key", "Settings, notes and versions of a key.", [
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
        ]),
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
    ),
    group("lease", "Secrets with an end", "Leases are what engines hand out for a time.", [
      leaf(
        "lookup",
        "Print when a lease ends",
        async () => (await import("./commands/lease.ts")).lookup,
      ),
      leaf(
        "renew",
        "Ask for more time for a lease",
        async () => (await import("./commands/lease.ts")).renew,
      ),
      leaf("revoke", "End leases", async () => (await import("./commands/lease.ts")).revoke),
    ]),
    leaf(
      "list",
      "List the keys below a path",
      async () => (await import("./commands/list.ts")).list,
    ),
    leaf("login", "Log in", async () => (await import("./commands/login.ts")).command),
    leaf(
      "monitor",
      "Print a node's log as it is written",
      async () => (await import("./commands/monitor.ts")).command,
    ),
    group(
      "namespace",
      "Tenants of a node",
      "Namespaces have mounts, policies and identities of their own.",
      [
        leaf(
          "create",
          "Make a namespace",
          async () => (await import("./commands/namespace.ts")).create,
        ),
        leaf(
          "delete",
          "Delete a namespace",
          async () => (await import("./commands/namespace.ts")).remove,
        ),
        leaf("list", "List namespaces", async () => (await import("./commands/namespace.ts")).list),
        leaf(
          "lock",
          "Lock a namespace",
          async () => (await import("./commands/namespace.ts")).lock,
        ),
        leaf(
          "lookup",
          "Print what is known about a namespace",
          async () => (await import("./commands/namespace.ts")).lookup,
        ),
        leaf(
          "patch",
          "Change the notes of a namespace",
          async () => (await import("./commands/namespace.ts")).patch,
        ),
        leaf(
          "scan",
          "List namespaces at every depth",
          async () => (await import("./commands/namespace.ts")).scan,
        ),
        leaf(
          "unlock",
          "Unlock a namespace",
          async () => (await import("./commands/namespace.ts")).unlock,
        ),
      ],
    ),
    group(
      "operator",
      "Work on a node or cluster",
      "For those who run a node: its keys, its seal, its peers.",
      [
        leaf(
          "diagnose",
          "Look for what would keep a node from starting",
          async () => (await import("./commands/operator_diagnose.ts")).diagnose,
        ),
        leaf(
          "generate-root",
          "Make a new root token from key shares",
          async () => (await import("./commands/operator_generate_root.ts")).command,
        ),
        leaf(
          "import",
          "Take over what Vault or OpenBao kept",
          async () => (await import("./commands/operator_import.ts")).command,
        ),
        leaf(
          "init",
          "Initialise a new node",
          async () => (await import("./commands/operator_init.ts")).command,
        ),
        leaf(
          "key-status",
          "Print which encryption key is in use",
          async () => (await import("./commands/operator_seal.ts")).keyStatus,
        ),
        leaf(
          "members",
          "List the nodes of a cluster",
          async () => (await import("./commands/operator_seal.ts")).members,
        ),
        leaf(
          "migrate",
          "Move what a node keeps to another storage",
          async () => (await import("./commands/operator_migrate.ts")).migrate,
        ),
        raftGroup,
        rawGroup,
        leaf(
          "rekey",
          "Make new unseal keys",
          async () => (await import("./commands/operator_rekey.ts")).rekey,
        ),
        leaf(
          "rotate",
          "Make a new encryption key",
          async () => (await import("./commands/operator_seal.ts")).rotate,
        ),
        leaf(
          "rotate-keys",
          "Make new unseal keys, with a token",
          async () => (await import("./commands/operator_rekey.ts")).rotateKeys,
        ),
        leaf("seal", "Seal a node", async () => (await import("./commands/operator_seal.ts")).seal),
        leaf(
          "step-down",
          "Hand over to another node",
          async () => (await import("./commands/operator_seal.ts")).stepDown,
        ),
        leaf(
          "unseal",
          "Give a node an unseal key",
          async () => (await import("./commands/operator_seal.ts")).unseal,
        ),
        leaf(
          "validate-config",
          "Check configuration files",
          async () => (await import("./commands/operator_diagnose.ts")).validateConfig,
        ),
      ],
    ),
    leaf(
      "patch",
      "Change parts of what is at a path",
      async () => (await import("./commands/write.ts")).patch,
    ),
    leaf(
      "path-help",
      "Print what a path is for",
      async () => (await import("./commands/misc.ts")).pathHelp,
    ),
    group(
      "plugin",
      "The catalogue of plugins",
      "The engines and auth methods that can be mounted.",
      [
        leaf(
          "deregister",
          "Take a plugin out of the catalogue",
          async () => (await import("./commands/plugin.ts")).deregister,
        ),
        leaf(
          "info",
          "Print what is known about a plugin",
          async () => (await import("./commands/plugin.ts")).info,
        ),
        leaf("list", "List plugins", async () => (await import("./commands/plugin.ts")).list),
        leaf(
          "register",
          "Add a plugin to the catalogue",
          async () => (await import("./commands/plugin.ts")).register,
        ),
        leaf(
          "reload",
          "Start a plugin anew",
          async () => (await import("./commands/plugin.ts")).reload,
        ),
        leaf(
          "reload-status",
          "Print how far a reload is",
          async () => (await import("./commands/plugin.ts")).reloadStatus,
        ),
      ],
    ),
    group("policy", "Who may do what", "Policies say which paths a token may use, and how.", [
      leaf("delete", "Delete a policy", async () => (await import("./commands/policy.ts")).remove),
      leaf(
        "explain",
        "Say why something is allowed or denied",
        async () => (await import("./commands/policy.ts")).explain,
      ),
      leaf(
        "fmt",
        "Lay a policy file out in its usual form",
        async () => (await import("./commands/policy_fmt.ts")).command,
      ),
      leaf("list", "List policies", async () => (await import("./commands/policy.ts")).list),
      leaf("read", "Print a policy", async () => (await import("./commands/policy.ts")).read),
      leaf("write", "Write a policy", async () => (await import("./commands/policy.ts")).write),
    ]),
    group("print", "What this client would use", "Values that this client works with.", [
      leaf(
        "token",
        "Print the token that commands use",
        async () => (await import("./commands/misc.ts")).printToken,
      ),
    ]),
    leaf(
      "read",
      "Read what is at a path",
      async () => (await import("./commands/read.ts")).command,
    ),
    leaf(
      "recover",
      "Bring secrets back out of a loaded snapshot",
      async () => (await import("./commands/recover.ts")).command,
    ),
    leaf("scan", "List keys at every depth", async () => (await import("./commands/list.ts")).scan),
    group("secrets", "Secrets engines", "Secrets engines keep, make or encrypt secrets.", [
      leaf(
        "disable",
        "Unmount a secrets engine",
        async () => (await import("./commands/secrets.ts")).disable,
      ),
      leaf(
        "enable",
        "Mount a secrets engine",
        async () => (await import("./commands/secrets.ts")).enable,
      ),
      leaf(
        "list",
        "List secrets engines",
        async () => (await import("./commands/secrets.ts")).list,
      ),
      leaf(
        "move",
        "Move a secrets engine to another path",
        async () => (await import("./commands/secrets.ts")).move,
      ),
      leaf(
        "tune",
        "Change the settings of a secrets engine",
        async () => (await import("./commands/secrets.ts")).tune,
      ),
    ]),
    leaf("server", "Start a node", async () => (await import("./commands/server.ts")).command),
    leaf(
      "status",
      "Print the state of a node",
      async () => (await import("./commands/status.ts")).command,
    ),
    group("token", "Tokens", "Tokens stand for those who are logged in.", [
      leaf(
        "capabilities",
        "Print what a token may do",
        async () => (await import("./commands/token.ts")).capabilities,
      ),
      leaf(
        "create",
        "Make a token",
        async () => (await import("./commands/token_create.ts")).command,
      ),
      leaf(
        "lookup",
        "Print what is known about a token",
        async () => (await import("./commands/token.ts")).lookup,
      ),
      leaf(
        "renew",
        "Ask for more time for a token",
        async () => (await import("./commands/token.ts")).renew,
      ),
      leaf("revoke", "Revoke a token", async () => (await import("./commands/token.ts")).revoke),
    ]),
    group("transit", "Keys for transit", "Keys that were made elsewhere, for the transit engine.", [
      leaf(
        "import",
        "Make a key of one from elsewhere",
        async () => (await import("./commands/transit.ts")).importKey,
      ),
      leaf(
        "import-version",
        "Add a version to an imported key",
        async () => (await import("./commands/transit.ts")).importVersion,
      ),
    ]),
    leaf(
      "unwrap",
      "Open a wrapped answer",
      async () => (await import("./commands/unwrap.ts")).command,
    ),
    leaf(
      "version",
      "Print the version of this program",
      async () => (await import("./commands/misc.ts")).version,
    ),
    leaf(
      "version-history",
      "List the versions a node has run",
      async () => (await import("./commands/misc.ts")).versionHistory,
    ),
    leaf("write", "Write data to a path", async () => (await import("./commands/write.ts")).write),
  ],
};
