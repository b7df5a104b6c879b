/**
 * Makes dist/holdfast. `deno compile` needs a runtime that is not to be had everywhere; where it is
 * not, the executable is a file that unpacks itself. Both hold the same program and are used alike.
 */
import { dirname, join } from "node:path";
import { bundle, hideLazyImports } from "./bundle.ts";
import { compile } from "./compile.ts";
import { selfExtracting } from "./launcher.ts";

const here = import.meta.dirname ?? ".";
const root = join(here, "..", "..");
const target = Deno.args[0] ?? join(root, "dist", "holdfast");
const wanted = Deno.env.get("HOLDFAST_BUILD") ?? "";

const files = await bundle(root, "main.ts");
await Deno.mkdir(dirname(target), { recursive: true });
const fresh = `${target}.new`;
const compiled = wanted !== "launcher" && await compile(files, fresh);
if (!compiled) {
  if (wanted === "compile") throw new Error("deno compile can't get its runtime here");
  const script = await Deno.readTextFile(join(here, "launcher.sh"));
  const runtime = await Deno.readFile(Deno.execPath());
  await Deno.writeFile(fresh, await selfExtracting(script, runtime, hideLazyImports(files)));
}
await Deno.chmod(fresh, 0o755);
// By a rename, so that nobody ever starts half a file.
await Deno.rename(fresh, target);
const { size } = await Deno.stat(target);
const kind = compiled ? "compiled" : "self-extracting";
console.log(`${target}: ${kind}, ${(size / 1e6).toFixed(1)} MB, Deno ${Deno.version.deno}`);
