/** A connection to Valkey or Redis, over the driver `ioredis`, which is loaded when needed. */
import { describeError } from "../../../base/failure.ts";
import { isTrue, poolLimits } from "../details.ts";
import { withFirstPassword } from "../first_password.ts";
import { DatabaseFailure, type OpenSettings } from "../plugin.ts";
import { scrub } from "../statements.ts";
import type { Redis, RedisOptions } from "./ioredis.d.ts";

const connectTimeoutMs = 10_000;
const commandTimeoutMs = 60_000;

async function loadDriver(): Promise<typeof Redis> {
  // Bundled, a CommonJS module has no names but the default's.
  const { default: driver } = await import("ioredis");
  return driver.Redis;
}

/** An error that the server itself has sent: it has not carried out that command. */
function isAnswered(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

function isWrongPassword(error: unknown): boolean {
  return isAnswered(error) && describeError(error).startsWith("WRONGPASS");
}

function tlsOptions(details: OpenSettings["details"]): RedisOptions["tls"] {
  if (!isTrue(details.tls)) return undefined;
  return {
    rejectUnauthorized: !isTrue(details.insecure_tls),
    ...(details.ca_cert ? { ca: details.ca_cert } : {}),
  };
}

function options({ details, username }: OpenSettings, password: string): RedisOptions {
  const tls = tlsOptions(details);
  return {
    host: details.host ?? "",
    port: Number(details.port),
    username,
    password,
    ...(tls === undefined ? {} : { tls }),
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    // The engine itself knows when to try again; the driver must not.
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    disableClientInfo: true,
  };
}

/** The driver says why it could not connect in an event of its own. */
async function connect(driver: typeof Redis, options: RedisOptions): Promise<Redis> {
  const redis = new driver(options);
  let reason: unknown;
  redis.on("error", (error) => reason ??= error);
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw reason ?? error;
  }
}

export class Client {
  #redis: Promise<Redis> | undefined;
  #began = 0;

  private constructor(readonly settings: OpenSettings) {}

  /** Connects with the first password that is right. Throws `DatabaseFailure`. */
  static async open(settings: OpenSettings): Promise<Client> {
    const client = new Client(settings);
    await client.#connected();
    return client;
  }

  /** The connection that is open; another one where it has broken. */
  async #connected(): Promise<Redis> {
    const present = await this.#redis;
    const isOld = performance.now() - this.#began >= poolLimits(this.settings.details).lifetimeMs;
    if (present?.status === "ready" && !isOld) return present;
    // What it has been asked is answered first; then it closes.
    present?.quit().catch(() => {});
    this.#began = performance.now();
    const opening = this.#open();
    this.#redis = opening;
    try {
      return await opening;
    } catch (error) {
      if (this.#redis === opening) this.#redis = undefined;
      throw error;
    }
  }

  async #open(): Promise<Redis> {
    const driver = await loadDriver();
    return await withFirstPassword(
      this.settings,
      isWrongPassword,
      (password) => connect(driver, options(this.settings, password)),
    );
  }

  /** Throws `DatabaseFailure`; `secrets` stay out of its message. */
  async call(command: readonly [string, ...string[]], secrets: readonly string[] = []) {
    const redis = await this.#connected();
    const [name, ...args] = command;
    try {
      return await redis.call(name, ...args);
    } catch (error) {
      const hidden = [...this.settings.passwords, ...secrets];
      const answered = isAnswered(error);
      throw new DatabaseFailure(scrub(describeError(error), hidden), answered, !answered);
    }
  }

  async close(): Promise<void> {
    const redis = await this.#redis;
    this.#redis = undefined;
    redis?.disconnect();
  }
}
