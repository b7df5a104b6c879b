/** MySQL and MariaDB. */
import { badRequest } from "../../../base/failure.ts";
import { checkSwitches, poolLimits, requirePasswordPlace } from "../details.ts";
import { type Database, type DatabasePlugin, isExclusive, type OpenSettings } from "../plugin.ts";
import { expandStatements, fillIn, sqlTime } from "../statements.ts";
import { claimUser, releaseUser } from "./claim.ts";
import { dropUser, hostsOf, quote } from "./drop.ts";
import { parseDsn } from "./dsn.ts";
import { Pool } from "./pool.ts";
import { checkTls } from "./tls.ts";

async function open(settings: OpenSettings): Promise<Database> {
  const pool = await Pool.open(settings);
  return {
    run: (purpose, statements, values, mayBegin) =>
      pool.transaction(async (session) => {
        const { name = "" } = values;
        if (isExclusive(purpose)) await claimUser(session, name);
        mayBegin?.();
        // One text may hold several statements; the server parts them, quotes and all.
        for (const one of expandStatements(statements)) {
          await session.run(fillIn(one, values, quote));
        }
        if (isExclusive(purpose)) await releaseUser(session, name);
      }, [values.password ?? ""]),
    drop: (username) =>
      pool.transaction(async (session) => {
        await claimUser(session, username);
        await dropUser(session, username);
        await releaseUser(session, username);
      }),
    async has(username) {
      let there = true;
      await pool.transaction(async (session) => {
        there = (await hostsOf(session, username))?.length !== 0;
      });
      return there;
    },
    close: () => pool.close(),
  };
}

function plugin(name: string, usernameTemplate: string): DatabasePlugin {
  return {
    name,
    creationStatements: [],
    // A MySQL user has no end of its own.
    renewStatements: [],
    rotateStatements: ["ALTER USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'"],
    usernameTemplate,
    formatExpiration: sqlTime,
    check({ details, privateKey }) {
      if (!details.connection_url) throw badRequest("connection_url cannot be empty");
      parseDsn(details.connection_url, "user", "password");
      checkSwitches(details, ["tls_skip_verify"]);
      poolLimits(details);
      checkTls(details, privateKey);
    },
    checkRotation: ({ details }) => requirePasswordPlace(details),
    open,
  };
}

/** 32 signs are what MySQL takes as a user's name. */
const usual = '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) ' +
  "(.RoleName | truncate 10) (random 20) (unix_time) | truncate 32 }}";
/** 16 were what it took before 5.7.8, and the clouds' editions after that. */
const short = '{{ printf "v-%s-%s-%s" (.RoleName | truncate 4) ' +
  "(random 20) (unix_time) | truncate 16 }}";

export const mysqlPlugins: readonly DatabasePlugin[] = [
  plugin("mysql-database-plugin", usual),
  plugin("mysql-aurora-database-plugin", short),
  plugin("mysql-rds-database-plugin", short),
  plugin("mysql-legacy-database-plugin", short),
];
