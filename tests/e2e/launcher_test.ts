/** The executable that unpacks itself: once, whole, whoever else starts it at the same time. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { program, repository, run } from "./program.ts";
import { skipUnless } from "./skip.ts";

/** Runs with an empty directory to unpack into; undefined where the executable is compiled. */
async function fresh(work: (bin: string, cache: string) => Promise<void>): Promise<boolean> {
  const bin = await program();
  const { stdout } = await run("head", ["-c", "2", bin]);
  if (stdout !== "#!") return false;
  const cache = await Deno.makeTempDir({ prefix: "holdfast-cache-" });
  try {
    await work(bin, cache);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
  return true;
}

async function names(folder: string): Promise<string[]> {
  const found = [];
  for await (const { name } of Deno.readDir(folder)) found.push(name);
  return found.filter((name) => name !== "code");
}

Deno.test("three first starts at once: all work, one copy stays, for its owner alone", async (t) => {
  const done = await fresh(async (bin, cache) => {
    const env = { XDG_CACHE_HOME: cache };
    const all = await Promise.all([1, 2, 3].map(() => run(bin, ["version"], { env })));
    for (const { code, text } of all) {
      assertEquals(code, 0, text);
      assertStringIncludes(text, "Holdfast v");
    }
    const [copy, ...others] = await names(`${cache}/holdfast`);
    assertEquals(others, []);
    const { mode } = await Deno.stat(`${cache}/holdfast/${copy}`);
    assertEquals((mode ?? 0) & 0o777, 0o700);
    const { mtime } = await Deno.stat(`${cache}/holdfast/${copy}`);
    await run(bin, ["version"], { env });
    assertEquals((await Deno.stat(`${cache}/holdfast/${copy}`)).mtime, mtime);
  });
  skipUnless(t, done, "an executable that unpacks itself");
});

Deno.test("a damaged or cut executable says so and leaves nothing behind", async (t) => {
  const done = await fresh(async (bin, cache) => {
    const bytes = await Deno.readFile(bin);
    const flipped = bytes.slice();
    const middle = bytes.length >> 1;
    flipped[middle] = (flipped[middle] ?? 0) ^ 1;
    for (const wrong of [flipped, bytes.slice(0, middle)]) {
      const path = `${cache}/damaged`;
      await Deno.writeFile(path, wrong, { mode: 0o755 });
      const { code, text } = await run(path, ["version"], { env: { XDG_CACHE_HOME: cache } });
      assertEquals(code, 1);
      assertStringIncludes(text, "can't be unpacked");
      assertEquals(await names(`${cache}/holdfast`), []);
    }
  });
  skipUnless(t, done, "an executable that unpacks itself");
});

Deno.test("without a cache directory it finds a private one", async (t) => {
  const done = await fresh(async (bin, cache) => {
    const nowhere = { XDG_CACHE_HOME: "/proc/nowhere", HOME: "/proc/nowhere", TMPDIR: cache };
    const { code, text } = await run(bin, ["version"], { env: nowhere });
    assertEquals(code, 0, text);
    const [folder] = await names(cache);
    assert(folder?.startsWith("holdfast-"), folder);
    const { mode } = await Deno.stat(`${cache}/${folder}`);
    assertEquals((mode ?? 0) & 0o777, 0o700);
  });
  skipUnless(t, done, "an executable that unpacks itself");
});

Deno.test("packages get what they ask for of Node's library", async (t) => {
  const done = await fresh(async (bin, cache) => {
    await run(bin, ["version"], { env: { XDG_CACHE_HOME: cache } });
    const [copy] = await names(`${cache}/holdfast`);
    const home = `${cache}/holdfast/${copy}`;
    const asking = (await run("grep", ["-l", '__require("node:', "-r", home])).stdout.trim();
    const parts = asking.split("\n");
    assert(parts.length >= 4, asking);
    const all = `${cache}/all.js`;
    await Deno.writeTextFile(all, parts.map((path) => `import "${path}";\n`).join(""));
    const { code, text } = await run(`${home}/holdfast`, ["run", "--no-config", "-A", all]);
    assertEquals(code, 0, text);
  });
  skipUnless(t, done, "an executable that unpacks itself");
});

Deno.test({
  name: "the same sources give the same bytes",
  ignore: Deno.env.get("HOLDFAST_SLOW") !== "1",
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-build-" });
    try {
      const copy = `${folder}/elsewhere`;
      await Deno.mkdir(copy);
      const parts = ["src", "scripts", "main.ts", "deno.json", "deno.lock"];
      await run("cp", ["-r", ...parts.map((name) => `${repository}/${name}`), copy]);
      for (const [n, from] of [copy, repository, copy].entries()) {
        const made = await run("sh", [`${from}/scripts/build`, `${folder}/${n}`]);
        assertEquals(made.code, 0, made.text);
      }
      assertEquals((await run("cmp", [`${folder}/0`, `${folder}/2`])).text, "");
      assertEquals((await run("cmp", [`${folder}/0`, `${folder}/1`])).text, "");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
