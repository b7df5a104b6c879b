/** Cases of commands/commands_test.ts. */
import type { Case } from "./case.ts";
import type { Replies } from "./node.ts";
import { mountCases } from "./mount_cases.ts";
import { operatorCases } from "./operator_cases.ts";
import { rawCases } from "./raw_cases.ts";
import { recoverCases } from "./recover_cases.ts";

const v2: Replies = {
  "GET sys/internal/ui/mounts/secret/app": {
    body: { data: { path: "secret/", options: { version: "2" } } },
  },
  "GET sys/internal/ui/mounts/secret": {
    body: { data: { path: "secret/", options: { version: "2" } } },
  },
};
const v1: Replies = {
  "GET sys/internal/ui/mounts/old/app": { body: { data: { path: "old/", options: null } } },
};
const preflight = "GET sys/internal/ui/mounts/secret/app";
const metadata = { created_time: "2026-01-01T00:00:00Z", version: 3 };
const written = { body: { data: metadata } };
const denied = { status: 403, body: { errors: ["permission denied"] } };
const tokenAnswer = {
  body: { auth: { client_token: "hvs.new", accessor: "acc", policies: ["p"], lease_duration: 60 } },
};

const kv: Case[] = [
  {
    args: ["kv", "put", "-cas=2", "secret/app", "a=1"],
    replies: { ...v2, "PUT secret/data/app": written },
    sends: [preflight, ["PUT secret/data/app", { data: { a: "1" }, options: { cas: 2 } }]],
    prints: "= Secret Path =\nsecret/data/app\n\n====== Metadata ======\n",
    exit: 0,
  },
  {
    args: ["kv", "put", "old/app", "a=1"],
    replies: v1,
    sends: ["GET sys/internal/ui/mounts/old/app", ["PUT old/app", { a: "1" }]],
    prints: "Success! Data written to: old/app",
  },
  {
    args: ["kv", "get", "-mount=secret", "-version=2", "-field=a", "app"],
    replies: { ...v2, "GET secret/data/app": { body: { data: { data: { a: "x" }, metadata } } } },
    sends: ["GET sys/internal/ui/mounts/secret", "GET secret/data/app?version=2"],
    prints: "x",
  },
  {
    args: ["kv", "get", "secret/app"],
    replies: { ...v2, "GET secret/data/app": { status: 404, body: { errors: [] } } },
    sends: [preflight, "GET secret/data/app"],
    complains: "no value found at secret/data/app",
    exit: 2,
  },
  {
    args: ["kv", "patch", "-remove-data=b", "secret/app", "a=1"],
    replies: { ...v2, "PATCH secret/data/app": written },
    sends: [preflight, ["PATCH secret/data/app", { data: { a: "1", b: null }, options: {} }]],
  },
  {
    args: ["kv", "patch", "secret/app", "a=1"],
    replies: {
      ...v2,
      "PATCH secret/data/app": { status: 405, body: { errors: ["unsupported operation"] } },
      "GET secret/data/app": { body: { data: { data: { a: "0", b: "2" }, metadata } } },
      "PUT secret/data/app": written,
    },
    sends: [
      preflight,
      ["PATCH secret/data/app", { data: { a: "1" }, options: {} }],
      "GET secret/data/app",
      ["PUT secret/data/app", { data: { a: "1", b: "2" }, options: { cas: 3 } }],
    ],
  },
  {
    args: ["kv", "delete", "-versions=1,2", "secret/app"],
    replies: v2,
    sends: [preflight, ["PUT secret/delete/app", { versions: ["1", "2"] }]],
    prints: "Success!",
  },
  {
    args: ["kv", "undelete", "-versions=1", "secret/app"],
    replies: v2,
    sends: [preflight, ["PUT secret/undelete/app", { versions: ["1"] }]],
  },
  {
    args: ["kv", "destroy", "-versions=1", "-versions=4", "secret/app"],
    replies: v2,
    sends: [preflight, ["PUT secret/destroy/app", { versions: ["1", "4"] }]],
  },
  {
    args: ["kv", "rollback", "-version=1", "secret/app"],
    replies: {
      ...v2,
      "GET secret/data/app": { body: { data: { data: { a: "3" }, metadata } } },
      "GET secret/data/app?version=1": { body: { data: { data: { a: "1" }, metadata } } },
      "PUT secret/data/app": written,
    },
    sends: [
      preflight,
      "GET secret/data/app",
      "GET secret/data/app?version=1",
      ["PUT secret/data/app", { data: { a: "1" }, options: { cas: 3 } }],
    ],
  },
  {
    args: ["kv", "list", "-mount=secret"],
    replies: { ...v2, "GET secret/metadata": { body: { data: { keys: ["a", "b/"] } } } },
    sends: ["GET sys/internal/ui/mounts/secret", "GET secret/metadata?list=true"],
    prints: "Keys\n----\na\nb/\n",
  },
  {
    args: ["kv", "scan", "-format=json", "-mount=secret"],
    replies: { ...v2, "GET secret/metadata": { status: 404, body: { errors: [] } } },
    sends: ["GET sys/internal/ui/mounts/secret", "GET secret/metadata?scan=true"],
    prints: "{}\n",
    exit: 2,
  },
  {
    args: ["kv", "enable-versioning", "kv/"],
    sends: [["POST sys/mounts/kv/tune", { options: { version: "2" } }]],
  },
  {
    args: ["kv", "metadata", "get", "secret/app"],
    replies: {
      ...v2,
      "GET secret/metadata/app": {
        body: { data: { max_versions: 0, versions: { "10": metadata, "9": metadata } } },
      },
    },
    sends: [preflight, "GET secret/metadata/app"],
    prints: "===== Version 9 =",
  },
  {
    args: ["kv", "metadata", "put", "-max-versions=5", "-custom-metadata=a=b", "secret/app"],
    replies: v2,
    sends: [
      preflight,
      ["PUT secret/metadata/app", { max_versions: 5, custom_metadata: { a: "b" } }],
    ],
  },
  {
    args: ["kv", "metadata", "patch", "-remove-custom-metadata=a", "secret/app"],
    replies: v2,
    sends: [preflight, ["PATCH secret/metadata/app", { custom_metadata: { a: null } }]],
  },
  {
    args: ["kv", "metadata", "delete", "secret/app"],
    replies: v2,
    sends: [preflight, "DELETE secret/metadata/app"],
  },
];

