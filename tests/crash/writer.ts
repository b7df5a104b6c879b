/**
 * The process that gets killed: writes batches as fast as it can and prints a line for each that
 * was acknowledged. Small thresholds, so that flushes, compactions and rewrites go on all the time.
 */
import { systemClock, systemRandom } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { openRaftStorage } from "../../src/raft/mod.ts";
import { batchOf } from "./batches.ts";

const [path = "", round = "0", writers = "4"] = Deno.args;

const storage = await openRaftStorage({
  path,
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
  onFatal: (error) => {
    console.error(error);
    Deno.exit(3);
  },
  flushBytes: 150_000,
  flushAgeMs: 30,
  segmentBytes: 120_000,
  logBytesMax: 200_000,
});

const encoder = new TextEncoder();
/** Synchronously, so that what was acknowledged is told before anything else can happen. */
const tell = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

tell("ready");
await Promise.all(
  Array.from({ length: Number(writers) }, async (_, writer) => {
    for (let n = 0;; n++) {
      await storage.write(batchOf(Number(round), writer, n));
      tell(`${writer} ${n}`);
    }
  }),
);
