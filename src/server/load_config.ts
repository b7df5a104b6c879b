/** The configuration of a server out of its files and its environment. */
import { checkServerConfig } from "../config/checks.ts";
import { ConfigFileError, readConfigFiles } from "../config/files.ts";
import { type ConfigNote, formatNote } from "../config/note.ts";
import { type ConfigSource, loadServerConfig } from "../config/server.ts";
import type { ServerConfig } from "../config/server_types.ts";

export interface CheckedConfig {
  readonly config: ServerConfig;
  /** One a line, `file:line:column: message`. */
  readonly warnings: readonly string[];
  /** The configuration is not to be used where there is one. */
  readonly errors: readonly string[];
}

/** Reads and checks texts, then files and directories. Never throws for what they say or where they are. */
export async function loadConfig(
  first: readonly ConfigSource[],
  paths: readonly string[],
): Promise<CheckedConfig> {
  let unreadable: string | undefined;
  const files = await readConfigFiles(paths).catch((error) => {
    if (!(error instanceof ConfigFileError)) throw error;
    unreadable = error.message;
    return [];
  });
  const sources = [...first, ...files];
  const { config, warnings, errors } = loadServerConfig(sources, Deno.env.toObject());
  if (unreadable !== undefined) return { config, warnings: [], errors: [unreadable] };
  if (sources.length === 0) {
    const message = `no configuration (.hcl or .json) in ${paths.join(", ")}`;
    return { config, warnings: [], errors: [message] };
  }
  // What is missing or does not fit together is only worth telling of a file that could be read.
  const checks = errors.length > 0 ? { warnings: [], errors: [] } : checkServerConfig(config);
  const lines = (notes: readonly ConfigNote[]) => notes.map(formatNote);
  return {
    config,
    warnings: lines([...warnings, ...checks.warnings]),
    errors: lines([...errors, ...checks.errors]),
  };
}
