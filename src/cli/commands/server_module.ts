/** Loads a part of the server, for the commands that are it. */
import { CommandError } from "../errors.ts";

/**
 * Calls a function of the server's room and takes what it resolves to for an exit code. The paths
 * are held in variables, so that checking the client does not check the server.
 */
export async function callServer(
  part: "main" | "diagnose",
  name: string,
  options: object,
): Promise<number> {
  const path = { main: "../../server/main.ts", diagnose: "../../server/diagnose.ts" }[part];
  const loaded: unknown = await import(path);
  // A module has no prototype, so it is no instance of Object.
  const entry = typeof loaded === "object" && loaded !== null
    ? Reflect.get(loaded, name)
    : undefined;
  if (typeof entry !== "function") throw new CommandError("Error: this build has no server", 1);
  const code: unknown = await entry(options);
  return typeof code === "number" ? code : 0;
}
