/**
 * Damaged data files, through `server -config`: a node either refuses to start and names the file,
 * or answers with what was stored, or with an error that it logs; never with something else.
 * DAMAGE_SEED replays a run.
 */
import { assert, assertEquals } from "@std/assert";
import { Dice } from "../fuzz/random.ts";
import { type Answer, TestNode } from "./node.ts";
import { run } from "./program.ts";

const seed = Number(Deno.env.get("DAMAGE_SEED") ?? Date.now() % 2 ** 31);
const copies = Deno.env.get("HOLDFAST_SLOW") === "1" ? 150 : 30;
const keys = 400;
const pageSize = 4096;

const nameOf = (n: number) => `folder-${n % 7}/key-${n}`;
const valueOf = (n: number) => `value ${n} ${"abcdefgh".repeat(n % 60)}`;

/** Files that hold something, relative to the directory. */
async function filesOf(folder: string): Promise<string[]> {
  const { stdout } = await run("find", [folder, "-type", "f", "-size", "+0", "-printf", "%P\\n"]);
  return stdout.trim().split("\n").filter((name) => name !== "LOCK").toSorted();
}

/** Damages one file in one way; tells what was done. */
async function damage(path: string, dice: Dice): Promise<string> {
  const bytes = await Deno.readFile(path);
  const start = dice.below(bytes.length);
  const kind = dice.pick(["one byte", "64 bytes", "a page", "zeros", "cut short"]);
  if (kind === "cut short") {
    await Deno.truncate(path, start);
    return `${kind} to ${start} of ${bytes.length} bytes`;
  }
  const [at, length] = kind === "one byte"
    ? [start, 1]
    : kind === "64 bytes"
    ? [start, 64]
    : [start - start % pageSize, pageSize];
  for (let i = at; i < Math.min(bytes.length, at + length); i++) {
    bytes[i] = kind === "zeros" ? 0 : (bytes[i] ?? 0) ^ (1 + dice.below(255));
  }
  await Deno.writeFile(path, bytes);
  return `${kind} at ${at} of ${bytes.length} bytes`;
}

/** How a start on a damaged directory ended. */
interface Verdict {
  readonly ending: "refused to start" | "refused requests" | "intact";
  /** What is wrong about it. */
  readonly complaint?: string | undefined;
}

/** Starts the node and asks it for everything. */
async function judge(node: TestNode): Promise<Verdict> {
  const code = await node.start();
  const verdict = code === undefined ? await ask(node) : refusal(node, code);
  const isTraced = /panicked|^\s+at .*:\d+:\d+/m.test(node.output);
  return isTraced ? { ...verdict, complaint: `a stack trace: ${node.output}` } : verdict;
}

function refusal(node: TestNode, code: number): Verdict {
  const ending = "refused to start";
  if (code === 0 || code > 2) return { ending, complaint: `ended with ${code}: ${node.output}` };
  if (node.output.includes(node.data)) return { ending };
  return { ending, complaint: `names no file: ${node.output}` };
}

async function ask(node: TestNode): Promise<Verdict> {
  const unsealed = await node.api("POST", "sys/unseal", { key: node.keys?.unsealKey });
  if (unsealed.status >= 500) return await logged(node);
  if (unsealed.get("sealed") !== false) return strange("unseal", unsealed);
  let refused = false;
  for (let n = 0; n < keys; n++) {
    const answer = await node.api("GET", `kv/${nameOf(n)}`);
    if (answer.status >= 500) refused = true;
    else if (answer.get("data.value") !== valueOf(n)) {
      return strange(nameOf(n), answer);
    }
  }
  const list = await node.api("LIST", "kv/folder-0");
  const found = list.get("data.keys");
  if (list.status >= 500) refused = true;
  else if (!Array.isArray(found) || found.length !== Math.ceil(keys / 7)) {
    return strange("the list", list);
  }
  return refused ? await logged(node) : { ending: "intact" };
}

function strange(what: string, { status, body }: Answer): Verdict {
  return { ending: "intact", complaint: `${what}: ${status} ${JSON.stringify(body)}` };
}

/**
 * A refusal is only of use to an operator who is told what is damaged. The log comes through a pipe
 * of its own, and may be read after the answer.
 */
async function logged(node: TestNode): Promise<Verdict> {
  const ending = "refused requests";
  for (let waited = 0; waited < 5_000; waited += 50) {
    const isNamed = node.output.split("\n").some((line) =>
      line.includes("[ERROR]") && /damaged|corrupt|checksum|is not what was written/i.test(line)
    );
    if (isNamed) return { ending };
    await new Promise((done) => setTimeout(done, 50));
  }
  return { ending, complaint: `the log does not say what is damaged: ${node.output}` };
}

async function filled(): Promise<TestNode> {
  const node = await TestNode.create();
  await node.setUp();
  await node.api("POST", "sys/mounts/kv", { type: "kv", options: { version: "1" } });
  for (let n = 0; n < keys; n += 40) {
    await Promise.all(Array.from({ length: 40 }, async (_, i) => {
      const { status } = await node.api("PUT", `kv/${nameOf(n + i)}`, { value: valueOf(n + i) });
      assertEquals(status, 204);
    }));
  }
  return node;
}

for (const ending of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`damaged copies of a directory after ${ending}`, async () => {
    await using node = await filled();
    await node.stop(ending);
    const original = `${node.folder}/original`;
    await Deno.rename(node.data, original);
    const files = await filesOf(original);
    const dice = new Dice(seed);
    const wrong: string[] = [];
    const outcomes = new Map<string, number>();
    for (let copy = 0; copy < copies / 2; copy++) {
      await run("cp", ["-r", original, node.data]);
      const name = files[copy % files.length] ?? "";
      const what = `${name}: ${await damage(`${node.data}/${name}`, dice)}`;
      const { ending: outcome, complaint } = await judge(node);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (complaint !== undefined) wrong.push(`${what}: ${complaint.slice(0, 1500)}`);
      await node.stop("SIGKILL");
      await Deno.remove(node.data, { recursive: true });
    }
    console.log(Object.fromEntries(outcomes), files.length, "files");
    assert(files.length > 2, `only ${files}`);
    assert((outcomes.get("refused to start") ?? 0) > 0, "no damage was noticed");
    assertEquals(wrong, [], `seed ${seed}`);
  });
}
