/**
 * What `server` and `operator diagnose` hand to the server's room. Types only: the command line
 * loads nothing of the server before one of these commands runs.
 */

/** `src/server/main.ts` exports `runServer(options: ServerOptions): Promise<number>`. */
export interface ServerOptions {
  /** Files and directories of -config, in their order. Empty with -dev. */
  readonly configPaths: readonly string[];
  /** Start in recovery mode: storage can be read and repaired, nothing else. */
  readonly recovery: boolean;
  /** End the process when the core stops. */
  readonly exitOnCoreShutdown: boolean;
  readonly experiments: readonly string[];
  /** Only what was given; the configuration file supplies the rest. */
  readonly log: LogOptions;
  /** Present with -dev. */
  readonly dev: DevOptions | undefined;
  /** Check configuration and storage and end without serving (-test-verify-only). */
  readonly verifyOnly: boolean;
  /** Check the configuration and end (-test-server-config). */
  readonly checkConfigOnly: boolean;
}

export interface LogOptions {
  readonly level?: string;
  readonly format?: string;
  readonly file?: string;
  readonly rotateBytes?: number;
  readonly rotateDurationMs?: number;
  readonly rotateMaxFiles?: number;
}

export interface DevOptions {
  /** Undefined: a random one. */
  readonly rootTokenId: string | undefined;
  readonly listenAddress: string;
  /** Keeps the root token for the client's commands; absent with -dev-no-store-token. */
  readonly storeToken?: (token: string) => Promise<void>;
  /** Mount no KV engine at secret/. */
  readonly noKv: boolean;
  /** Mount version 1 of the KV engine at secret/. */
  readonly kvV1: boolean;
  readonly tls: boolean;
  /** "" for a temporary directory. */
  readonly tlsCertDir: string;
  readonly tlsSans: readonly string[];
  /** File to write the cluster's addresses and keys to; "" for none. */
  readonly clusterJson: string;
  readonly pluginDir: string;
  readonly pluginInit: boolean;
  readonly skipInit: boolean;
  readonly ha: boolean;
  readonly leasedKv: boolean;
  readonly autoSeal: boolean;
  readonly threeNode: boolean;
  readonly latencyMs: number;
  readonly latencyJitterPercent: number;
}

/** `src/server/diagnose.ts` exports `runDiagnose(options: DiagnoseOptions): Promise<number>`. */
export interface DiagnoseOptions {
  readonly configPaths: readonly string[];
  /** `table`, `json` or `yaml`. */
  readonly format: string;
  /** Names of checks to leave out. */
  readonly skip: readonly string[];
  readonly debug: boolean;
  /** Read the configuration only, touch nothing else (`operator validate-config`). */
  readonly configOnly: boolean;
  /** Asked for the unseal keys, with how many it takes; absent where only what needs none is looked at. */
  readonly unsealKeys?: (threshold: number) => Promise<readonly string[]>;
  readonly write: (text: string) => void;
}

/** `src/server/migrate.ts` exports `runMigrate(options: MigrateOptions): Promise<number>`. */
export interface MigrateOptions {
  /** The file with both stanzas. */
  readonly configPath: string;
  /** Only keys at or after it; "" for all. */
  readonly start: string;
  /** Remove the lock of the source and copy nothing. */
  readonly reset: boolean;
  readonly maxParallel: number;
  readonly say: (level: "debug" | "info", text: string) => void;
  /** Told why it failed. */
  readonly fail: (text: string) => void;
}
