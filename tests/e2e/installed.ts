/** What tests install from registries, kept for the next run. */
import { type Output, run } from "./program.ts";

export const home = Deno.env.get("HOME") ?? "/tmp";
export const cache = `${Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`}/holdfast-tests`;

/** Installs into a folder, once: what is there is used again. Undefined where it can't be had. */
export async function installed(
  name: string,
  steps: (folder: string) => readonly (readonly [string, ...string[]])[],
): Promise<string | undefined> {
  const folder = `${cache}/${name}`;
  const marker = `${folder}/.complete`;
  if ((await run("test", ["-e", marker])).code === 0) return folder;
  await Deno.mkdir(folder, { recursive: true });
  for (const [command, ...args] of steps(folder)) {
    const { code, text } = await attempt(command, args);
    if (code === 0) continue;
    console.log(text.trim().split("\n").slice(-3).join("\n"));
    return undefined;
  }
  await Deno.writeTextFile(marker, "");
  return folder;
}

/** A command that is not there has failed like any other. */
export async function attempt(command: string, args: readonly string[]): Promise<Output> {
  try {
    return await run(command, args, { timeoutMs: 180_000, env: { HOME: home } });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { code: 127, stdout: "", text: `${command}: not installed` };
    }
    throw error;
  }
}
