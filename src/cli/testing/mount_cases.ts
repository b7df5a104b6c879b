/** Cases of commands/commands_test.ts. */
import type { Case } from "./case.ts";

const mounts = { body: { data: { "kv/": { type: "kv", accessor: "kv_1", config: {} } } } };

const auditLog =
  `{"time":"T1","type":"request","auth":{"client_token":"hmac-sha256:ab"},"request":{"operation":"read","path":"secret/a"}}
{"time":"T2","type":"response","auth":{"display_name":"ann"},"request":{"operation":"read","path":"secret/b","remote_address":"127.0.0.1"},"error":"permission denied"}
{"time":"T3","type":"response","auth":{},"request":{"operation":"read","path":"sys/x"},"error":"permission denied"}
{"time":"T4","type":"resp`;

export const mountCases: readonly Case[] = [
  {
    args: ["secrets", "list"],
    replies: { "GET sys/mounts": mounts },
    sends: ["GET sys/mounts"],
    prints: "kv/     kv      kv_1        n/a",
  },
  {
    args: ["secrets", "enable", "-path=a/b", "-version=2", "-max-lease-ttl=24h", "kv"],
    sends: [["POST sys/mounts/a/b", {
      type: "kv",
      description: "",
      config: { max_lease_ttl: "24h0m0s" },
      local: false,
      seal_wrap: false,
      external_entropy_access: false,
      options: { version: "2" },
    }]],
    prints: "Success! Enabled the kv secrets engine at: a/b/",
  },
  { args: ["secrets", "disable", "a/b/"], sends: ["DELETE sys/mounts/a/b"] },
  {
    args: ["secrets", "tune", "-description=", "-listing-visibility=unauth", "a"],
    sends: [["POST sys/mounts/a/tune", { listing_visibility: "unauth", description: "" }]],
  },
  {
    args: ["secrets", "move", "a", "b"],
    replies: {
      "POST sys/remount": { body: { data: { migration_id: "m1" } } },
      "GET sys/remount/status/m1": { body: { data: { migration_info: { status: "success" } } } },
    },
    sends: [["POST sys/remount", { from: "a/", to: "b/" }], "GET sys/remount/status/m1"],
    prints: "Success! Finished",
  },
  {
    args: ["auth", "list", "-detailed"],
    replies: { "GET sys/auth": mounts },
    sends: ["GET sys/auth"],
    prints: "Deprecation Status",
  },
  {
    args: ["auth", "enable", "-token-type=batch", "approle"],
    sends: [["POST sys/auth/approle", {
      type: "approle",
      description: "",
      config: { token_type: "batch" },
      local: false,
      seal_wrap: false,
      external_entropy_access: false,
      options: {},
    }]],
  },
  { args: ["auth", "disable", "ci"], sends: ["DELETE sys/auth/ci"] },
  {
    args: ["auth", "tune", "-user-lockout-threshold=3", "-default-lease-ttl=system", "ci"],
    sends: [["POST sys/mounts/auth/ci/tune", {
      default_lease_ttl: "system",
      user_lockout_config: { lockout_threshold: "3" },
    }]],
  },
  {
    args: ["auth", "move", "auth/a", "auth/b"],
    replies: { "POST sys/remount": { status: 400, body: { errors: ["no matching mount"] } } },
    sends: [["POST sys/remount", { from: "auth/a/", to: "auth/b/" }]],
    complains: "no matching mount",
    exit: 2,
  },
  {
    args: ["auth", "help", "ci"],
    replies: { "GET sys/auth": { body: { data: { "ci/": { type: "approle" } } } } },
    sends: ["GET sys/auth"],
    prints: "role_id=<string>",
  },
  {
    args: ["audit", "list"],
    replies: { "GET sys/audit": { body: { data: {} } } },
    sends: ["GET sys/audit"],
    exit: 2,
  },
  {
    args: ["audit", "enable", "-path=f", "file", "file_path=/tmp/x"],
    sends: [["PUT sys/audit/f", {
      type: "file",
      description: "",
      options: { file_path: "/tmp/x" },
      local: false,
    }]],
  },
  { args: ["audit", "disable", "f"], sends: ["DELETE sys/audit/f"] },
  {
    args: ["audit", "hash", "file", "hvs.x"],
    replies: { "PUT sys/audit-hash/file": { body: { data: { hash: "hmac-sha256:ab" } } } },
    sends: [["PUT sys/audit-hash/file", { input: "hvs.x" }]],
    prints: "hmac-sha256:ab\n",
  },
  {
    args: ["audit", "tail", "-follow=false", "-errors", "-request-path=secret/"],
    replies: {
      "GET sys/audit": { body: { data: { "file/": { options: { file_path: "a.log" } } } } },
    },
    io: { files: { "a.log": auditLog } },
    sends: ["GET sys/audit"],
    prints: "T2 response read   secret/b ann 127.0.0.1 ERROR permission denied\n",
  },
  {
    args: ["audit", "tail", "-follow=false", "-value=hvs.x", "-format=json", "a.log"],
    replies: { "PUT sys/audit-hash/file": { body: { data: { hash: "hmac-sha256:ab" } } } },
    io: { files: { "a.log": auditLog } },
    sends: [["PUT sys/audit-hash/file", { input: "hvs.x" }]],
    prints: '"T1"',
  },
  {
    args: ["plugin", "list", "auth"],
    replies: {
      "GET sys/plugins/catalog": {
        body: {
          data: {
            detailed: [
              { name: "jwt", type: "auth", version: "v1" },
              { name: "kv", type: "secret", version: "v1" },
            ],
          },
        },
      },
    },
    sends: ["GET sys/plugins/catalog"],
    prints: "Name    Version\n----    -------\njwt     v1\n",
  },
  {
    args: ["plugin", "info", "secret", "kv"],
    replies: { "GET sys/plugins/catalog/secret/kv": { body: { data: { name: "kv" } } } },
    sends: ["GET sys/plugins/catalog/secret/kv"],
    prints: "args                  []",
  },
  {
    args: ["plugin", "register", "-sha256=ab", "auth", "mine"],
    sends: [["PUT sys/plugins/catalog/auth/mine", {
      args: [],
      command: "mine",
      env: [],
      sha256: "ab",
      version: "",
    }]],
  },
  {
    args: ["plugin", "deregister", "auth", "mine"],
    sends: ["DELETE sys/plugins/catalog/auth/mine"],
  },
  {
    args: ["plugin", "reload", "-plugin=mine"],
    sends: [["PUT sys/plugins/reload/backend", { plugin: "mine", mounts: [], scope: "" }]],
  },
  {
    args: ["plugin", "reload-status", "r1"],
    replies: { "GET sys/plugins/reload/backend/status": { body: { data: { done: true } } } },
    sends: ["GET sys/plugins/reload/backend/status?reload_id=r1"],
  },
  {
    args: ["namespace", "list"],
    replies: { "GET sys/namespaces": { body: { data: { keys: ["team/"] } } } },
    sends: ["GET sys/namespaces?list=true"],
    prints: "team/\n",
  },
  {
    args: ["namespace", "scan"],
    replies: { "GET sys/namespaces": { status: 404, body: { errors: [] } } },
    sends: ["GET sys/namespaces?scan=true"],
    exit: 2,
  },
  {
    args: ["namespace", "lookup", "team"],
    replies: { "GET sys/namespaces/team": { body: { data: { id: "x" } } } },
    sends: ["GET sys/namespaces/team"],
    prints: "id     x",
  },
  {
    args: ["namespace", "create", "-custom-metadata=a=b", "team"],
    sends: [["POST sys/namespaces/team", { custom_metadata: { a: "b" } }]],
  },
  {
    args: ["namespace", "patch", "-remove-custom-metadata=a", "team"],
    sends: [["PATCH sys/namespaces/team", { custom_metadata: { a: null } }]],
  },
  { args: ["namespace", "delete", "team"], sends: ["DELETE sys/namespaces/team"] },
  {
    args: ["namespace", "lock", "team"],
    replies: { "PUT sys/namespaces/api-lock/lock/team": { body: { data: { unlock_key: "k" } } } },
    sends: [["PUT sys/namespaces/api-lock/lock/team", null]],
    prints: "unlock_key    k",
  },
  {
    args: ["namespace", "unlock", "-unlock-key=k", "team"],
    sends: [["PUT sys/namespaces/api-lock/unlock/team", { unlock_key: "k" }]],
  },
];
