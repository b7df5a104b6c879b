/** Cases of commands/commands_test.ts: loaded snapshots and what comes out of them. */
import type { Case } from "./case.ts";
import type { Replies } from "./node.ts";

const root = "sys/storage/raft/snapshot-load";
const loaded = { data: { snapshot_id: "s1", status: "ready" } };
const ask = "GET sys/internal/ui/mounts/secret";
const keys = (...names: string[]) => ({ body: { data: { keys: names } } });
const tree: Replies = {
  [ask]: { body: { data: { path: "secret/", options: { version: "2" } } } },
  "GET secret/metadata?list=true&read_snapshot_id=s1": keys("a", "deep/"),
  "GET secret/metadata/deep?list=true&read_snapshot_id=s1": keys("b"),
};
const walk = [
  ask,
  "GET secret/metadata?list=true&read_snapshot_id=s1",
  "GET secret/metadata/deep?list=true&read_snapshot_id=s1",
];

export const recoverCases: readonly Case[] = [
  {
    args: ["operator", "raft", "snapshot", "load", "s.snap"],
    io: { files: { "s.snap": '"bytes"' } },
    replies: { [`POST ${root}`]: { body: loaded } },
    sends: [[`POST ${root}`, "bytes"]],
    prints: "snapshot_id    s1",
  },
  {
    args: ["operator", "raft", "snapshot", "load", "-field=snapshot_id", "s.snap"],
    io: { files: { "s.snap": '"bytes"' } },
    replies: { [`POST ${root}`]: { body: loaded } },
    sends: [[`POST ${root}`, "bytes"]],
    prints: "s1",
  },
  {
    args: ["operator", "raft", "snapshot", "load", "s.snap"],
    io: { files: { "s.snap": '"bytes"' } },
    replies: {
      [`POST ${root}`]: { body: { data: { snapshot_id: "s1", status: "sealed", t: 2 } } },
    },
    sends: [[`POST ${root}`, "bytes"]],
    complains: "operator raft snapshot unseal",
  },
  {
    args: ["operator", "raft", "snapshot", "load", "gone.snap"],
    sends: [],
    complains: "Error opening snapshot file",
    exit: 2,
  },
  {
    args: ["operator", "raft", "snapshot", "unseal", "s1"],
    io: { typed: ["a2V5"] },
    replies: { [`PUT ${root}/s1/unseal`]: { body: loaded } },
    sends: [[`PUT ${root}/s1/unseal`, { key: "a2V5" }]],
    prints: "ready",
  },
  {
    args: ["operator", "raft", "snapshot", "unseal", "-reset", "s1"],
    replies: { [`PUT ${root}/s1/unseal`]: { body: loaded } },
    sends: [[`PUT ${root}/s1/unseal`, { reset: true }]],
  },
  {
    args: ["operator", "raft", "snapshot", "unload", "-force", "s1"],
    sends: [`DELETE ${root}/s1?force=true`],
    prints: "Success! Unloaded the snapshot: s1",
  },
  {
    args: ["read", "-snapshot-id=s1", "kv/app"],
    replies: { "GET kv/app": { body: { data: { a: "x" } } } },
    sends: ["GET kv/app?read_snapshot_id=s1"],
    prints: "a      x",
  },
  {
    args: ["list", "-snapshot-id=s1", "kv"],
    replies: { "GET kv": keys("a") },
    sends: ["GET kv?list=true&read_snapshot_id=s1"],
  },
  {
    args: ["recover", "-snapshot-id=s1", "-from=kv/then", "kv/now"],
    sends: ["PUT kv/now"],
    prints: "kv/now",
  },
  { args: ["recover", "kv/now"], sends: [], exit: 1, complains: "-snapshot-id" },
  { args: ["recover", "-snapshot-id=s1", "-dry-run", "kv/now"], sends: [], exit: 1 },
  {
    args: ["recover", "-snapshot-id=s1", "-output-policy", "kv/now"],
    sends: [],
    prints: '["recover"]',
  },
  {
    args: ["recover", "-snapshot-id=s1", "-recursive", "secret/"],
    replies: tree,
    sends: [...walk, "PUT secret/data/a", "PUT secret/data/deep/b"],
    prints: "secret/data/a\nsecret/data/deep/b\n\n2 recovered.\n",
  },
  {
    args: ["recover", "-snapshot-id=s1", "-recursive", "-dry-run", "secret/"],
    replies: tree,
    sends: walk,
    prints: "2 would be recovered.",
  },
  {
    args: ["recover", "-snapshot-id=s1", "-recursive", "-format=json", "secret/"],
    replies: { ...tree, "PUT secret/data/a": { status: 403, body: { errors: ["denied"] } } },
    sends: [...walk, "PUT secret/data/a", "PUT secret/data/deep/b"],
    prints: '"failed": [\n    "secret/data/a"\n  ]',
    complains: "secret/data/a: denied",
    exit: 2,
  },
  {
    args: ["recover", "-snapshot-id=s1", "-recursive", "secret"],
    replies: { [ask]: tree[ask] ?? {} },
    sends: walk.slice(0, 2),
    complains: "no secrets below secret/metadata",
    exit: 2,
  },
];
