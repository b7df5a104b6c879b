/** `operator migrate`: from one storage to another. Offline. */
import { bool, int, text } from "../args/flag.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { startMigrate } from "./server_module.ts";

const levels = ["trace", "debug", "info", "warn", "error"];

export const migrate: Command = {
  usage: "[options]",
  about:
    "Copies all that a node keeps to another kind of storage, as it is, encrypted; no key is " +
    "needed. Stop the node first. The file of -config holds a storage_source and a " +
    'storage_destination stanza, each like a storage stanza ("raft" or "file"), and cluster_addr ' +
    'where the destination is "raft".\n\nThe destination must be empty. While it runs, and after ' +
    "an interruption until it is done, no server starts on either side; running it again goes on " +
    "where it stopped. At the end all entries of both sides are compared.",
  examples: [["Move", "operator migrate -config=migrate.hcl"]],
  flags: [
    text("config", "File with both stanzas.", {
      env: ["VAULT_MIGRATE_CONFIG_PATH", "BAO_MIGRATE_CONFIG_PATH"],
      placeholder: "file",
    }),
    text("start", "Copy only keys at or after this one. The destination need not be empty then.", {
      placeholder: "key",
    }),
    bool("reset", "Let the source be used again after a migration that is given up; copy nothing."),
    int("max-parallel", "Files to write at a time.", { fallback: "10" }),
    text("log-level", "How much to tell.", { fallback: "info", choices: levels }),
  ],
  words: [0, 0],
  output: "none",
  http: false,
  async run(call) {
    const { flags } = call;
    const configPath = flags.text("config");
    if (configPath === "") throw new UsageError("Error: name a file with -config");
    const least = levels.indexOf(flags.text("log-level"));
    if (least < 0) throw new UsageError(`Error: -log-level is one of ${levels.join(", ")}`);
    return await startMigrate({
      configPath,
      start: flags.text("start"),
      reset: flags.bool("reset"),
      maxParallel: flags.int("max-parallel") ?? 10,
      say: (level, line) => {
        if (levels.indexOf(level) >= least) call.line(line);
      },
      fail: (line) => call.io.err(`${line}\n`),
    });
  },
};
