/** Loads a part of the server, for the commands that are it; other commands load nothing of it. */
import type { DiagnoseOptions, MigrateOptions, ServerOptions } from "../server_options.ts";

/** Runs a node; resolves to its exit code when it has stopped. */
export async function startServer(options: ServerOptions): Promise<number> {
  const { runServer } = await import("../../server/main.ts");
  return await runServer(options);
}

/** Checks without starting. */
export async function startDiagnose(options: DiagnoseOptions): Promise<number> {
  const { runDiagnose } = await import("../../server/diagnose.ts");
  return await runDiagnose(options);
}

/** Copies from one storage to another. */
export async function startMigrate(options: MigrateOptions): Promise<number> {
  const { runMigrate } = await import("../../server/migrate.ts");
  return await runMigrate(options);
}
