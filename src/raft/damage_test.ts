/**
 * Damaged copies of a data directory end in an error that names a file or a key, or in intact
 * data: never in wrong data, and never in an error of somebody else's making.
 */
import { strict as assert } from "node:assert";
import type { Bytes } from "../base/bytes.ts";
import { CorruptionError } from "./errors.ts";
import type { RaftStorage } from "./mod.ts";
import { inDirectory, openForTest, seeded } from "./testing.ts";

type Model = ReadonlyMap<string, Bytes>;
type Draw = (bound: number) => number;
type Damage = (content: Uint8Array<ArrayBuffer>, draw: Draw) => Uint8Array<ArrayBuffer>;

const damages: Record<string, Damage> = {
  "one byte": (content, draw) => {
    const at = draw(content.length);
    content[at] = (content[at] ?? 0) ^ (1 << draw(8));
    return content;
  },
  "64 bytes": (content, draw) => {
    const at = draw(Math.max(1, content.length - 64));
    for (let i = at; i < Math.min(content.length, at + 64); i++) content[i] = draw(256);
    return content;
  },
  "a page": (content, draw) => {
    const page = draw(Math.ceil(content.length / 4096)) * 4096;
    return content.fill(0, page, page + 4096);
  },
  "cut short": (content, draw) => content.slice(0, draw(content.length)),
};

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyTree(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

async function filesIn(path: string): Promise<string[]> {
  const files: string[] = [];
  for (const folder of [path, `${path}/raft`]) {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const isKept = isFile && name !== "LOCK" && !name.endsWith("-shm");
      if (isKept) files.push(`${folder}/${name}`.slice(path.length + 1));
    }
  }
  return files.sort();
}

/** A directory with a state file, several segments, large values, and, if wanted, no clean end. */
async function fill(path: string, clean: string, torn: string): Promise<Model> {
  const storage = await openForTest(path, { segmentBytes: 150_000, logBytesMax: 10_000_000 });
  const model = new Map<string, Bytes>();
  const draw = seeded(7);
  for (let i = 0; i < 300; i++) {
    const size = i % 50 === 0 ? 90_000 : 200 + draw(900);
    const value = new Uint8Array(size).fill(draw(256));
    model.set(`logical/${i % 7}/${i}`, value);
    await storage.write([{ key: `logical/${i % 7}/${i}`, value }]);
    if (i === 200) await storage.flush();
  }
  await copyTree(path, torn);
  await storage.close();
  await copyTree(path, clean);
  return model;
}

async function readAll(storage: RaftStorage, model: Model): Promise<void> {
  for (const [key, value] of model) assert.deepEqual(await storage.get(key), value, key);
  const keys = (await storage.scan("", { limit: 10_000 })).map((entry) => entry.key);
  assert.deepEqual(keys, [...model.keys()].sort());
  assert.equal((await storage.list("logical/")).length, 7);
}

/** "intact", or the message of the error that named what is damaged. */
async function outcome(path: string, model: Model): Promise<string> {
  let storage: RaftStorage | undefined;
  let fatal: Error | undefined;
  try {
    storage = await openForTest(path, { onFatal: (error) => fatal = error });
    await readAll(storage, model);
    await storage.write([{ key: "after", value: new Uint8Array(1) }]);
    return "intact";
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    assert.ok(/\.kv|CURRENT|node-id|raft|"logical\//.test(error.message), error.message);
    return error.message;
  } finally {
    await storage?.close().catch((error: unknown) => {
      if (!(error instanceof CorruptionError)) throw fatal ?? error;
    });
  }
}

const seedBase = Number(Deno.env.get("HOLDFAST_SEED") ?? 1);

for (const state of ["clean", "torn"]) {
  Deno.test(`damaged copies of a ${state} directory never give wrong data`, async () => {
    await inDirectory(async (root) => {
      const model = await fill(`${root}/data`, `${root}/clean`, `${root}/torn`);
      const source = `${root}/${state}`;
      await copyTree(source, `${root}/intact`);
      assert.equal(await outcome(`${root}/intact`, model), "intact");
      const outcomes = new Map<string, number>();
      let seed = seedBase;
      const files = await filesIn(source);
      for (const file of files) {
        for (const [kind, damage] of Object.entries(damages)) {
          const copy = `${root}/copy-${seed}`;
          await copyTree(source, copy);
          const content = await Deno.readFile(`${copy}/${file}`);
          if (content.length === 0) continue;
          await Deno.writeFile(`${copy}/${file}`, damage(content, seeded(seed)));
          try {
            const result = await outcome(copy, model);
            const verdict = result === "intact" ? "intact" : "named";
            outcomes.set(verdict, (outcomes.get(verdict) ?? 0) + 1);
          } catch (error) {
            throw new Error(`${kind} in ${file}, seed ${seed}`, { cause: error });
          }
          await Deno.remove(copy, { recursive: true });
          seed += 1;
        }
      }
      assert.ok(seed - seedBase > 30, `${seed} copies`);
      assert.ok((outcomes.get("named") ?? 0) > 5, JSON.stringify([...outcomes]));
    });
  });
}
