/** Valkey and Redis, whose users are made of access rules (https://valkey.io/topics/acl/). */
import { badRequest, Failure } from "../../../base/failure.ts";
import { checkSwitches, poolLimits, wholeNumber } from "../details.ts";
import {
  type Database,
  DatabaseFailure,
  type DatabasePlugin,
  type OpenSettings,
  type Purpose,
  type StatementValues,
} from "../plugin.ts";
import { checkCertificate } from "../pem.ts";
import { expandStatements } from "../statements.ts";
import { Client } from "./client.ts";

/** How the server keeps its users over a restart, if it does. */
const persistence: Readonly<Record<string, readonly [string, string] | undefined>> = {
  "": undefined,
  NONE: undefined,
  ACLFILE: ["ACL", "SAVE"],
  REWRITE: ["CONFIG", "REWRITE"],
};

/** Only a database that answers is one; what it has of the user, it has whole. */
class Users implements Database {
  constructor(readonly client: Client) {}

  async run(
    purpose: Purpose,
    statements: readonly string[],
    values: StatementValues,
    mayBegin: () => void = () => {},
  ): Promise<void> {
    const { name = "", password = "" } = values;
    if (purpose === "create") {
      await this.#create(name, password, rules(statements), mayBegin);
    } else if (purpose === "rotate") await this.#setPassword(name, password);
    else if (purpose === "revoke") await this.drop(name);
  }

  /** A name that is taken would otherwise be given new rules, and be dropped with the lease. */
  async #create(
    name: string,
    password: string,
    rules: readonly string[],
    mayBegin: () => void,
  ): Promise<void> {
    if (await this.has(name)) throw new DatabaseFailure("there is a user of that name", true);
    mayBegin();
    const command = ["ACL", "SETUSER", name, "on", `>${password}`, ...rules] as const;
    await this.client.call(command, [password]);
    await this.#persist();
  }

  async #setPassword(name: string, password: string): Promise<void> {
    if (!await this.has(name)) throw new DatabaseFailure("there is no user of that name", true);
    await this.client.call(["ACL", "SETUSER", name, "resetpass", `>${password}`], [password]);
    await this.#persist();
  }

  /** The server ends the user's sessions with it. */
  async drop(username: string): Promise<void> {
    await this.client.call(["ACL", "DELUSER", username]);
    await this.#persist();
  }

  async has(username: string): Promise<boolean> {
    return await this.client.call(["ACL", "GETUSER", username]) !== null;
  }

  /** What is in force and not kept may come back with a restart: it is done again, or undone. */
  async #persist(): Promise<void> {
    const mode = this.client.settings.details.persistence_mode ?? "";
    const command = persistence[mode.toUpperCase()];
    if (command === undefined) return;
    try {
      await this.client.call(command);
    } catch (error) {
      if (!(error instanceof DatabaseFailure)) throw error;
      throw new DatabaseFailure(
        `users could not be kept: ${error.message}`,
        false,
        error.unavailable,
      );
    }
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}

/** The rules of a role: a JSON list in one text, or each rule for itself. */
function rules(statements: readonly string[]): string[] {
  try {
    return expandStatements(statements);
  } catch (error) {
    if (error instanceof Failure) throw new DatabaseFailure(error.message, true);
    throw error;
  }
}

function check({ details, username, passwords }: OpenSettings): void {
  const required = { host: details.host, port: details.port, username, password: passwords[0] };
  for (const [name, value] of Object.entries(required)) {
    if (!value) throw badRequest(`${name} cannot be empty`);
  }
  const port = wholeNumber(details, "port", 0);
  if (port < 1 || port > 65535) throw badRequest("port must be between 1 and 65535");
  checkSwitches(details, ["tls", "insecure_tls"]);
  poolLimits(details);
  const mode = details.persistence_mode ?? "";
  if (!Object.hasOwn(persistence, mode.toUpperCase())) {
    throw badRequest("persistence_mode can be ACLFILE, REWRITE or NONE");
  }
  if (details.ca_cert) checkCertificate("ca_cert", details.ca_cert);
}

function plugin(name: string): DatabasePlugin {
  return {
    name,
    creationStatements: ['["~*", "+@read"]'],
    // A user has no end of its own.
    renewStatements: [],
    rotateStatements: [],
    usernameTemplate: '{{ printf "V_%s_%s_%s_%s" (.DisplayName | replace " " "" | truncate 64) ' +
      "(.RoleName | truncate 64) (random 20) (unix_time) | uppercase | truncate 256 }}",
    formatExpiration: (time) => new Date(time).toISOString(),
    check,
    checkRotation: () => {},
    open: async (settings) => new Users(await Client.open(settings)),
  };
}

export const redisPlugins: readonly DatabasePlugin[] = [
  plugin("redis-database-plugin"),
  plugin("valkey-database-plugin"),
];
