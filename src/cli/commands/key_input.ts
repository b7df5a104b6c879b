/** Key shares: as a word, from standard input or a file, or typed unseen. */
import { describeError } from "../../base/failure.ts";
import type { Call } from "../call.ts";
import { CommandError } from "../errors.ts";

/**
 * The share that the word at `at` gives, or who is asked. Throws CommandError (exit code 1) where
 * nobody can be.
 */
export async function keyShare(call: Call, at = 0): Promise<string> {
  const given = call.arg(at).trim();
  if (given === "-") return new TextDecoder().decode(await call.io.readStdin()).trim();
  if (given !== "") return given;
  if (call.flags.bool("non-interactive") || !call.io.stdinIsTerminal) {
    throw new CommandError(
      "Error: a key is typed at a terminal, and standard input is none. It can also be given " +
        "as a word, or as - to read it from standard input.",
      1,
    );
  }
  return (await call.io.readSecretLine("Unseal Key (will be hidden): ")).trim();
}

/**
 * All shares that it takes to open a file: from another file or standard input, one a line, or
 * typed unseen. Throws CommandError (exit code 1) where the other file can't be read.
 */
export async function keyShares(call: Call, threshold: number, file = ""): Promise<string[]> {
  const { io } = call;
  if (file !== "") return linesOf(await readKeys(call, file));
  if (!io.stdinIsTerminal) return linesOf(await io.readStdin());
  const shares: string[] = [];
  for (let i = 1; i <= threshold; i++) {
    const prompt = `Unseal Key ${i} of ${threshold} (will be hidden): `;
    shares.push((await io.readSecretLine(prompt)).trim());
  }
  return shares;
}

async function readKeys(call: Call, file: string): Promise<Uint8Array> {
  try {
    return await call.io.readFile(file);
  } catch (error) {
    throw new CommandError(`Error reading the keys: ${describeError(error)}`, 1);
  }
}

function linesOf(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "");
}
