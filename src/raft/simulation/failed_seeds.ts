/**
 * Every seed that ever failed, with what was wrong. A seed means the same run only as long as the
 * generators draw alike; where they change, the seed stays as one more run, and what it found needs
 * a test of its own if none of the new seeds finds it.
 */
export interface FailedSeed {
  readonly seed: number;
  readonly found: string;
  /** Faults that the seed draws and that there were none of then, so that it is the same run. */
  readonly without?: readonly string[];
}

/** Kept by `read_gate_test.ts` whatever the generators draw. */
const unapplied = "a read by the lease did not see what a follower had shown";
const slowDisk = "the simulator's own: disks stayed slow after everything else was mended";

export const failedSeeds: readonly FailedSeed[] = [
  { seed: 3347339614, found: unapplied },
  { seed: 642, found: unapplied },
  { seed: 1387, found: unapplied },
  { seed: 1486, found: unapplied },
  { seed: 29, found: slowDisk },
  {
    seed: 2000077345,
    found: "a compaction was told of after a later state was taken in, and the log forgot its base",
  },
  {
    seed: 2000000076,
    found: "the simulator's own: a node took in two states at once (`driver_test.ts`)",
  },
];

/** Kept by `log_power_test.ts`. */
const marker = "a note of what was acknowledged went back without a sync, and a power cut undid it";

/** Memberships did not change then where files rot. */
const without = ["membership"];

/** Of `simulateStorage`. */
export const failedStorageSeeds: readonly FailedSeed[] = [
  { seed: 67, without, found: marker },
  { seed: 3, found: "a state that took long to flush was sent in the term of the next leader" },
  {
    seed: 32,
    without,
    found: "a state that waited to be sent was sent in the term of the next leader",
  },
  {
    seed: 75,
    found: "a leader asked a damaged log again and again, without a pause",
  },
  {
    seed: 25,
    without,
    found: "of two replacements at once one dropped what the other's entry then named",
  },
  {
    seed: 698712897,
    found: "a disk that failed under a note of the log was no error of the storage",
  },
  {
    seed: 3671832893,
    found: "a torn state made a node forget that its log had still to begin after that state",
  },
  {
    seed: 1327357636,
    found: "a flush that somebody had asked for failed, was made all the same, and was made again",
  },
  {
    seed: 4246541304,
    found: "entries that were replaced before they were written were missed on disk",
  },
  {
    seed: 993770074,
    without,
    found:
      "a repair broke off after the log was gone, and the state it gave up could be read again",
  },
  {
    seed: 193051370,
    found: "a proof that was asked for before a restart came late and was taken for a later one",
  },
  {
    seed: 2538730215,
    without,
    found: "the end of an old segment was gone, and compaction ended the node though it needs none",
  },
  {
    seed: 3000000430,
    found: "an entry that had just been compacted away was called damaged (`log_disk_test.ts`)",
  },
  {
    seed: 4200000393,
    found:
      "a repaired state got the name of one whose taking in had broken off, and was called torn",
  },
];
