/** Cases of commands/commands_test.ts: surgery on storage. */
import type { Case } from "./case.ts";

const read = {
  body: {
    data: { type: "policy", decoded: { text: "x", version: 1 }, problem: "", bytes: 24 },
  },
};
const change = {
  key: "a/b",
  operation: "write",
  time: "2026-01-01T00:00:00Z",
  existed: true,
  bytes: 3,
};

export const rawCases: readonly Case[] = [
  {
    args: ["operator", "raw", "list", "core/mounts"],
    replies: { "GET sys/raw/core/mounts": { body: { data: { keys: ["u1"] } } } },
    sends: ["GET sys/raw/core/mounts?list=true"],
    prints: "u1",
  },
  {
    args: ["operator", "raw", "read", "sys/policy/p"],
    replies: { "GET sys/raw/sys/policy/p": read },
    sends: ["GET sys/raw/sys/policy/p?decoded=true"],
    prints: 'Type        policy\nBytes       24\nReadable    yes\n\n{\n  "text": "x"',
  },
  {
    args: ["operator", "raw", "read", "-field=type", "sys/policy/p"],
    replies: { "GET sys/raw/sys/policy/p": read },
    sends: ["GET sys/raw/sys/policy/p?decoded=true"],
    prints: "policy",
  },
  {
    args: ["operator", "raw", "read", "-exact", "a/b"],
    replies: { "GET sys/raw/a/b": { body: { data: { value: "YWJj" } } } },
    sends: ["GET sys/raw/a/b?encoding=base64&compressed=false"],
    prints: "abc",
  },
  {
    args: ["operator", "raw", "read", "gone"],
    replies: { "GET sys/raw/gone": { status: 404, body: { errors: [] } } },
    sends: ["GET sys/raw/gone?decoded=true"],
    complains: "nothing is stored at gone",
    exit: 2,
  },
  {
    args: ["operator", "raw", "write", "a/b", "@value"],
    io: { files: { value: "abc" } },
    sends: [["PUT sys/raw/a/b", { value: "YWJj", encoding: "base64", force: false }]],
    prints: "Success! Written: a/b",
  },
  {
    args: ["operator", "raw", "write", "-force", "a/b", "-"],
    io: { stdin: "abc" },
    sends: [["PUT sys/raw/a/b", { value: "YWJj", encoding: "base64", force: true }]],
  },
  {
    args: ["operator", "raw", "write", "a/b", "@gone"],
    sends: [],
    complains: "Error reading gone",
    exit: 1,
  },
  {
    args: ["operator", "raw", "delete", "a/b"],
    sends: ["DELETE sys/raw/a/b"],
    prints: "Success! Deleted (if it was there): a/b",
  },
  {
    args: ["operator", "raw", "undo"],
    replies: { "PUT sys/raw-undo": { body: { data: change } } },
    sends: [["PUT sys/raw-undo", { force: false }]],
    prints: "Success! a/b is what it was before 2026-01-01T00:00:00Z.",
  },
  {
    args: ["operator", "raw", "undo", "-list"],
    replies: { "GET sys/raw-undo": { body: { data: { changes: [change] } } } },
    sends: ["GET sys/raw-undo"],
    prints: "a/b    3 bytes",
  },
  {
    args: ["operator", "raw", "undo", "-forget"],
    replies: { "DELETE sys/raw-undo": { body: { data: { forgotten: 3 } } } },
    sends: ["DELETE sys/raw-undo"],
    prints: "Success! Forgotten: 3",
  },
  {
    args: ["operator", "raw", "check"],
    replies: { "GET sys/raw-check": { body: { data: { entries: 9, damaged: 0, damages: [] } } } },
    sends: ["GET sys/raw-check"],
    prints: "All 9 entries can be read.",
  },
  {
    args: ["operator", "raw", "check"],
    replies: {
      "GET sys/raw-check": {
        body: {
          data: {
            entries: 9,
            damaged: 1,
            damages: [{ key: "a", type: "policy", problem: "no", keeps_from_starting: true }],
          },
        },
      },
    },
    sends: ["GET sys/raw-check"],
    prints: "a: policy: no\n  A node does not start with it.\n1 of 9 can't be read.",
    exit: 2,
  },
];
