/** Where credentials are looked for that the settings leave out. */
import type { Clock } from "../../../base/clock.ts";

export interface Surroundings {
  /** A variable of the server's environment. */
  environment(name: string): string | undefined;
  /** Throws where the file can't be read. */
  readText(path: string): Promise<string>;
  readonly clock: Clock;
}

/** Where a program keeps the settings of its user; "" where that is not known. */
export function homeFile({ environment }: Surroundings, path: string): string {
  const home = environment("HOME") ?? "";
  return home === "" ? "" : `${home}/${path}`;
}

/** Undefined where the file is not there; throws where it can't be read for another reason. */
export async function readIfThere(
  { readText }: Surroundings,
  path: string,
): Promise<string | undefined> {
  if (path === "") return undefined;
  try {
    return await readText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
