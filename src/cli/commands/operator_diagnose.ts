/** `operator diagnose` and `operator validate-config`: checks without starting a node. */
import { bool, list } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { DiagnoseOptions } from "../server_options.ts";
import { keyShares } from "./key_input.ts";
import { configFlag } from "./server.ts";
import { startDiagnose } from "./server_module.ts";

/** Exit code for a missing or unusable -config, as other tools of this kind have it. */
const usageExitCode = 3;

export const diagnose: Command = {
  usage: "[options]",
  about: "Looks for what would keep a node from starting or from working well: its " +
    "configuration, storage, listeners, certificates, disk and limits. The node need not run. " +
    "The exit code is 0 when all is well, 1 for failures, 2 for warnings.",
  examples: [
    ["Check a configuration", "operator diagnose -config=/etc/holdfast/holdfast.hcl"],
    ["Look into everything", "operator diagnose -unseal -config=/etc/holdfast/holdfast.hcl"],
  ],
  flags: [
    configFlag,
    bool("debug", "Print everything that was looked at."),
    list("skip", "Name of a check to leave out. May be repeated."),
    bool(
      "unseal",
      "Decrypt everything that is stored and read it as a node would, mount tables included. The " +
        "unseal keys are asked for at the terminal, or read from standard input, one a line.",
    ),
  ],
  words: [0, 0],
  output: "format",
  http: false,
  run: (call) =>
    check(call, {
      debug: call.flags.bool("debug"),
      skip: call.flags.list("skip"),
      ...(call.flags.bool("unseal")
        ? { unsealKeys: (threshold: number) => keyShares(call, threshold) }
        : {}),
    }, false),
};

export const validateConfig: Command = {
  usage: "[options]",
  about: "Reads configuration files as a node would and says what is wrong with them.",
  examples: [["Check a directory", "operator validate-config -config=/etc/holdfast"]],
  flags: [configFlag],
  words: [0, 0],
  output: "format",
  http: false,
  run: (call) => check(call, { debug: false, skip: [] }, true),
};

async function check(
  call: Call,
  own: Pick<DiagnoseOptions, "debug" | "skip" | "unsealKeys">,
  configOnly: boolean,
): Promise<number> {
  const configPaths = call.flags.list("config");
  if (configPaths.length === 0) {
    throw new CommandError("Error: name a configuration with -config", usageExitCode);
  }
  const options: DiagnoseOptions = {
    configPaths,
    format: call.format,
    ...own,
    configOnly,
    write: (text) => call.io.out(text),
  };
  return await startDiagnose(options);
}
