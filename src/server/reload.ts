/** SIGHUP: takes from the configuration what may change while the server runs. */
import { diffConfig } from "../config/diff.ts";
import type { ConfigSource } from "../config/server.ts";
import type { ServerConfig } from "../config/server_types.ts";
import type { Logger } from "../base/log.ts";
import { loadConfig } from "./load_config.ts";
import type { Logging } from "./logging.ts";
import type { LiveConfig, Server } from "./start.ts";

export interface ReloadReport {
  /** Names of settings that are in force now. */
  readonly applied: readonly string[];
  /** Names of settings that differ from those in force and wait for a restart. */
  readonly needsRestart: readonly string[];
}

export class Reloader {
  readonly #sources: { readonly first: readonly ConfigSource[]; readonly paths: readonly string[] };
  readonly #live: LiveConfig;
  readonly #server: Server;
  readonly #logging: Logging;
  /** What the process was started with; what needs a restart is in force from here. */
  readonly #started: ServerConfig;

  constructor(
    sources: { readonly first: readonly ConfigSource[]; readonly paths: readonly string[] },
    live: LiveConfig,
    server: Server,
    logging: Logging,
  ) {
    this.#sources = sources;
    this.#live = live;
    this.#server = server;
    this.#logging = logging;
    this.#started = live.current;
  }

  /** Undefined where the files are wrong, which the log tells; then nothing has changed. */
  async reload(): Promise<ReloadReport | undefined> {
    const { log } = this.#logging;
    const { config, warnings, errors } = await loadConfig(this.#sources.first, this.#sources.paths);
    if (errors.length > 0) {
      for (const error of errors) log.error(`reload: ${error}`);
      log.error("the configuration was not reloaded, the old one stays in force");
      return undefined;
    }
    for (const warning of warnings) log.warn(`reload: ${warning}`);
    const report = this.#compare(config);
    this.#live.current = config;
    this.#logging.reload(config.settings);
    this.#server.listeners.forEach((listener, at) => {
      const stanza = config.listeners[at];
      // Another address is another listener, which only a restart can open.
      if (stanza !== undefined && this.#isSame(at, config)) listener.configure(stanza, config);
    });
    await Promise.all(this.#server.listeners.map((listener) => listener.refreshTls()));
    await this.#reopenAudit();
    tell(log, report);
    return report;
  }

  #isSame(at: number, config: ServerConfig): boolean {
    const [before, now] = [this.#started.listeners[at], config.listeners[at]];
    return before?.type === now?.type && before?.values.address === now?.values.address;
  }

  #compare(config: ServerConfig): ReloadReport {
    const stays = (name: string) => {
      const at = /^listener\[(\d+)\]/.exec(name)?.[1];
      return at !== undefined && !this.#isSame(Number(at), config);
    };
    const last = diffConfig(this.#live.current, config);
    const all = diffConfig(this.#started, config);
    return {
      applied: last.applied.filter((name) => !stays(name)),
      needsRestart: [...all.needsRestart, ...all.applied.filter(stays)],
    };
  }

  /** Log rotation moves audit files away, too: also those of a standby, which answers reads. */
  async #reopenAudit(): Promise<void> {
    const { node } = this.#server;
    if (node.sealed) return;
    if (node.standby) return await node.reads?.services?.audit.broker.reopen();
    const { audit, transactions } = node.services;
    await audit.applyDeclared(transactions);
    await audit.broker.reopen();
  }
}

function tell(log: Logger, { applied, needsRestart }: ReloadReport): void {
  log.info("the configuration was reloaded", { applied: applied.join(", ") || "nothing new" });
  if (needsRestart.length === 0) return;
  log.warn("some changes wait for a restart", { settings: needsRestart.join(", ") });
}
