import type { ConfigSource } from "./server.ts";

/** Bytes of one file; more is surely not a configuration. */
const fileSizeMax = 8 * 1024 * 1024;

/** Why the files could not be read. `path` is the one at fault. */
export class ConfigFileError extends Error {
  constructor(readonly path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.name = "ConfigFileError";
  }
}

/**
 * Reads the files and directories of `-config`, in their order. Of a directory, every `.hcl` and
 * `.json` file, sorted by name; not those of folders in it, nor those of editors (`.x`, `x~`).
 *
 * @throws ConfigFileError
 */
export async function readConfigFiles(paths: readonly string[]): Promise<ConfigSource[]> {
  const sources: ConfigSource[] = [];
  for (const path of paths) {
    for (const file of await filesAt(path)) sources.push(await readSource(file));
  }
  return sources;
}

async function filesAt(path: string): Promise<string[]> {
  try {
    const info = await Deno.stat(path);
    if (!info.isDirectory) return [path];
    const names: string[] = [];
    for await (const entry of Deno.readDir(path)) {
      const usable = !entry.isDirectory && /^[^.#].*\.(hcl|json)$/.test(entry.name);
      if (usable) names.push(entry.name);
    }
    return names.sort().map((name) => `${path.replace(/\/+$/, "")}/${name}`);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readSource(path: string): Promise<ConfigSource> {
  try {
    const { size } = await Deno.stat(path);
    if (size > fileSizeMax) throw new ConfigFileError(path, `is larger than ${fileSizeMax} bytes`);
    const bytes = await Deno.readFile(path);
    return { name: path, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): ConfigFileError {
  if (error instanceof ConfigFileError) return error;
  const options = { cause: error };
  if (error instanceof Deno.errors.NotFound) {
    return new ConfigFileError(path, "no such file or directory", options);
  }
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new ConfigFileError(path, "permission denied", options);
  }
  if (error instanceof TypeError) return new ConfigFileError(path, "is not UTF-8 text", options);
  return new ConfigFileError(path, "can't be read", options);
}
