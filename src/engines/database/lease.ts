/** What becomes of a user when its lease is renewed or ends. */
import { badRequest } from "../../base/failure.ts";
import type { LeaseCall, RevokeCall } from "../../core/backend.ts";
import { TargetUnavailable } from "../../core/target_unavailable.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { effectiveTtl } from "../../token/ttl.ts";
import { readConfig } from "./config.ts";
import { expirationSlackMs } from "./creds.ts";
import { databaseRefusal, type Engine, mountOf } from "./engine.ts";
import { type Database, DatabaseFailure } from "./plugin.ts";
import { readRole } from "./role.ts";
import { useDatabase } from "./use_database.ts";

interface LeasedUser {
  readonly username: string;
  readonly role: string;
  readonly dbName: string;
  /** The role's when the user was made; they hold when the role is gone. */
  readonly revocation: readonly string[];
}

function leasedUser({ username, role, db_name, revocation_statements }: JsonObject): LeasedUser {
  if (typeof username !== "string" || typeof role !== "string" || typeof db_name !== "string") {
    throw new Error("the lease does not tell which user it is for");
  }
  const kept = Array.isArray(revocation_statements) ? revocation_statements : [];
  const revocation = kept.filter((text) => typeof text === "string");
  return { username, role, dbName: db_name, revocation };
}

/** The connection that a lease's end needs. */
export function leaseConnection({ db_name }: JsonObject): string {
  return typeof db_name === "string" ? db_name : "";
}

/**
 * Ends the user. May be called again, and for a user that never came to be. Throws `TargetUnavailable`
 * for a database that does not answer, so that its thousand leases wait as one.
 */
export async function revokeUser(engine: Engine, call: RevokeCall): Promise<void> {
  const user = leasedUser(call.internalData);
  const role = await readRole(call.storage, user.role);
  const config = await readConfig(call.storage, user.dbName);
  const statements = role?.revocation ?? user.revocation;
  const mount = mountOf(call);
  call.beforeAnswer(async () => {
    await engine.creating.get(user.username);
    const lookAgainMs = engine.succession.lookAgainMs(user.username, call.issueTime);
    try {
      await useDatabase(engine, mount, config, (it) => endIn(it, user, statements));
    } catch (error) {
      if (!(error instanceof DatabaseFailure) || !error.unavailable) throw error;
      throw new TargetUnavailable(error.message, { cause: error });
    }
    if (lookAgainMs !== undefined) call.lookAgain(lookAgainMs);
  });
}

async function endIn(
  database: Database,
  user: LeasedUser,
  statements: readonly string[],
): Promise<void> {
  const values = { name: user.username, username: user.username };
  if (statements.length === 0) return await database.drop(user.username);
  try {
    await database.run("revoke", statements, values);
  } catch (error) {
    // One that never came to be, or went by other hands, can't be ended, and need not be.
    if (await database.has(user.username)) throw error;
  }
}

/**
 * Moves the user's end. Done before the lease's is kept: if that fails, the user may live longer by
 * the database's clock, yet is dropped with its lease all the same.
 */
export async function renewUser(engine: Engine, call: LeaseCall): Promise<LogicalResponse> {
  const user = leasedUser(call.internalData);
  const role = await readRole(call.storage, user.role);
  if (role === undefined) throw badRequest("the role of this lease is gone: it can't be renewed");
  const config = await readConfig(call.storage, user.dbName);
  const plugin = engine.connections.plugin(config.pluginName);
  const now = engine.services().tokens.clock.now();
  const { defaultLeaseTtl, maxLeaseTtl } = call.mount;
  const { ttl } = effectiveTtl({
    increment: call.incrementSeconds,
    ttl: role.defaultTtl,
    period: 0,
    maxTtl: role.maxTtl,
    explicitMaxTtl: 0,
    defaultLeaseTtl,
    maxLeaseTtl,
    issueTime: call.issueTime,
    now,
  });
  const secret = {
    ttlSeconds: role.defaultTtl,
    maxTtlSeconds: role.maxTtl,
    renewable: true,
    internalData: call.internalData,
  };
  if (ttl <= 0) return { secret };
  const statements = role.renew.length === 0 ? plugin.renewStatements : role.renew;
  const expiration = plugin.formatExpiration(now + ttl * 1000 + expirationSlackMs);
  if (statements.length === 0) return { secret };
  try {
    const values = { name: user.username, username: user.username, expiration };
    const run = (database: Database) => database.run("renew", statements, values);
    await useDatabase(engine, mountOf(call), config, run, call.storage);
  } catch (error) {
    throw databaseRefusal("the database user could not be renewed", error);
  }
  return { secret };
}
