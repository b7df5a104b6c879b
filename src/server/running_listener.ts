/** A listener in service, with what a reload can change about it. */
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { ListenerConfig, ServerConfig } from "../config/server_types.ts";
import type { Door } from "./door.ts";
import type { HttpListener } from "./listener.ts";
import { tlsPaths } from "./open_listener.ts";
import { readTlsPair, tlsFilesVersion } from "./tls_files.ts";

export class RunningListener {
  readonly #listener: HttpListener;
  readonly #door: Door;
  readonly #log: Logger;
  #config: ListenerConfig;
  /** Of the files whose certificate is in use, or was found to be unusable. */
  #version: string;
  /** Exchanges of certificates run one after another. */
  #exchange: Promise<void> = Promise.resolve();

  constructor(
    listener: HttpListener,
    door: Door,
    config: ListenerConfig,
    tlsVersion: string,
    log: Logger,
  ) {
    this.#version = tlsVersion;
    this.#listener = listener;
    this.#door = door;
    this.#config = config;
    this.#log = log;
  }

  get address(): string {
    return this.#listener.address;
  }

  get inFlight(): number {
    return this.#door.inFlight;
  }

  /** Takes a stanza that has changed. Its certificate follows by `refreshTls`. */
  configure(listener: ListenerConfig, config: ServerConfig): void {
    this.#config = listener;
    this.#door.configure(listener, config);
  }

  /** Uses the certificate files as they are now, if they have changed. Never throws. */
  refreshTls(): Promise<void> {
    this.#exchange = this.#exchange.then(() => this.#refresh()).catch((error) => {
      this.#log.error("the certificate was not exchanged, the old one stays", {
        address: this.address,
        error: describeError(error),
      });
    });
    return this.#exchange;
  }

  stop(graceMs: number): Promise<void> {
    return this.#listener.stop(graceMs);
  }

  async #refresh(): Promise<void> {
    const paths = tlsPaths(this.#config.values);
    if (paths === undefined) return;
    const version = await tlsFilesVersion(paths);
    if (version === this.#version) return;
    // Not tried again before the files change once more, so that the log does not fill.
    this.#version = version;
    await this.#listener.replaceTls(await readTlsPair(paths));
    this.#log.info("the listener uses another certificate", { address: this.address });
  }
}
