/** The one entry of Holdfast: server and command line. */
import { runCli } from "./src/cli/main.ts";

Deno.exit(await runCli(Deno.args));
