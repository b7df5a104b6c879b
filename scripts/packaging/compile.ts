/** One executable file by `deno compile`. */
import { join } from "node:path";
import type { Files } from "./bundle.ts";
import { common, everything, serverRuntime } from "./permissions.ts";

/** Only flags of running, not of finding code: that is inside already. */
const runFlags = common.filter((flag) => flag.startsWith("--unstable-") || flag === "--no-prompt");

/** False where the runtime for executables (`denort`) can't be had; throws for other failures. */
export async function compile(files: Files, target: string): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-compile-" });
  try {
    for (const [name, text] of files) await Deno.writeTextFile(join(folder, name), text);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock"],
        ...[...runFlags, ...serverRuntime, ...everything, "--output", target, "main.js"],
      ],
      cwd: folder,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (success) return true;
    const text = new TextDecoder().decode(stderr);
    if (/dl\.deno\.land|denort|dns error|error sending request/.test(text)) return false;
    throw new Error(text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
