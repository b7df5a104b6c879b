/** Earlier versions of the program, taken out of the repository's history. */
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

async function git(...args: string[]) {
  try {
    return await new Deno.Command("git", { args: ["-C", root, ...args], stderr: "null" }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Puts a commit's files into a folder; false where the history does not reach back to it. */
export async function checkOut(commit: string, folder: string): Promise<boolean> {
  const found = await git("cat-file", "-e", `${commit}^{commit}`);
  if (found?.success !== true) return false;
  await Deno.mkdir(folder, { recursive: true });
  const archive = await git("archive", commit);
  if (archive?.success !== true) return false;
  await Deno.writeFile(`${folder}.tar`, archive.stdout);
  await tar("-xf", `${folder}.tar`, "-C", folder);
  await Deno.remove(`${folder}.tar`);
  return true;
}

/** A commit's hash, day and first line. */
export async function describe(commit: string): Promise<string> {
  const told = await git("log", "-1", "--format=%h %as %s", commit);
  return new TextDecoder().decode(told?.stdout).trim();
}

export async function tar(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("tar", { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
