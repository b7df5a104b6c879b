/** `holdfast server`: reads the configuration, opens the node, serves until it is told to stop. */
import { describeError } from "../base/failure.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { createPlatform } from "./assemble.ts";
import { banner, startedLine, stoppingLine } from "./banner.ts";
import { bringUpDev } from "./dev.ts";
import { devConfig } from "./dev_config.ts";
import { loadConfig } from "./load_config.ts";
import { createLogger, isLogLevel, type LogSink } from "./logger.ts";
import { startServer } from "./start.ts";

/** Runs a server; resolves with the exit code once it has stopped. */
export async function runServer(options: ServerOptions): Promise<number> {
  const { dev } = options;
  const first = dev === undefined ? [] : [devConfig(dev, undefined)];
  const { config, warnings, errors } = await loadConfig(first, options.configPaths);
  if (errors.length > 0) {
    for (const error of errors) console.error(error);
    return 1;
  }
  const level = options.log.level ?? config.settings.log_level;
  const sink: LogSink = {
    level: isLogLevel(level) ? level : "info",
    json: (options.log.format ?? config.settings.log_format) === "json",
    write: (line) => console.error(line),
  };
  const log = createLogger(sink);
  for (const warning of warnings) log.warn(warning);
  const platform = createPlatform(log);
  const stop = Promise.withResolvers<number>();
  const server = await startServer({ current: config }, platform, (error) => {
    log.error("the storage has failed", { error: describeError(error) });
    stop.resolve(1);
  });
  console.log(
    banner({
      config,
      addresses: server.addresses,
      storageType: server.storage.type,
      haEnabled: server.storage.haEnabled,
      recovery: false,
      crypto: platform.crypto.name,
      logLevel: sink.level,
    }) + startedLine,
  );
  if (dev !== undefined) {
    const keys = await bringUpDev(server.node, dev);
    console.log(`Unseal Key: ${keys.unsealKey}\nRoot Token: ${keys.rootToken}\n`);
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.resolve(0));
  }
  const code = await stop.promise;
  console.log(stoppingLine);
  await server.stop();
  return code;
}
