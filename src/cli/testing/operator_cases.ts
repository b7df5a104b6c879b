/** Cases of commands/commands_test.ts. */
import type { Case } from "./case.ts";

const unsealed = { body: { sealed: false, type: "shamir", t: 1, n: 1 } };
const leader = { body: { ha_enabled: false } };
const attempt = { nonce: "n1", started: true, progress: 0, required: 2, otp_length: 4 };
const idle = { nonce: "", started: false, progress: 0, required: 2, otp_length: 4 };
const rootPath = "sys/generate-root/attempt";

export const operatorCases: readonly Case[] = [
  {
    args: ["operator", "init", "-key-shares=1", "-key-threshold=1", "-pgp-keys=k.asc"],
    io: {
      files: { "k.asc": "-----BEGIN PGP PUBLIC KEY-----\nVersion: 1\n\nAQID\n=abcd\n-----END" },
    },
    replies: {
      "GET sys/seal-status": { body: { recovery_seal: false } },
      "PUT sys/init": { body: { keys_base64: ["S2V5"], root_token: "hvs.root" } },
    },
    sends: [
      "GET sys/seal-status",
      ["PUT sys/init", { secret_shares: 1, secret_threshold: 1, pgp_keys: ["AQID"] }],
    ],
    prints: "Unseal Key 1: S2V5\n\nInitial Root Token: hvs.root\n",
  },
  {
    args: ["operator", "init", "-format=json"],
    replies: {
      "GET sys/seal-status": { body: { recovery_seal: true } },
      "PUT sys/init": { body: { recovery_keys_base64: ["S2V5"], root_token: "t" } },
    },
    sends: [
      "GET sys/seal-status",
      ["PUT sys/init", { recovery_shares: 5, recovery_threshold: 3 }],
    ],
    prints: '"recovery_keys_hex": [\n    "4b6579"\n  ]',
  },
  {
    args: ["operator", "init", "-status"],
    replies: { "GET sys/init": { body: { initialized: false } } },
    sends: ["GET sys/init"],
    exit: 2,
  },
  {
    args: ["operator", "unseal"],
    io: { typed: ["a2V5"] },
    replies: { "PUT sys/unseal": unsealed, "GET sys/leader": leader },
    sends: [["PUT sys/unseal", { key: "a2V5", migrate: false }], "GET sys/leader"],
    prints: "Sealed          false",
    complains: "will be hidden",
  },
  { args: ["operator", "unseal", "-format=json"], sends: [], exit: 1 },
  {
    args: ["operator", "unseal", "-reset"],
    replies: { "PUT sys/unseal": unsealed, "GET sys/leader": leader },
    sends: [["PUT sys/unseal", { reset: true }], "GET sys/leader"],
  },
  { args: ["operator", "seal"], sends: [["PUT sys/seal", null]], prints: "Success!" },
  { args: ["operator", "step-down"], sends: [["PUT sys/step-down", null]], prints: "Success!" },
  {
    args: ["operator", "key-status"],
    replies: {
      "GET sys/key-status": {
        body: { term: 2, install_time: "2026-11-21T13:05:00Z", encryptions: 7 },
      },
    },
    sends: ["GET sys/key-status"],
    prints: "Key Term            2\nInstall Time        21 Nov 26 13:05 UTC\n",
  },
  {
    args: ["operator", "rotate"],
    replies: { "GET sys/key-status": { body: { term: 2 } } },
    sends: [["PUT sys/rotate", null], "GET sys/key-status"],
    prints: "Success! Rotated key",
  },
  {
    args: ["operator", "members"],
    replies: { "GET sys/ha-status": { body: { data: { nodes: [{ hostname: "h" }] } } } },
    sends: ["GET sys/ha-status"],
    prints: "h ",
  },
  {
    args: ["operator", "generate-root", "-init"],
    replies: {
      [`GET ${rootPath}`]: { status: 405, body: { errors: ["unsupported operation"] } },
      "GET sys/generate-root-token/attempt": { body: { data: idle } },
      "PUT sys/generate-root-token/attempt": { body: { data: { ...attempt, otp: "abcd" } } },
    },
    sends: [
      `GET ${rootPath}`,
      "GET sys/generate-root-token/attempt",
      ["PUT sys/generate-root-token/attempt", {}],
    ],
    prints: "OTP           abcd\nOTP Length    4\n",
  },
  {
    args: ["operator", "generate-root", "-nonce=n1", "-"],
    io: { stdin: "c2hhcmU=\n" },
    replies: {
      [`GET ${rootPath}`]: { body: attempt },
      "PUT sys/generate-root/update": {
        body: { ...attempt, progress: 2, complete: true, encoded_token: "ZW5j", otp_length: 0 },
      },
    },
    sends: [
      `GET ${rootPath}`,
      ["PUT sys/generate-root/update", { key: "c2hhcmU=", nonce: "n1" }],
    ],
    prints: "Encoded Token    ZW5j",
  },
  {
    args: ["operator", "generate-root", "-dr-token", "-cancel"],
    replies: {
      "GET sys/replication/dr/secondary/generate-operation-token/attempt": { body: attempt },
    },
    sends: [
      "GET sys/replication/dr/secondary/generate-operation-token/attempt",
      "DELETE sys/replication/dr/secondary/generate-operation-token/attempt",
    ],
  },
  {
    args: ["operator", "generate-root", "-generate-otp"],
    replies: { [`GET ${rootPath}`]: { body: idle } },
    sends: [`GET ${rootPath}`],
  },
  {
    args: ["operator", "generate-root", "-decode=AwYGHQ", "-otp=kick"],
    sends: [],
    prints: "hoev",
  },
  {
    args: ["operator", "generate-root"],
    replies: { [`GET ${rootPath}`]: { body: idle } },
    sends: [`GET ${rootPath}`],
    exit: 1,
  },
  {
    args: ["operator", "rekey", "-init", "-key-shares=1", "-key-threshold=1", "-verify"],
    replies: { "PUT sys/rekey/init": { body: { nonce: "n1", started: true, n: 1, t: 1 } } },
    sends: [["PUT sys/rekey/init", {
      secret_shares: 1,
      secret_threshold: 1,
      pgp_keys: null,
      backup: false,
      require_verification: true,
    }]],
    prints: "New Shares               1",
    complains: "WARNING!",
  },
  {
    args: ["operator", "rekey", "-target=recovery", "-nonce=n1", "a2V5"],
    replies: {
      "GET sys/rekey-recovery-key/init": { body: { nonce: "n1", started: true, n: 1, t: 1 } },
      "PUT sys/rekey-recovery-key/update": {
        body: { nonce: "n1", complete: true, keys: ["4b6579"] },
      },
    },
    sends: [
      "GET sys/rekey-recovery-key/init",
      ["PUT sys/rekey-recovery-key/update", { key: "a2V5", nonce: "n1" }],
    ],
    prints: "Key 1: S2V5\n",
  },
  { args: ["operator", "rekey", "-cancel"], sends: ["DELETE sys/rekey/init"] },
  { args: ["operator", "rekey", "-verify", "-cancel"], sends: ["DELETE sys/rekey/verify"] },
  { args: ["operator", "rekey", "-backup-delete"], sends: ["DELETE sys/rekey/backup"] },
  {
    args: ["operator", "rekey", "-backup-retrieve"],
    replies: { "GET sys/rekey/backup": { body: { data: { nonce: "n1", keys: {} } } } },
    sends: ["GET sys/rekey/backup"],
    prints: "nonce    n1",
  },
  { args: ["operator", "rekey", "-target=both", "-status"], sends: [], exit: 1 },
  {
    args: ["operator", "rotate-keys", "-status"],
    replies: { "GET sys/rotate/root/init": { body: { data: { started: false } } } },
    sends: ["GET sys/rotate/root/init"],
    prints: "Started    false",
  },
  {
    args: ["operator", "raft", "list-peers"],
    replies: {
      "GET sys/storage/raft/configuration": {
        body: {
          data: {
            config: { servers: [{ node_id: "n1", address: "a:1", leader: true, voter: true }] },
          },
        },
      },
    },
    sends: ["GET sys/storage/raft/configuration"],
    prints: "n1      a:1        leader    true\n",
  },
  {
    args: ["operator", "raft", "join", "-retry", "-leader-ca-cert=@ca.pem", "https://n1:8200"],
    io: { files: { "ca.pem": "PEM" } },
    replies: { "POST sys/storage/raft/join": { body: { joined: true } } },
    sends: [["POST sys/storage/raft/join", {
      retry: true,
      non_voter: false,
      leader_ca_cert: "PEM",
      leader_client_cert: "",
      leader_client_key: "",
      leader_api_addr: "https://n1:8200",
    }]],
    prints: "Joined    true",
  },
  {
    args: ["operator", "raft", "diagnose"],
    replies: {
      "GET sys/storage/raft/configuration": {
        body: { data: { config: { servers: [{ node_id: "n2", address: "127.0.0.1:1" }] } } },
      },
    },
    sends: [
      "GET sys/storage/raft/configuration",
      "GET sys/ha-status",
      "GET sys/health?standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200" +
      "&removedcode=200",
    ],
    prints: "n2      127.0.0.1:1    TCP      WRONG     127.0.0.1:1: ",
    exit: 1,
  },
  {
    args: ["operator", "raft", "diagnose", "nonsense"],
    sends: [],
    complains: '"nonsense" is no URL and no host and port',
    exit: 1,
  },
  {
    args: ["operator", "raft", "remove-peer", "-dr-token=t", "n2"],
    sends: [["POST sys/storage/raft/remove-peer", { server_id: "n2", dr_operation_token: "t" }]],
  },
  {
    args: ["operator", "import", "gone.snap"],
    sends: [],
    complains: "Error opening gone.snap",
    exit: 1,
  },
  {
    args: ["operator", "raft", "snapshot", "save", "s.snap"],
    replies: { "GET sys/storage/raft/snapshot": { status: 200 } },
    sends: ["GET sys/storage/raft/snapshot"],
    complains: "Error taking the snapshot",
    exit: 2,
  },
  {
    args: ["operator", "raft", "snapshot", "restore", "-force", "s.snap"],
    io: { files: { "s.snap": '"bytes"' } },
    sends: [["POST sys/storage/raft/snapshot-force", "bytes"]],
  },
  {
    args: ["operator", "raft", "snapshot", "restore", "gone.snap"],
    sends: [],
    complains: "Error opening snapshot file",
    exit: 2,
  },
  {
    args: ["operator", "raft", "autopilot", "get-config"],
    replies: {
      "GET sys/storage/raft/autopilot/configuration": { body: { data: { min_quorum: 3 } } },
    },
    sends: ["GET sys/storage/raft/autopilot/configuration"],
    prints: "Min Quorum    3",
  },
  {
    args: ["operator", "raft", "autopilot", "set-config", "-min-quorum=3"],
    sends: [["POST sys/storage/raft/autopilot/configuration", { min_quorum: 3 }]],
  },
  {
    args: ["operator", "raft", "autopilot", "state"],
    replies: {
      "GET sys/storage/raft/autopilot/state": {
        body: { data: { healthy: true, voters: ["n1"], servers: { n1: { name: "n1" } } } },
      },
    },
    sends: ["GET sys/storage/raft/autopilot/state"],
    prints: "Voters:\n   n1\nServers:\n   n1\n      Name:              n1\n",
  },
  {
    args: ["operator", "raft", "autopilot", "state"],
    replies: {
      "GET sys/storage/raft/autopilot/state": {
        body: {
          data: {
            voters: ["n1"],
            redundancy_zones: {
              east: { servers: ["n1", "n2"], voters: ["n1"], failure_tolerance: 1 },
            },
            upgrade_info: {
              status: "await-new-voters",
              target_version: "1.2.0",
              other_version_voters: ["n1"],
              target_version_non_voters: ["n2"],
              target_version_voters: [],
            },
            servers: {},
          },
        },
      },
    },
    sends: ["GET sys/storage/raft/autopilot/state"],
    prints: "Redundancy Zone east:\n" +
      "   Servers:           n1, n2\n   Voters:            n1\n   Failure Tolerance: 1\n" +
      "Upgrade Info:\n" +
      "   Status:                       await-new-voters\n" +
      "   Target Version:               1.2.0\n" +
      "   Target Version Non-Voters:    n2\n   Other Version Voters:         n1\nServers:\n",
  },
];
