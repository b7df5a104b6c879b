/** Imports point downwards: a room knows only what lies below it (../shared/DESIGN.md). */
import { assertEquals } from "@std/assert";
import { dirname, join, relative } from "node:path";

/** From the top to the bottom; rooms in one row may use those to their right. */
const rows: readonly (readonly string[])[] = [
  ["cli"],
  ["server"],
  ["system", "auth", "engines"],
  ["backend"],
  ["http", "ui"],
  ["core"],
  ["quota", "identity", "audit", "lease", "token", "policy", "telemetry"],
  ["replication", "ha"],
  ["foreign"],
  ["snapshot"],
  ["seal"],
  ["barrier"],
  ["storage"],
  ["raft"],
  ["config"],
  ["crypto", "std", "logical"],
  ["base"],
];

/** Arrows that point up on purpose, each with the reason why. */
const allowed: readonly (readonly [from: string, to: string, why: string])[] = [
  ["server", "cli", "types of the options that the command line hands over"],
];

const order = new Map<string, number>();
rows.flat().forEach((room, i) => order.set(room, i));

const root = join(import.meta.dirname ?? ".", "..", "src");

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sources(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

function room(path: string): string {
  return relative(root, path).split("/")[0] ?? "";
}

/** Every import of another file of ours, as written and resolved. */
function* imports(path: string): Generator<string> {
  const text = Deno.readTextFileSync(path);
  for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
    if (target !== undefined) yield join(dirname(path), target);
  }
}

Deno.test("imports point downwards", () => {
  const wrong: string[] = [];
  for (const path of sources(root)) {
    const isTest = /_test\.ts$|testing\.ts$|test_kit\.ts$|\/testing\//.test(path);
    if (isTest) continue;
    const from = room(path);
    for (const target of imports(path)) {
      const to = room(target);
      if (from === to) continue;
      const [a, b] = [order.get(from), order.get(to)];
      if (a === undefined || b === undefined) wrong.push(`${from} or ${to} is no known room`);
      else if (a > b && !allowed.some(([f, t]) => f === from && t === to)) {
        wrong.push(`${relative(root, path)} imports ${relative(root, target)}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("no file is more than one idea", () => {
  const long: string[] = [];
  for (const path of sources(root)) {
    const lines = Deno.readTextFileSync(path).split("\n").length;
    const limit = /_test\.ts$/.test(path) ? 800 : 500;
    if (lines > limit) long.push(`${relative(root, path)}: ${lines} lines, ${limit} allowed`);
  }
  assertEquals(long, []);
});

Deno.test("nothing silences the compiler", () => {
  const odd: string[] = [];
  const forbidden = /@ts-ignore|@ts-nocheck|@ts-expect-error|\bas any\b|: any\b(?! )|TODO|FIXME/;
  for (const path of sources(root)) {
    Deno.readTextFileSync(path).split("\n").forEach((line, i, lines) => {
      if (lines[i - 1]?.includes("deno-lint-ignore no-explicit-any --")) return;
      const code = line.replace(/^\s*(\/?\*|\/\/).*$|\s\/[/*]\s.*$/, "");
      if (forbidden.test(code)) odd.push(`${relative(root, path)}:${i + 1}`);
    });
  }
  assertEquals(odd, []);
});
