/** `operator diagnose` and `operator validate-config`: looks without starting a node. */
import type { DiagnoseOptions } from "../cli/server_options.ts";
import { silentLogger } from "../base/log.ts";
import { version } from "../base/version.ts";
import { announcedAddresses } from "./addresses.ts";
import { createPlatform } from "./assemble.ts";
import {
  type Check,
  Examination,
  fail,
  type Finding,
  ok,
  skipped,
  warn,
} from "./diagnose/check.ts";
import { checkMachine } from "./diagnose/machine.ts";
import { asJson, asText, asYaml } from "./diagnose/print.ts";
import { type CheckedConfig, loadConfig } from "./load_config.ts";

/** Resolves with the exit code: 0 all is well, 1 for failures, 2 for warnings. */
export async function runDiagnose(options: DiagnoseOptions): Promise<number> {
  const platform = createPlatform(silentLogger);
  const now = platform.clock.now();
  const all = new Examination(options.skip, () => platform.clock.now());
  const loaded = await loadConfig([], options.configPaths);
  const configCheck = () => all.one("Parse Configuration", () => configuration(loaded));
  const result = options.configOnly
    ? await all.one("Validate Config", () => configuration(loaded))
    : await all.group("Holdfast Diagnose", async () => {
      const { config, errors } = loaded;
      const raft = config.storage?.type === "raft" ? config.storage.values.path : undefined;
      const checks = [await checkMachine(all, raft ?? ".", now), await configCheck()];
      if (errors.length > 0) return checks;
      const { checkStorage } = await import("./diagnose/storage.ts");
      const { checkListeners } = await import("./diagnose/listeners.ts");
      checks.push(await all.one("Check Crypto", () => ok(platform.crypto.name)));
      checks.push(await checkStorage(all, config.storage, platform, options.unsealKeys));
      checks.push(await all.one("Check Seal", () => seal(loaded)));
      checks.push(await all.one("Determine Redirect Address", () => addresses(loaded)));
      checks.push(await checkListeners(all, config.listeners, now));
      return checks;
    });
  print(result, options);
  return { ok: 0, skipped: 0, fail: 1, warn: 2 }[result.status];
}

function configuration({ warnings, errors }: CheckedConfig): Finding {
  if (errors.length > 0) {
    const [first = "", ...more] = errors;
    return { ...fail(first), ...(more.length === 0 ? {} : { warnings: [...more, ...warnings] }) };
  }
  return warnings.length === 0 ? ok() : { status: "warn", warnings };
}

function seal({ config }: CheckedConfig): Finding {
  const used = config.seals.filter(({ values }) => !values.disabled);
  const types = used.map(({ type }) => type);
  if (types.every((type) => type === "shamir")) return ok("shamir");
  return fail(`seal "${types.join('", "')}" is not in this build`);
}

function addresses({ config }: CheckedConfig): Finding {
  const { api, cluster, guessed } = announcedAddresses(config);
  if (api === "") return warn("api_addr is not set and can't be guessed", "set api_addr");
  if (guessed) return warn(`api_addr is not set, ${api} is assumed`, "set api_addr");
  return cluster === "" ? skipped("no clustering") : ok(`${api}, ${cluster}`);
}

function print(result: Check, { format, write, configOnly }: DiagnoseOptions): void {
  if (format === "json") return write(asJson(result));
  if (format === "yaml" || format === "yml") return write(asYaml(result));
  const colour = Deno.stdout.isTerminal() && Deno.env.get("NO_COLOR") === undefined;
  write(`Holdfast v${version}\n${configOnly ? "" : "\nResults:\n"}${asText(result, colour)}`);
}
