/** `operator migrate`: reads its file, opens both sides, and runs. */
import type { MigrateOptions } from "../cli/server_options.ts";
import { silentLogger } from "../base/log.ts";
import { describeError } from "../base/failure.ts";
import { ConfigFileError, readConfigFiles } from "../config/files.ts";
import { type MigrateConfig, readMigrateConfig } from "../config/migrate.ts";
import type { StorageConfig } from "../config/server_types.ts";
import { StorageError } from "../storage/storage.ts";
import { createPlatform } from "./assemble.ts";
import { migrate, MigrateError, reset } from "./migrate/migrate.ts";
import { type MoveStore, openStore, type Side } from "./migrate/store.ts";
import { StorageConfigError } from "./open_storage.ts";

/** Resolves with the exit code. */
export async function runMigrate(options: MigrateOptions): Promise<number> {
  try {
    const { source, destination, clusterAddress } = await load(options);
    if (options.reset) return await runReset(options, source);
    await runBetween(options, source, destination, clusterAddress);
    return 0;
  } catch (error) {
    if (!isTold(error)) throw error;
    options.fail(`Error migrating: ${describeError(error)}`);
    return 1;
  }
}

/** What the operator can do something about, the machine's own complaints among it. */
function isTold(error: unknown): boolean {
  return error instanceof MigrateError || error instanceof StorageError ||
    error instanceof StorageConfigError || error instanceof ConfigFileError ||
    /os error \d+/.test(describeError(error));
}

async function load(options: MigrateOptions) {
  const [file, ...more] = await readConfigFiles([options.configPath]);
  if (file === undefined || more.length > 0) {
    throw new MigrateError(`-config must name one file, and ${options.configPath} is none`);
  }
  const config: MigrateConfig = readMigrateConfig(file, Deno.env.toObject());
  for (const warning of config.warnings) options.say("info", warning);
  const { source, destination, errors, clusterAddress } = config;
  if (errors.length > 0 || source === undefined || destination === undefined) {
    throw new MigrateError(errors.join("\n"));
  }
  return { source, destination, clusterAddress: hostAndPort(clusterAddress) };
}

/** Of a URL, what members of a group know each other by. */
function hostAndPort(address: string): string {
  return address === "" ? "" : URL.parse(address)?.host ?? address;
}

async function runReset(options: MigrateOptions, config: StorageConfig): Promise<number> {
  const store = await openStore(
    config,
    side("storage_source", options),
    createPlatform(silentLogger),
  );
  try {
    const text = await reset(store) ? "The lock was removed" : "There was no lock";
    options.say("info", `${text}: ${store.label} can be used.`);
    return 0;
  } finally {
    await store.close();
  }
}

function side(name: Side["name"], { maxParallel }: MigrateOptions, clusterAddress = ""): Side {
  return { name, clusterAddress, parallel: Math.max(1, maxParallel) };
}

async function runBetween(
  options: MigrateOptions,
  from: StorageConfig,
  to: StorageConfig,
  clusterAddress: string,
): Promise<void> {
  const platform = createPlatform(silentLogger);
  const source = await openStore(from, side("storage_source", options), platform);
  let destination: MoveStore | undefined;
  try {
    const other = side("storage_destination", options, clusterAddress);
    destination = await openStore(to, other, platform);
    const { start, say } = options;
    const { clock, random } = platform;
    const count = await migrate({ source, destination, start, clock, random, say });
    say("info", `Success! ${count} entries are in ${destination.label}, each compared.`);
  } finally {
    await destination?.close();
    await source.close();
  }
}
