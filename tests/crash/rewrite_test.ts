/**
 * A real process is killed with SIGKILL at a step of the rewriting of its state file: nothing is lost,
 * nothing is left over, and the next process rewrites it. Each fourth step; all with HOLDFAST_SLOW=1.
 */
import { strict as assert } from "node:assert";
import { systemClock, systemRandom } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { openRaftStorage, type RaftStorage } from "../../src/raft/mod.ts";
import { checkWorn, quiet, wear } from "./worn_state.ts";

const stride = Deno.env.get("HOLDFAST_SLOW") === "1" ? 1 : 4;

function open(path: string): Promise<RaftStorage> {
  return openRaftStorage({
    ...quiet,
    path,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onFatal: (error) => assert.fail(error),
  });
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyTree(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Rewrites up to a step. Returns what the process says where it comes to its end. */
async function rewrite(path: string, lastStep: number): Promise<string | undefined> {
  const script = new URL("./rewriter.ts", import.meta.url).pathname;
  const { signal, code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--unstable-kv", "-A", script, path, `${lastStep}`],
    stderr: "inherit",
  }).output();
  if (signal === "SIGKILL") return undefined;
  assert.equal(code, 0);
  return new TextDecoder().decode(stdout);
}

Deno.test("nothing is lost where a process is killed at a step of a rewrite", async () => {
  const root = await Deno.makeTempDir({ prefix: "holdfast-crash-" });
  const worn = await open(`${root}/worn`);
  await wear(worn);
  await worn.close();
  let step = 1;
  let said: string | undefined;
  while (said === undefined) {
    const path = `${root}/${step}`;
    await copyTree(`${root}/worn`, path);
    said = await rewrite(path, step);
    const storage = await open(path);
    await checkWorn(storage);
    await storage.compact();
    const { liveBytes, stateFileBytes } = await storage.stats();
    assert.ok(stateFileBytes < liveBytes * 1.5, `killed at step ${step}: ${stateFileBytes} bytes`);
    await storage.close();
    const files = [...Deno.readDirSync(path)].filter(({ name }) => name.startsWith("state-"));
    assert.equal(files.length, 1, `killed at step ${step}: ${files.map(({ name }) => name)}`);
    if (said !== undefined) assert.match(said, /^1 rewrites in /);
    await Deno.remove(path, { recursive: true });
    step += stride;
  }
  assert.ok(step > 25, `${step} steps`);
  await Deno.remove(root, { recursive: true });
});