const general: Case[] = [
  {
    args: ["read", "-format=raw", "sys/x", "a=b"],
    replies: { "GET sys/x": { body: { data: { q: 1 } } } },
    sends: ["GET sys/x?a=b"],
    prints: '{"data":{"q":1}}\n',
  },
  {
    args: ["read", "secret/gone"],
    replies: { "GET secret/gone": denied },
    sends: ["GET secret/gone"],
    complains: "* permission denied",
    exit: 2,
  },
  {
    args: ["write", "-f", "transit/keys/k"],
    sends: [["PUT transit/keys/k", null]],
    prints: "Success! Data written to: transit/keys/k",
  },
  {
    args: ["write", "kv/a", "x=@f", "y=-"],
    io: { stdin: "typed", files: { f: "filed" } },
    sends: [["PUT kv/a", { x: "filed", y: "typed" }]],
  },
  { args: ["write", "kv/a", "hunter2"], sends: [], complains: "word 1", exit: 1 },
  { args: ["patch", "pki/roles/web", "a=1"], sends: [["PATCH pki/roles/web", { a: "1" }]] },
  { args: ["delete", "kv/a"], sends: ["DELETE kv/a"], prints: "Success!" },
  {
    args: ["list", "-after=a", "-limit=2", "kv"],
    replies: { "GET kv": { body: { data: { keys: ["b"] } } } },
    sends: ["GET kv?list=true&after=a&limit=2"],
    prints: "b\n",
  },
  {
    args: ["scan", "kv"],
    replies: { "GET kv": { body: { data: { keys: ["a/b"] } } } },
    sends: ["GET kv?scan=true"],
    prints: "a/b\n",
  },
  {
    args: ["status"],
    replies: {
      "GET sys/seal-status": { body: { sealed: true, type: "shamir", t: 3, progress: 1 } },
      "GET sys/leader": { status: 503, body: { errors: ["sealed"] } },
    },
    sends: ["GET sys/seal-status", "GET sys/leader"],
    prints: "Unseal Progress    1/3",
    exit: 2,
  },
  { args: ["status", "-address=http://127.0.0.1:1"], sends: [], complains: "Error", exit: 1 },
  {
    args: ["unwrap", "hvs.wrap"],
    replies: { "PUT sys/wrapping/unwrap": { body: { data: { x: "1" } } } },
    sends: [["PUT sys/wrapping/unwrap", { token: "hvs.wrap" }]],
    prints: "x      1",
  },
  {
    args: ["login", "-no-print", "-method=userpass", "username=ann"],
    io: { typed: ["pw"], env: { VAULT_TOKEN: "" } },
    replies: { "PUT auth/userpass/login/ann": tokenAnswer },
    sends: [["PUT auth/userpass/login/ann", { password: "pw" }]],
  },
  {
    args: ["login", "-token-only", "-method=approle", "-path=ci", "role_id=r", "secret_id=-"],
    io: { stdin: "s\n" },
    replies: { "PUT auth/ci/login": tokenAnswer },
    sends: [["PUT auth/ci/login", { role_id: "r", secret_id: "s" }]],
    prints: "hvs.new",
  },
  {
    args: ["login", "-format=json", "-"],
    io: { stdin: "hvs.t\n" },
    replies: {
      "GET auth/token/lookup-self": { body: { data: { ttl: 9, policies: ["default"] } } },
    },
    sends: ["GET auth/token/lookup-self"],
    prints: '"client_token": "hvs.t"',
  },
  {
    args: ["login"],
    io: { env: { VAULT_TOKEN: "" } },
    sends: [],
    complains: "nobody can be asked",
    exit: 2,
  },
  {
    args: ["path-help", "sys"],
    replies: { "GET sys": { body: { help: "text" } } },
    sends: ["GET sys?help=1"],
    prints: "text\n",
  },
  {
    args: ["version-history"],
    replies: {
      "GET sys/version-history": {
        body: { data: { keys: ["1.0"], key_info: { "1.0": { timestamp_installed: "t" } } } },
      },
    },
    sends: ["GET sys/version-history?list=true"],
    prints: "1.0      t",
  },
  {
    args: ["monitor", "-log-level=debug"],
    replies: { "GET sys/monitor": { body: "line" } },
    sends: ["GET sys/monitor?log_level=debug&log_format=standard"],
    prints: "line",
  },
];

