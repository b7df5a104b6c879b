/** PostgreSQL. */
import { badRequest } from "../../../base/failure.ts";
import { poolLimits, requirePasswordPlace } from "../details.ts";
import { type Database, type DatabasePlugin, isExclusive, type OpenSettings } from "../plugin.ts";
import { expandStatements, fillIn, sqlTime } from "../statements.ts";
import { parseAddress } from "./address.ts";
import { dropUser, userId } from "./drop.ts";
import { claimUser } from "./claim.ts";
import { Pool } from "./pool.ts";
import { checkTls } from "./tls.ts";

/** Values stand in statements between single quotes, but for names, which have no quotes at all. */
function quote(value: string): string {
  return value.replaceAll("'", "''");
}

async function open(settings: OpenSettings): Promise<Database> {
  const pool = await Pool.open(settings);
  return {
    run: (purpose, statements, values, mayBegin) =>
      pool.transaction(async (session) => {
        if (isExclusive(purpose)) await claimUser(session, values.name ?? "");
        mayBegin?.();
        // Without parameters one call may hold several statements, semicolons in bodies and all.
        for (const one of expandStatements(statements)) {
          await session.query(fillIn(one, values, quote));
        }
      }, [values.password ?? ""]),
    drop: (username) => dropUser(pool, username),
    async has(username) {
      let there = true;
      await pool.transaction(async (session) => {
        there = await userId(session, username) !== undefined;
      });
      return there;
    },
    close: () => pool.close(),
  };
}

export const postgres: DatabasePlugin = {
  name: "postgresql-database-plugin",
  creationStatements: [],
  renewStatements: [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`],
  rotateStatements: [`ALTER ROLE "{{name}}" WITH PASSWORD '{{password}}'`],
  selfManaged: true,
  // 63 bytes are what PostgreSQL keeps of a name.
  usernameTemplate: '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) ' +
    "(.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}",
  formatExpiration: sqlTime,
  check({ details, privateKey }) {
    if (!details.connection_url) throw badRequest("connection_url cannot be empty");
    parseAddress(details.connection_url, "user", "password");
    poolLimits(details);
    checkTls(details, privateKey);
  },
  checkRotation: ({ details }) => requirePasswordPlace(details),
  open,
};
