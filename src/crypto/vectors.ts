/** Reads the published vectors in `testdata/`; for tests. */
import { type Bytes, fromHex } from "../base/bytes.ts";

/** The lines of a file of vectors, cut at spaces; comments are left out. */
export function vectors(name: string): string[][] {
  const text = Deno.readTextFileSync(new URL(`./testdata/${name}`, import.meta.url));
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" "));
}

/** A field in hexadecimal; "-" stands for nothing. */
export function field(text: string | undefined): Bytes {
  const bytes = text === "-" ? new Uint8Array() : fromHex(text ?? "?");
  if (bytes === undefined) throw new SyntaxError(`not hexadecimal: ${text}`);
  return bytes;
}