const tokens: Case[] = [
  {
    args: ["token", "create", "-policy=a", "-policy=b", "-ttl=1h", "-metadata=k=v", "-id=x"],
    replies: { "POST auth/token/create": tokenAnswer },
    sends: [["POST auth/token/create", {
      policies: ["a", "b"],
      no_parent: false,
      no_default_policy: false,
      renewable: true,
      type: "service",
      num_uses: 0,
      ttl: "1h0m0s",
      id: "x",
      meta: { k: "v" },
    }]],
    prints: "token                hvs.new",
  },
  {
    args: ["token", "lookup", "-accessor", "acc"],
    replies: { "POST auth/token/lookup-accessor": { body: { data: { ttl: 60 } } } },
    sends: [["POST auth/token/lookup-accessor", { accessor: "acc" }]],
    prints: "ttl    1m",
  },
  {
    args: ["token", "lookup"],
    replies: { "GET auth/token/lookup-self": denied },
    sends: ["GET auth/token/lookup-self"],
    exit: 2,
  },
  {
    args: ["token", "renew", "-increment=30m", "hvs.t"],
    replies: { "PUT auth/token/renew": tokenAnswer },
    sends: [["PUT auth/token/renew", { token: "hvs.t", increment: 1800 }]],
  },
  {
    args: ["token", "revoke", "-mode=orphan", "hvs.t"],
    sends: [["PUT auth/token/revoke-orphan", { token: "hvs.t" }]],
  },
  { args: ["token", "revoke", "-self"], sends: [["PUT auth/token/revoke-self", null]] },
  { args: ["token", "revoke", "-self", "-mode=path"], sends: [], exit: 1 },
  {
    args: ["token", "capabilities", "hvs.t", "secret/a"],
    replies: { "POST sys/capabilities": { body: { data: { capabilities: ["read", "create"] } } } },
    sends: [["POST sys/capabilities", { token: "hvs.t", paths: ["secret/a"] }]],
    prints: "create, read\n",
  },
  {
    args: ["lease", "lookup", "a/b/c"],
    replies: { "PUT sys/leases/lookup": { body: { data: { id: "a/b/c" } } } },
    sends: [["PUT sys/leases/lookup", { lease_id: "a/b/c" }]],
  },
  {
    args: ["lease", "renew", "-increment=1m", "a/b/c"],
    sends: [["PUT sys/leases/renew", { lease_id: "a/b/c", increment: 60 }]],
  },
  {
    args: ["lease", "revoke", "-force", "-prefix", "a/b"],
    sends: [["PUT sys/leases/revoke-force/a/b", null]],
    complains: "Warning!",
  },
];

