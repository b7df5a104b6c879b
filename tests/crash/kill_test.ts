/**
 * A real process is killed with SIGKILL at a random moment under write load, again and again on
 * one directory, while it flushes and compacts: nothing that was acknowledged is lost, and no
 * batch is there in part. 10 rounds; 200 with HOLDFAST_SLOW=1.
 */
import { strict as assert } from "node:assert";
import { systemClock, systemRandom } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { openRaftStorage, type RaftStorage } from "../../src/raft/mod.ts";
import { batchOf, keyOf, read, SLOTS } from "./batches.ts";

const WRITERS = 4;
const rounds = Deno.env.get("HOLDFAST_SLOW") === "1" ? 200 : 10;

interface Told {
  readonly round: number;
  readonly n: number;
}

/** Starts a writer, kills it some time after it got going, and returns what it acknowledged. */
async function writeAndKill(path: string, round: number): Promise<Map<string, Told>> {
  const script = new URL("./writer.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--unstable-kv", "-A", script, path, `${round}`, `${WRITERS}`],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines: string[] = [];
  let rest = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    if (timer === undefined && lines[0] === "ready") {
      timer = setTimeout(() => child.kill("SIGKILL"), Math.random() * 250);
    }
  }
  clearTimeout(timer);
  const { signal } = await child.status;
  assert.equal(signal, "SIGKILL", `round ${round}: the writer ended by itself`);
  const told = new Map<string, Told>();
  for (const line of lines.slice(1)) {
    const [writer = 0, n = 0] = line.split(" ").map(Number);
    told.set(`${writer}/${n % SLOTS}`, { round, n });
  }
  return told;
}

/** Each slot holds one whole batch, and none older than what was acknowledged. */
async function verify(storage: RaftStorage, told: Map<string, Told>): Promise<void> {
  for (let writer = 0; writer < WRITERS; writer++) {
    for (let slot = 0; slot < SLOTS; slot++) {
      const first = await storage.get(keyOf(writer, slot, 0));
      const found = first === undefined ? undefined : read(first);
      const least = told.get(`${writer}/${slot}`);
      if (found === undefined) {
        assert.equal(first ?? least, undefined, `slot ${writer}/${slot} is lost`);
        continue;
      }
      for (const { key, value } of batchOf(found.round, writer, found.n)) {
        assert.deepEqual(await storage.get(key) ?? null, value, `${key}: a batch in part`);
      }
      if (least === undefined) continue;
      const isOlder = found.round < least.round ||
        (found.round === least.round && found.n < least.n);
      assert.ok(!isOlder, `slot ${writer}/${slot}: acknowledged ${least.n}, found ${found.n}`);
    }
  }
}

Deno.test(`nothing acknowledged is lost in ${rounds} kills`, async () => {
  const path = await Deno.makeTempDir({ prefix: "holdfast-crash-" });
  const told = new Map<string, Told>();
  for (let round = 1; round <= rounds; round++) {
    for (const [slot, latest] of await writeAndKill(path, round)) told.set(slot, latest);
    const storage = await openRaftStorage({
      path,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      onFatal: (error) => assert.fail(error),
    });
    await verify(storage, told);
    if (round % 10 === 0) {
      const report = await storage.scrub({ pauseMs: 0 });
      assert.deepEqual(report.damages, []);
    }
    await storage.close();
  }
  await Deno.remove(path, { recursive: true });
});
