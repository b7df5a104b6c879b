/**
 * The whole test run, in stages. Each stage prints what it did; the last line counts everything:
 * "N passed, N failed". `deno task test NAME…` runs only the stages whose name begins so.
 */
import { join } from "node:path";
import { isThere } from "../src/base/files.ts";
import { peerProgram } from "./e2e/peer.ts";
import { isCi } from "./e2e/skip.ts";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Stage {
  readonly name: string;
  /** Runs what `scripts/build` makes. */
  readonly usesBuild?: true;
  run(): Promise<Counts>;
}

const root = join(import.meta.dirname ?? ".", "..");
const shared = join(root, "..", "shared");
const deno = Deno.execPath();

async function output(command: string, args: string[], env: Record<string, string> = {}) {
  const child = new Deno.Command(command, {
    args,
    cwd: root,
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

function one(good: boolean): Counts {
  return good ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** A tool that is right or wrong as a whole. */
function tool(name: string, args: string[]): Stage {
  return {
    name,
    async run() {
      const { code, text } = await output(deno, args);
      if (code !== 0) console.log(text.trim());
      return one(code === 0);
    },
  };
}

/** The executable, as users get it. What older ones unpacked goes. */
const build: Stage = {
  name: "build",
  async run() {
    await output("rm", ["-rf", join(root, "dist", ".cache")]);
    const { code, text } = await output("sh", [join(root, "scripts", "build")]);
    console.log(text.trim());
    return one(code === 0);
  },
};

/** Tests under Deno's own runner. */
function tests(name: string, paths: string[], needs: { usesBuild?: true } = {}): Stage {
  return {
    name,
    ...needs,
    async run() {
      const { code, text } = await output(deno, [
        "test",
        "--no-check",
        "--allow-all",
        "--unstable-kv",
        ...paths,
      ]);
      const line = /(\d+) passed(?: \([^)]*\))? \| (\d+) failed(?:[^|\n]*\| (\d+) ignored)?/.exec(
        text,
      );
      // What a machine can't run passes for Deno, and is told by the test itself.
      const unable = text.match(/^skipped: .*$/gm) ?? [];
      for (const reason of unable) console.log(reason);
      // Fresh seeds, so that any of them can be run again.
      for (const line of text.match(/^simulated seeds .*$/gm) ?? []) console.log(line);
      const counts = {
        passed: Number(line?.[1] ?? 0) - unable.length,
        failed: Number(line?.[2] ?? 0),
        skipped: Number(line?.[3] ?? 0) + unable.length,
      };
      const unexplained = code !== 0 && counts.failed === 0;
      if (code !== 0) console.log(text.slice(text.indexOf("ERRORS")).trim());
      return unexplained ? { ...counts, failed: 1 } : counts;
    },
  };
}

/** Steps that matched, by area, of one of the suites in ../shared. */
type AreaScores = Record<string, { matched: number; total: number }>;

/** Takes minutes and runs only with HOLDFAST_SLOW=1 or where it is named. */
function slow(stage: Stage): Stage {
  return {
    ...stage,
    run() {
      if (Deno.env.get("HOLDFAST_SLOW") === "1" || Deno.args.includes(stage.name)) {
        return stage.run();
      }
      console.log(`skipped: ${stage.name} runs with HOLDFAST_SLOW=1`);
      return Promise.resolve({ passed: 0, failed: 0, skipped: 1 });
    },
  };
}

/** A recorded suite: an area fails when it matches less than it once did. */
function conformance(
  name: string,
  suite: string,
  flags: readonly string[],
  { usesBuild = false, standby = false, usesPeer = false } = {},
): Stage {
  return {
    name,
    ...(usesBuild ? { usesBuild: true as const } : {}),
    async run() {
      if (!await isThere(join(shared, suite))) {
        console.log(`skipped: ${suite} is not beside this checkout`);
        return { passed: 0, failed: 0, skipped: 1 };
      }
      const peer = usesPeer ? await peerProgram() : undefined;
      if (usesPeer && peer === undefined) {
        console.log(`${isCi ? "failed" : "skipped"}: ${name} needs the peer's program`);
        return { passed: 0, failed: isCi ? 1 : 0, skipped: isCi ? 0 : 1 };
      }
      const client = peer === undefined ? [] : ["--client", peer];
      const json = await Deno.makeTempFile({ suffix: ".json" });
      const command = usesBuild
        ? join(root, "dist", "holdfast")
        : standby
        ? join(root, "tests", "standby", "holdfast")
        : `${deno} run -A --unstable-kv --config ${root}/deno.json ${root}/main.ts`;
      const { text } = await output(
        "python3",
        [join(shared, suite, "run.py"), "check", ...client, ...flags, command, "--json", json],
        { XDG_CACHE_HOME: join(root, "dist", ".cache"), DENO: deno },
      );
      const found = scores(JSON.parse(await Deno.readTextFile(json)));
      return compare(name, found, text);
    },
  };
}

interface SuiteReport {
  readonly areas?: Record<string, { matched: number; total: number } | [number, number]>;
}

/** One suite writes objects, the other pairs. */
function scores(report: SuiteReport): AreaScores {
  const areas = Object.entries(report.areas ?? {}).map(([name, score]) =>
    [name, Array.isArray(score) ? { matched: score[0], total: score[1] } : score] as const
  );
  return Object.fromEntries(areas);
}

async function compare(name: string, found: AreaScores, text: string): Promise<Counts> {
  const floors: Record<string, Record<string, number>> = JSON.parse(
    await Deno.readTextFile(join(root, "tests", "floors.json")),
  );
  const floor = floors[name] ?? {};
  let failed = 0, skipped = 0;
  for (const [area, least] of Object.entries(floor)) {
    if (found[area] === undefined && Object.keys(found).length > 0) {
      // The suite leaves out what needs a program that is not installed.
      console.log(`skipped: ${name} ${area}`);
      skipped++;
      continue;
    }
    const matched = found[area]?.matched ?? 0;
    if (matched >= least) continue;
    failed++;
    console.log(`${name} ${area}: ${matched} steps match, ${least} did before`);
  }
  if (failed > 0) console.log(text.trim().split("\n").slice(-30).join("\n"));
  const all = Object.values(found);
  const sum = (pick: (a: { matched: number; total: number }) => number) =>
    all.reduce((total, area) => total + pick(area), 0);
  console.log(`${name}: ${sum((a) => a.matched)} of ${sum((a) => a.total)} steps match the peer`);
  return { passed: Object.keys(floor).length - failed - skipped, failed, skipped };
}

const stages: readonly Stage[] = [
  tool("format", ["fmt", "--check", "--quiet"]),
  tool("lint", ["lint", "--quiet"]),
  tool("types", ["check", "--quiet", "main.ts", "src", "tests", "scripts"]),
  tests("unit", ["src"]),
  build,
  tests("system", ["tests"], { usesBuild: true }),
  conformance("http", "conformance", ["--target"]),
  conformance("cli", "cli-conformance", ["--bin"]),
  slow(conformance("bao", "cli-conformance", ["--bin"], { usesBuild: true, usesPeer: true })),
  // The server under test is a standby of a cluster of three.
  slow(conformance("standby-http", "conformance", ["-j", "2", "--target"], { standby: true })),
  slow(conformance("standby-cli", "cli-conformance", ["--jobs", "2", "--bin"], { standby: true })),
];

const asked = Deno.args;
const chosen = stages.filter(({ name }) =>
  asked.length === 0 || asked.some((prefix) => name.startsWith(prefix))
);
// Nobody is to test an executable of yesterday.
const needsBuild = chosen.some(({ usesBuild }) => usesBuild);
const total = { passed: 0, failed: 0, skipped: 0 };
for (const stage of stages) {
  if (!chosen.includes(stage) && !(stage === build && needsBuild)) continue;
  const began = performance.now();
  const { passed, failed, skipped } = await stage.run();
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `[${stage.name}] passed ${passed}, failed ${failed}, skipped ${skipped}, ${seconds} s`,
  );
}
console.log(
  `${total.passed} passed, ${total.failed} failed` +
    (total.skipped > 0 ? `, ${total.skipped} skipped` : ""),
);
Deno.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
