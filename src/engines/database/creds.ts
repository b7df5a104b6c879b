/** `creds/`: a user with a lease of its own. */
import { badRequest, Failure } from "../../base/failure.ts";
import { isOver, type LeaseEntry } from "../../lease/entry.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { effectiveTtl } from "../../token/ttl.ts";
import { checkAllowed, type ConnectionConfig, readConfig, requireAccount } from "./config.ts";
import { databaseRefusal, type Engine, mountOf, type MountRef, nameSource } from "./engine.ts";
import { makePassword } from "./password.ts";
import { DatabaseFailure, type StatementValues } from "./plugin.ts";
import { readRole, type Role } from "./role.ts";
import { useDatabase } from "./use_database.ts";
import { makeUsername } from "./username.ts";

/** The database ends a user this much later than its lease, which must never outlive it. */
export const expirationSlackMs = 5000;

interface NewUser {
  readonly mount: MountRef;
  readonly config: ConnectionConfig;
  readonly role: Role;
  readonly creation: readonly string[];
  readonly values: StatementValues;
  readonly username: string;
  /** Filled in by the core: its lease comes with the commit. */
  readonly response: LogicalResponse;
}

/**
 * The lease is kept first and the user made after that: whatever breaks in between leaves a lease
 * whose end drops a user that may not be there, never a user without a lease.
 */
async function issue(engine: Engine, call: Call, name: string): Promise<LogicalResponse> {
  const role = await readRole(call.storage, name);
  if (role === undefined) throw badRequest(`unknown role: ${name}`);
  const config = await readConfig(call.storage, role.dbName);
  checkAllowed(config, name);
  requireAccount(config);
  const plugin = engine.connections.plugin(config.pluginName);
  const creation = role.creation.length === 0 ? plugin.creationStatements : role.creation;
  if (creation.length === 0) throw new Failure(500, "the role has no creation statements");
  const source = nameSource(engine);
  const username = makeUsername(
    config.details.username_template || plugin.usernameTemplate,
    source,
    { DisplayName: call.token?.displayName ?? "", RoleName: name },
  );
  const password = await makePassword(call.transaction, config.passwordPolicy, source.random);
  const now = source.clock.now();
  const { defaultLeaseTtl, maxLeaseTtl } = call.mount;
  const { ttl } = effectiveTtl({
    increment: 0,
    ttl: role.defaultTtl,
    period: 0,
    maxTtl: role.maxTtl,
    explicitMaxTtl: 0,
    defaultLeaseTtl,
    maxLeaseTtl,
    issueTime: now,
    now,
  });
  const expiration = plugin.formatExpiration(now + ttl * 1000 + expirationSlackMs);
  const response: LogicalResponse = {
    data: { username, password },
    secret: {
      ttlSeconds: role.defaultTtl,
      maxTtlSeconds: role.maxTtl,
      renewable: true,
      internalData: {
        username,
        role: name,
        db_name: role.dbName,
        revocation_statements: [...role.revocation],
      },
    },
  };
  const values = { name: username, username, password, expiration };
  const user = { mount: mountOf(call), config, role, creation, values, username, response };
  call.transaction.beforeAnswer(() => make(engine, user));
  return response;
}

/** Makes the user that a lease has been kept for. Throws a 500, the lease taken away again. */
async function make(engine: Engine, user: NewUser): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  engine.creating.set(user.username, promise);
  const ended = () => {
    engine.creating.delete(user.username);
    resolve();
  };
  const mayBegin = engine.succession.makes(user.username);
  let lease: LeaseEntry;
  try {
    lease = await requireLease(engine, user);
    const { mount, config, creation, values } = user;
    await useDatabase(
      engine,
      mount,
      config,
      (it) => it.run("create", creation, values, mayBegin),
    );
  } catch (error) {
    await undo(engine, user, error, ended);
    throw databaseRefusal("the database user could not be made", error);
  } finally {
    ended();
  }
  await confirm(engine, user, lease);
}

/** Its token may have been revoked meanwhile, and the lease with it. */
async function requireLease({ services }: Engine, { response }: NewUser): Promise<LeaseEntry> {
  const { transactions, leases, tokens, confirmActive } = services();
  // Another node may be active by now, and have ended it.
  await confirmActive()?.catch((cause) => {
    throw new Failure(500, "this node is not active any more", { cause });
  });
  const id = response.lease?.id ?? "";
  const lease = await transactions.run((transaction) => leases.get(transaction, id));
  if (lease === undefined || isOver(lease, tokens.clock.now())) {
    throw new Failure(500, "the lease ended before the user was made");
  }
  return lease;
}

/** A revocation that did not see the user come must not leave it behind. */
async function confirm(engine: Engine, user: NewUser, lease: LeaseEntry): Promise<void> {
  try {
    await requireLease(engine, user);
  } catch (error) {
    // Nobody is answered with the user. Where its lease is there still, that ends without one.
    try {
      await useDatabase(engine, user.mount, user.config, (it) => it.drop(user.username));
    } catch (failure) {
      if (!(failure instanceof DatabaseFailure)) throw failure;
      await dropLater(engine, lease);
    }
    throw error;
  }
}

/** The user is there, and the database does not let go of it now. */
async function dropLater({ services }: Engine, lease: LeaseEntry): Promise<void> {
  const { transactions, leases, expiration } = services();
  await transactions.run(async (transaction) => {
    const found = await leases.get(transaction, lease.id);
    if (found === undefined) expiration.secrets.endAnew(transaction, lease);
  });
}

/** Takes the lease away; where the user may be there after all, by way of its revocation. */
async function undo(
  engine: Engine,
  user: NewUser,
  error: unknown,
  ended: () => void,
): Promise<void> {
  const { transactions, leases, expiration } = engine.services();
  const id = user.response.lease?.id ?? "";
  const unchanged = error instanceof DatabaseFailure && error.unchanged;
  if (unchanged) await rollBack(engine, user);
  const lease = await transactions.run(async (transaction) => {
    const found = await leases.get(transaction, id);
    if (found !== undefined && unchanged) leases.remove(transaction, found);
    return found;
  });
  if (lease === undefined || unchanged) return;
  // Somebody may be about to end it, and wait for that.
  ended();
  await expiration.secrets.endNow(lease);
}

/** The role's own clean-up. Its failure must not hide the reason for it. */
async function rollBack(engine: Engine, { mount, config, role, values }: NewUser): Promise<void> {
  if (role.rollback.length === 0) return;
  try {
    await useDatabase(engine, mount, config, (it) => it.run("rollback", role.rollback, values));
  } catch (error) {
    if (!(error instanceof DatabaseFailure)) throw error;
    engine.services().mounts.platform.log.warn("rollback statements failed", {
      connection: config.name,
      error: error.message,
    });
  }
}

export function credsPath(engine: Engine): Path {
  return path("creds/:name", {
    summary: "A database user of one's own, for the time of its lease.",
    params: { name: "The role" },
    operations: {
      read: {
        summary: "Makes a user.",
        handler: (call, { name }) => issue(engine, call, name),
      },
    },
  });
}