const transit: Case[] = [
  {
    args: ["transit", "import", "transit/orders", "a2V5"],
    sends: [],
    complains: "MOUNT/keys/NAME",
    exit: 1,
  },
  {
    args: ["transit", "import", "transit/keys/orders", "!"],
    sends: [],
    complains: "not base64",
    exit: 1,
  },
  {
    args: ["transit", "import", "transit/keys/orders", "@key.b64"],
    io: { files: { "key.b64": "a2V5\n" } },
    replies: { "GET transit/wrapping_key": { body: { data: { public_key: "none" } } } },
    sends: ["GET transit/wrapping_key"],
    complains: "transit/wrapping_key is no RSA key",
    exit: 3,
  },
  {
    args: ["transit", "import-version", "t/keys/orders", "a2V5"],
    replies: { "GET t/wrapping_key": denied },
    sends: ["GET t/wrapping_key"],
    complains: "permission denied",
    exit: 3,
  },
];

const policies: Case[] = [
  {
    args: ["policy", "list"],
    replies: { "GET sys/policies/acl": { body: { data: { keys: ["default", "root"] } } } },
    sends: ["GET sys/policies/acl?list=true"],
    prints: "default\nroot\n",
  },
  {
    args: ["policy", "read", "app"],
    replies: { "GET sys/policies/acl/app": { status: 404, body: { errors: [] } } },
    sends: ["GET sys/policies/acl/app"],
    exit: 2,
  },
  {
    args: ["policy", "write", "App", "-"],
    io: { stdin: 'path "a" {}' },
    sends: [["PUT sys/policies/acl/app", { policy: 'path "a" {}' }]],
    complains: "lower case",
  },
  { args: ["policy", "delete", "app"], sends: ["DELETE sys/policies/acl/app"] },
  {
    args: ["policy", "fmt", "p.hcl"],
    io: { files: { "p.hcl": 'path "a" { capabilities=["read"] }' } },
    sends: [],
    prints: "Success!",
  },
  {
    args: ["policy", "explain", "-accessor=acc", "-operation=update", "secret/a"],
    replies: {
      "POST sys/policies/explain": {
        body: { data: { allowed: false, missing: 'path "x" {\n}\n', policies: ["a", "b"] } },
      },
    },
    sends: [["POST sys/policies/explain", {
      path: "secret/a",
      operation: "update",
      accessor: "acc",
    }]],
    prints: "allowed     false\npolicies    a\n            b\n\nmissing:\n\npath",
  },
];

export const cases: readonly Case[] = [
  {
    args: ["debug", "-duration=0s", "-target=host", "-target=replication-status", "-output=d.gz"],
    replies: {
      "GET sys/host-info": { body: { data: { cpu: [] } } },
      "GET sys/replication/status": { status: 404, body: { errors: [] } },
      "GET sys/storage/raft/configuration": { body: { data: {} } },
      "GET sys/storage/raft/autopilot/state": { body: { data: {} } },
    },
    sends: [
      "GET sys/host-info",
      "GET sys/replication/status",
      "GET sys/storage/raft/configuration",
      "GET sys/storage/raft/autopilot/state",
    ],
    prints: "Success! The bundle is in d.gz",
    complains: "sys/replication/status",
  },
  {
    args: ["debug", "-duration=0s", "-target=pprof", "-output=d.gz"],
    replies: {
      "GET sys/ha-status": { body: { data: { nodes: [{ api_address: "http://a" }] } } },
      "GET sys/pprof/profile?seconds=1": { body: { nodes: [] } },
      "GET sys/pprof/heap?seconds=1": { status: 429, body: { errors: ["one at a time"] } },
    },
    sends: [
      "GET sys/ha-status",
      "GET sys/pprof/profile?seconds=1",
      "GET sys/pprof/heap?seconds=1",
    ],
    prints: "Success! The bundle is in d.gz",
    complains: "sys/pprof/heap",
  },
  ...kv,
  ...general,
  ...tokens,
  ...transit,
  ...policies,
  ...mountCases,
  ...operatorCases,
  ...rawCases,
  ...recoverCases,
];
