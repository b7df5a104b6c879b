/** Loads a part of the server, for the commands that are it; other commands load nothing of it. */
import { CommandError } from "../errors.ts";
import type { DiagnoseOptions, ServerOptions } from "../server_options.ts";

/** Runs a node; resolves to its exit code when it has stopped. */
export async function startServer(options: ServerOptions): Promise<number> {
  const { runServer } = await import("../../server/main.ts");
  return await runServer(options);
}

/**
 * Checks without starting. The path is held in a variable for as long as the server's room has no
 * such file, so that the rest can be checked.
 */
export async function startDiagnose(options: DiagnoseOptions): Promise<number> {
  const path = "../../server/diagnose.ts";
  const loaded: unknown = await import(path).catch((error) => {
    if (Reflect.get(error, "code") === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  });
  const entry = loaded instanceof Object ? Reflect.get(loaded, "runDiagnose") : undefined;
  if (typeof entry !== "function") {
    throw new CommandError("Error: this build can't check configurations yet", 1);
  }
  const code: unknown = await entry(options);
  return typeof code === "number" ? code : 0;
}
