/** The process that rewrites a state file and ends itself, by SIGKILL, at a step of that. */
import { systemClock, systemRandom } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { denoDisk } from "../../src/raft/deno_disk.ts";
import type { Disk } from "../../src/raft/disk.ts";
import { openRaftStorage } from "../../src/raft/mod.ts";
import { quiet } from "./worn_state.ts";

const [path = "", last = "0"] = Deno.args;

let steps = 0;
let isRewriting = false;

/** Comes to a step, which may be the last. */
function step(): void {
  if (isRewriting && ++steps === Number(last)) Deno.kill(Deno.pid, "SIGKILL");
}

async function between<T>(work: () => Promise<T>): Promise<T> {
  step();
  const result = await work();
  step();
  return result;
}

const disk: Disk = {
  ...denoDisk,
  replace: (...of) => between(() => denoDisk.replace(...of)),
  removeKv: (...of) => between(() => denoDisk.removeKv(...of)),
  async openKv(...of) {
    const kv = await between(() => denoDisk.openKv(...of));
    return {
      get: (key) => kv.get(key),
      list: (range) => kv.list(range),
      commit: (mutations) => between(() => kv.commit(mutations)),
      close: () => kv.close(),
    };
  },
  async fillKv(...of) {
    const rows = await between(() => denoDisk.fillKv(...of));
    let puts = 0;
    return {
      put(key, value) {
        rows.put(key, value);
        if (puts++ % 20 === 0) step();
      },
      finish: () => between(() => rows.finish()),
      abandon: () => rows.abandon(),
    };
  },
};

const storage = await openRaftStorage({
  ...quiet,
  path,
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
  disk,
  onFatal: (error) => {
    console.error(error);
    Deno.exit(3);
  },
});
isRewriting = true;
await storage.compact();
isRewriting = false;
const { rewrites } = await storage.stats();
await storage.close();
console.log(`${rewrites} rewrites in ${steps} steps`);
