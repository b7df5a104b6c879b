/** Public keys that unseal keys and tokens are encrypted to, as files of any usual form. */
import { fromBase64, toBase64 } from "../../base/bytes.ts";
import { describeError } from "../../base/failure.ts";
import { CommandError, UsageError } from "../errors.ts";
import type { Io } from "../io.ts";

/** The files of a flag with commas, each as base64 of the binary key (RFC 4880). */
export async function readPgpKeys(items: readonly string[], io: Io): Promise<string[]> {
  const names = items.flatMap((item) => item.split(",")).map((name) => name.trim())
    .filter((name) => name !== "");
  return await Promise.all(names.map((name) => readPgpKey(name, io)));
}

/** Throws CommandError for a file that holds no key. */
export async function readPgpKey(name: string, io: Io): Promise<string> {
  if (name.startsWith("keybase:")) {
    throw new UsageError("keys from Keybase are not fetched: save the key to a file and name that");
  }
  const path = name.replace(/^@/, "");
  let bytes: Uint8Array;
  try {
    bytes = await io.readFile(path);
  } catch (error) {
    throw new CommandError(`Error reading the PGP key: ${describeError(error)}`, 1);
  }
  const text = new TextDecoder().decode(bytes);
  if (text.includes("-----BEGIN PGP")) return dearmored(text, path);
  const compact = text.replace(/\s+/g, "");
  return fromBase64(compact) === undefined ? toBase64(bytes) : compact;
}

/** What is between the header lines and the checksum of an ASCII armor (RFC 4880, 6.2). */
function dearmored(text: string, path: string): string {
  const body =
    /-----BEGIN PGP[^\n]*\n(?:[^\n]*:[^\n]*\n)*\s*\n?([\s\S]*?)\n(?:=[\w+/=]{4}\s*\n)?-----END/
      .exec(text.replaceAll("\r", ""))?.[1]?.replace(/\s+/g, "") ?? "";
  if (body === "" || fromBase64(body) === undefined) {
    throw new CommandError(`Error reading the PGP key: ${path} is damaged`, 1);
  }
  return body;
}
