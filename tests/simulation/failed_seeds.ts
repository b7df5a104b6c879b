/**
 * Every seed that ever failed, with what was wrong. A seed means the same run only as long as the
 * generators draw alike; where they change it stays as one more run, and what it found has a test of
 * its own.
 */
export const failedTokenSeeds: readonly { readonly seed: number; readonly found: string }[] = [
  {
    seed: 6,
    found:
      "a request whose outcome was unknown was passed on and done again: its use was counted " +
      "by a write that was refused, and that was taken for the answer (tests/node/passed_on_test.ts)",
  },
  {
    seed: 8,
    found: "the accessor of a token whose time was over still answered (tests/node/tokens_test.ts)",
  },
  { seed: 18, found: "a request under way at a deposed node ended in an error of its keys" },
  {
    seed: 4,
    found: "a lease that was revoked was renewed at a node whose clock was behind " +
      "(engines/database/clock_back_test.ts)",
  },
  {
    seed: 9,
    found:
      "a creation that failed waited for its own end, once attempts to end a lease were shared " +
      "(engines/database/orphans_test.ts)",
  },
  {
    seed: 26,
    found: "client counts that could not be stored as a month ended were tried without a pause " +
      "(core/activity/activity_test.ts)",
  },
  {
    seed: 2025620092,
    found:
      "a node that led again wrote what it had read when it led before, beside its new services " +
      "(storage/fenced_test.ts, raft/driver_test.ts)",
  },
  {
    seed: 98432360,
    found:
      "the ledger's own: a renewal that brought an end nearer, at a node whose clock was set " +
      "back, was held against an answer that had been asked for before it",
  },
  {
    seed: 3671979613,
    found:
      "a log entry whose write had failed and was on disk all the same, and a new segment that " +
      "began without it: the node did not start again (raft/log_disk_test.ts)",
  },
  {
    seed: 3671979821,
    found: "the ledger's own: a wrapping token that a node's clock had ended was taken for used up",
  },
  {
    seed: 2428413240,
    found: "a revocation by prefix that a full disk broke off waited for the next start",
  },
  {
    seed: 1456211573,
    found:
      "a user that a node made which had been cut off, after the next one had ended its lease " +
      "(engines/database/succession_test.ts)",
  },
  {
    seed: 70000126,
    found: "a flush that read the log while its end was taken back found an entry missing, which " +
      "ended the node (raft/log_disk_test.ts)",
  },
];
