/** `holdfast server`: reads the configuration, opens the node, serves until it is told to stop. */
import { describeError } from "../base/failure.ts";
import { systemClock, systemRandom } from "../base/clock.ts";
import type { DevOptions, ServerOptions } from "../cli/server_options.ts";
import { createPlatform } from "./assemble.ts";
import { banner, startedLine } from "./banner.ts";
import { bringUpDev, type DevKeys, devNotice, writeClusterJson } from "./dev.ts";
import { devConfig } from "./dev_config.ts";
import type { DevCertificate } from "./dev_tls.ts";
import { loadConfig } from "./load_config.ts";
import { type Logging, openLogging } from "./logging.ts";
import { writePidFile } from "./pid_file.ts";
import type { Run } from "./run.ts";
import { serveUntilStopped } from "./serve.ts";
import { type Server, startServer } from "./start.ts";
import { ignoredFlags, unsupportedFlags, unsupportedSettings } from "./unsupported.ts";

/** Runs a server; resolves with the exit code once it has stopped. */
export async function runServer(options: ServerOptions): Promise<number> {
  const { dev } = options;
  const tls = dev?.tls === true ? await devCertificate(dev) : undefined;
  const first = dev === undefined ? [] : [devConfig(dev, tls)];
  const { config, warnings, errors } = await loadConfig(first, options.configPaths);
  const notHere = unsupportedSettings(config);
  const refusals = [...errors, ...unsupportedFlags(options), ...notHere.errors];
  if (refusals.length > 0) {
    for (const line of refusals) console.error(`Error: ${line}`);
    return 1;
  }
  if (options.checkConfigOnly) {
    for (const warning of [...warnings, ...notHere.warnings]) console.error(`Warning: ${warning}`);
    console.log("The configuration is good.");
    return 0;
  }
  let logging: Logging;
  try {
    logging = openLogging(options.log, config.settings);
  } catch (error) {
    console.error(`Error: the log file can't be opened: ${describeError(error)}`);
    return 1;
  }
  for (const warning of [...warnings, ...notHere.warnings, ...ignoredFlags(options)]) {
    logging.log.warn(warning);
  }
  try {
    const platform = createPlatform(logging.log);
    return await run({ options, first, tls, live: { current: config }, logging, platform });
  } catch (error) {
    console.error(`Error: ${describeError(error)}`);
    logging.log.debug("the server could not start", {
      stack: error instanceof Error ? error.stack : undefined,
    });
    return 1;
  } finally {
    logging.close();
  }
}

async function run(all: Run): Promise<number> {
  const { options, live, platform, tls } = all;
  const { dev } = options;
  const failed = Promise.withResolvers<Error>();
  let keys: DevKeys | undefined;
  const server = await startServer(live, platform, failed.resolve, async (node) => {
    if (dev !== undefined && !dev.skipInit) keys = await bringUpDev(node, dev);
  }, { logs: all.logging.control, recovery: options.recovery });
  const removePid = await writePidFile(live.current.settings.pid_file);
  try {
    console.log(startText(all, server));
    if (dev !== undefined && keys !== undefined) {
      await writeClusterJson(dev.clusterJson, keys, server.addresses, tls);
      console.log(devNotice(dev, keys, server.addresses.api, tls));
    }
    if (options.verifyOnly) {
      await server.stop();
      return 0;
    }
    return await serveUntilStopped(all, server, failed.promise);
  } finally {
    await removePid();
  }
}

function startText({ live, platform, logging, options }: Run, server: Server): string {
  const { addresses, storage } = server;
  if (addresses.guessed && options.dev === undefined) {
    const message = "api_addr is not set; it should be, for other nodes and for redirects";
    platform.log.warn(message, { api_addr: addresses.api });
  }
  if (options.recovery) {
    platform.log.warn("recovery mode: only sys/raw answers, to the token that key holders make");
  }
  if (storage.type === "inmem" && options.dev === undefined) {
    platform.log.warn('storage "inmem" forgets everything when the process ends');
  }
  return banner({
    config: live.current,
    addresses,
    storageType: storage.type,
    haEnabled: storage.haEnabled,
    recovery: options.recovery,
    crypto: platform.crypto.name,
    logLevel: logging.level,
  }) + startedLine;
}

/** Loaded only where it is asked for: the library takes longer to load than the server to start. */
async function devCertificate(dev: DevOptions): Promise<DevCertificate> {
  const { makeDevCertificate } = await import("./dev_tls.ts");
  return await makeDevCertificate(dev.tlsCertDir, dev.tlsSans, systemClock, systemRandom);
}
