/** One run of the server: what it was asked for and what it was given. */
import type { ServerOptions } from "../cli/server_options.ts";
import type { ConfigSource } from "../config/server.ts";
import type { Platform } from "../core/backend.ts";
import type { DevCertificate } from "./dev_tls.ts";
import type { Logging } from "./logging.ts";
import type { LiveConfig } from "./start.ts";

/** All that a run has. */
export interface Run {
  readonly options: ServerOptions;
  /** What is read before the files of -config. */
  readonly first: readonly ConfigSource[];
  readonly tls: DevCertificate | undefined;
  readonly live: LiveConfig;
  readonly logging: Logging;
  readonly platform: Platform;
}
