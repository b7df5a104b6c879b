/** A key share: as a word, from standard input, or typed unseen. */
import type { Call } from "../call.ts";
import { CommandError } from "../errors.ts";

/** The share that the word at `at` gives. Throws CommandError (exit code 1) where nobody can be asked. */
export async function keyShare(call: Call, at = 0, label = "Unseal Key"): Promise<string> {
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
  return (await call.io.readSecretLine(`${label} (will be hidden): `)).trim();
}

/** As many shares as it takes: typed unseen, or from standard input, one a line. */
export async function keyShares(call: Call, threshold: number): Promise<string[]> {
  const { io } = call;
  if (!io.stdinIsTerminal) {
    const text = new TextDecoder().decode(await io.readStdin());
    return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  }
  const shares: string[] = [];
  for (let i = 1; i <= threshold; i++) {
    const prompt = `Unseal Key ${i} of ${threshold} (will be hidden): `;
    shares.push((await io.readSecretLine(prompt)).trim());
  }
  return shares;
}
