/** Gives a node a snapshot's file. */
import { describeError } from "../../base/failure.ts";
import type { Call } from "../call.ts";
import { type Secret, toSecret } from "../client/secret.ts";
import { CommandError } from "../errors.ts";

/**
 * Sends the file that the command's first word names, however long that takes; what the node answers.
 * Throws CommandError (exit code 2) where the file can't be read; `doing` is for what goes wrong then.
 */
export async function uploadSnapshot(
  call: Call,
  path: string,
  doing: string,
): Promise<Secret | undefined> {
  const file = call.arg(0).trim();
  try {
    await (await call.io.openRead(file)).cancel();
  } catch (error) {
    throw new CommandError(`Error opening snapshot file: ${describeError(error)}`, 2);
  }
  const client = await call.client();
  const rawBody = () => call.io.openRead(file);
  const { json } = await call.during(
    doing,
    client.send({ method: "POST", path, rawBody, timeoutMs: 0 }),
  );
  return toSecret(json);
}
