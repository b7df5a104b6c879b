/**
 * Bringing a static role back from a snapshot. Passwords in a snapshot are old: where the role is still
 * there, only its settings come back, and the password that is in force stays. One that is gone gets
 * a new password at once, as if it had just been made; only where passwords are not to be touched it comes
 * with the one of then.
 */
import { badRequest, notFound } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import { checkAllowed, readConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import { rotateLater } from "./rotate_static.ts";
import { rotationAfter } from "./rotation_times.ts";
import { readStaticRole, saveStaticRole, type StaticRole } from "./static_role.ts";

export async function recoverStaticRole(engine: Engine, call: Call, name: string): Promise<void> {
  const then = await roleThen(call);
  const now = await readStaticRole(call.storage, name);
  if (now === undefined && then.skipImportRotation !== true) {
    return await rotateLater(engine, call, name, { ...then, lastRotation: 0 });
  }
  if (now !== undefined && now.username !== then.username) {
    throw badRequest(`the role ${name} is of another user today: delete it first`);
  }
  checkAllowed(await readConfig(call.storage, then.dbName), name);
  const kept = now === undefined ? then : withPasswordOf(now, then);
  const from = kept.lastRotation || engine.services().tokens.clock.now();
  const role = { ...kept, nextRotation: await rotationAfter(from, kept) };
  saveStaticRole(call.storage, name, role);
  call.transaction.afterCommit(() => engine.schedule.nudge(role.nextRotation));
}

/** As it was, but for where it stood in the order of rotations. */
async function roleThen({ recovered }: Call): Promise<StaticRole> {
  if (recovered === undefined) throw badRequest("nothing to recover from was named");
  const [, name] = /^static-roles\/([^/]+)$/.exec(recovered.path) ?? [];
  if (recovered.type !== "database" || name === undefined) {
    throw badRequest("a static role is recovered from static-roles/ of a database mount");
  }
  const role = await readStaticRole(recovered.storage, name);
  if (role === undefined) throw notFound("the snapshot has no such role");
  const { retry: _, indexedAt: __, ...rest } = role;
  return rest;
}

function withPasswordOf(now: StaticRole, then: StaticRole): StaticRole {
  const { password, pendingPassword, lastRotation, retry, indexedAt } = now;
  return {
    ...then,
    password,
    pendingPassword,
    lastRotation,
    ...(retry === undefined ? {} : { retry }),
    ...(indexedAt === undefined ? {} : { indexedAt }),
  };
}
