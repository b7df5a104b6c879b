/** `server`: this machine's node. */
import { bool, duration, type Flag, int, list, text } from "../args/flag.ts";
import { httpFlags } from "../args/global_flags.ts";
import type { FlagValues } from "../args/parse.ts";
import { anyWords, type Command } from "../command.ts";
import { tokenHelper } from "../client/token_helper.ts";
import { UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { DevOptions, LogOptions, ServerOptions } from "../server_options.ts";
import { startServer } from "./server_module.ts";

export const configFlag: Flag = list(
  "config",
  "Configuration file (.hcl or .json) or a directory of them. May be repeated; they merge.",
  { env: ["HOLDFAST_CONFIG_PATH"], placeholder: "path" },
);

const logFlags: readonly Flag[] = [
  text("log-file", "File to write the log to, in place of standard error.", {
    placeholder: "file",
  }),
  text("log-format", "Form of the log.", {
    env: ["VAULT_LOG_FORMAT"],
    placeholder: "standard|json",
  }),
  text("log-level", "Least important level to log.", {
    env: ["VAULT_LOG_LEVEL"],
    placeholder: "trace|debug|info|warn|error",
  }),
  int("log-rotate-bytes", "Begin a new log file at this size."),
  duration("log-rotate-duration", "Begin a new log file after this time."),
  int("log-rotate-max-files", "Old log files to keep; -1 for none."),
];

const devFlags: readonly Flag[] = [
  bool("dev", "Start a node for development: in memory, unsealed, with a KV engine at secret/."),
  text("dev-cluster-json", "File to write the node's addresses and keys to.", {
    placeholder: "file",
  }),
  text("dev-listen-address", "Address to listen on with -dev.", {
    fallback: "127.0.0.1:8200",
    env: ["VAULT_DEV_LISTEN_ADDRESS"],
    placeholder: "host:port",
  }),
  bool("dev-no-kv", "Mount no KV engine."),
  bool("dev-no-store-token", "Do not keep the root token for the commands that follow."),
  text("dev-plugin-dir", "Directory of plugins, all of which are registered.", {
    placeholder: "directory",
  }),
  bool("dev-plugin-init", "Start registered plugins once.", { fallback: "true" }),
  text("dev-root-token-id", "The root token, in place of a random one.", {
    env: ["VAULT_DEV_ROOT_TOKEN_ID"],
    placeholder: "token",
  }),
  bool("dev-tls", "Speak TLS, with a certificate made at the start."),
  text("dev-tls-cert-dir", "Directory for that certificate.", { placeholder: "directory" }),
  list("dev-tls-san", "Further name in that certificate. May be repeated."),
];

const testFlags: readonly Flag[] = [
  bool("dev-auto-seal", "", { hidden: true }),
  bool("dev-ha", "", { hidden: true }),
  bool("dev-kv-v1", "", { hidden: true }),
  duration("dev-latency", "", { hidden: true }),
  int("dev-latency-jitter", "", { hidden: true }),
  bool("dev-leased-kv", "", { hidden: true }),
  bool("dev-skip-init", "", { hidden: true }),
  bool("dev-three-node", "", { hidden: true }),
  bool("dev-transactional", "", { hidden: true }),
  bool("dev-four-cluster", "", { hidden: true }),
  bool("test", "Check the configuration, tell every mistake with its place, and end."),
  bool("test-server-config", "", { hidden: true }),
  bool("test-verify-only", "", { hidden: true }),
];

export const command: Command = {
  usage: "[options]",
  about: "Starts a node and runs until it is told to stop. It needs a configuration, unless it " +
    "is for development. A node with stored data starts sealed: see `operator unseal`.",
  examples: [
    ["Start with a configuration file", "server -config=/etc/holdfast/holdfast.hcl"],
    ["Start for development, forgetting everything in the end", "server -dev"],
  ],
  flags: [
    configFlag,
    bool("exit-on-core-shutdown", "End the process when the core stops."),
    list("experiment", "Name of an experiment to take part in. May be repeated.", {
      env: ["VAULT_EXPERIMENTS"],
    }),
    bool("recovery", "Start in recovery mode, to repair storage."),
    ...logFlags,
    ...devFlags,
    ...testFlags,
    // Taken and ignored, as by every server of this kind, so that aliases keep working.
    ...httpFlags.map((flag): Flag => ({ ...flag, hidden: true, env: [] })),
  ],
  words: [0, anyWords],
  http: false,
  async run(call) {
    if (call.args.length > 0) throw new UsageError("server takes flags only");
    const options = serverOptions(call.flags, call.io);
    if (options.configPaths.length === 0 && options.dev === undefined) {
      throw new UsageError("give a configuration with -config, or start with -dev");
    }
    return await startServer(options);
  },
};

/** The options behind the flags. */
export function serverOptions(flags: FlagValues, io: Io): ServerOptions {
  const dev = ["dev", "dev-ha", "dev-three-node", "dev-auto-seal", "dev-tls", "dev-kv-v1"];
  return {
    configPaths: flags.list("config"),
    recovery: flags.bool("recovery"),
    exitOnCoreShutdown: flags.bool("exit-on-core-shutdown"),
    experiments: flags.list("experiment").flatMap((item) => item.split(",")),
    log: logOptions(flags),
    dev: dev.some((name) => flags.bool(name)) ? devOptions(flags, io) : undefined,
    verifyOnly: flags.bool("test-verify-only"),
    checkConfigOnly: flags.bool("test") || flags.bool("test-server-config"),
  };
}

function logOptions(flags: FlagValues): LogOptions {
  const [bytes, files] = [flags.int("log-rotate-bytes"), flags.int("log-rotate-max-files")];
  const durationMs = flags.durationMs("log-rotate-duration");
  return {
    ...(flags.given("log-level") ? { level: flags.text("log-level") } : {}),
    ...(flags.given("log-format") ? { format: flags.text("log-format") } : {}),
    ...(flags.given("log-file") ? { file: flags.text("log-file") } : {}),
    ...(bytes === undefined ? {} : { rotateBytes: bytes }),
    ...(durationMs === undefined ? {} : { rotateDurationMs: durationMs }),
    ...(files === undefined ? {} : { rotateMaxFiles: files }),
  };
}

function devOptions(flags: FlagValues, io: Io): DevOptions {
  const storeToken = async (token: string) => (await tokenHelper(io)).store(token);
  return {
    rootTokenId: flags.text("dev-root-token-id") || undefined,
    listenAddress: flags.text("dev-listen-address"),
    ...(flags.bool("dev-no-store-token") ? {} : { storeToken }),
    noKv: flags.bool("dev-no-kv"),
    kvV1: flags.bool("dev-kv-v1"),
    tls: flags.bool("dev-tls"),
    tlsCertDir: flags.text("dev-tls-cert-dir"),
    tlsSans: flags.list("dev-tls-san"),
    clusterJson: flags.text("dev-cluster-json"),
    pluginDir: flags.text("dev-plugin-dir"),
    pluginInit: flags.bool("dev-plugin-init"),
    skipInit: flags.bool("dev-skip-init"),
    ha: flags.bool("dev-ha"),
    leasedKv: flags.bool("dev-leased-kv"),
    autoSeal: flags.bool("dev-auto-seal"),
    threeNode: flags.bool("dev-three-node"),
    latencyMs: flags.durationMs("dev-latency") ?? 0,
    latencyJitterPercent: flags.int("dev-latency-jitter") ?? 0,
  };
}
