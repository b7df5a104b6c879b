/** The two kinds of rotations, as the schedule sees them. */
import type { View } from "../../storage/transaction.ts";
import { findConfig, saveConfig } from "./config.ts";
import { nextRetry, type RotationKind } from "./due.ts";
import type { Engine, MountRef } from "./engine.ts";
import { rotateRootNow } from "./rotate_root.ts";
import { prepareRotation, rotateNow } from "./rotate_static.ts";
import { isMissed, rotationAfter } from "./rotation_times.ts";
import { readStaticRole, saveStaticRole } from "./static_role.ts";

export interface Rotation {
  /** Undefined where there is nothing to rotate any more. `dueAt`: milliseconds since the epoch. */
  find(
    storage: View,
    name: string,
  ): Promise<{ readonly connection: string; readonly dueAt: number } | undefined>;
  /** Where the window of its time is over, puts it off to the next one. Whether it was. */
  skipMissed(storage: View, name: string, now: number): Promise<boolean>;
  rotate(engine: Engine, mount: MountRef, name: string): Promise<void>;
  /** To be tried again after a failure at `now`. */
  postpone(storage: View, name: string, now: number): Promise<void>;
}

const staticRotation: Rotation = {
  async find(storage, name) {
    const role = await readStaticRole(storage, name);
    return role && { connection: role.dbName, dueAt: role.indexedAt ?? Infinity };
  },
  async skipMissed(storage, name, now) {
    const role = await readStaticRole(storage, name);
    // One that broke off is ended whatever its window says: its password may be in force.
    if (role === undefined || role.pendingPassword !== "" || !isMissed(role, now)) return false;
    const { retry: _, ...missed } = role;
    saveStaticRole(storage, name, { ...missed, nextRotation: await rotationAfter(now, role) });
    return true;
  },
  async rotate(engine, mount, name) {
    const { transactions } = engine.services();
    const prepared = await transactions.run((t) => prepareRotation(engine, t, mount, name));
    if (prepared !== undefined) await rotateNow(engine, mount, name, prepared);
  },
  async postpone(storage, name, now) {
    const role = await readStaticRole(storage, name);
    if (role === undefined) return;
    saveStaticRole(storage, name, { ...role, retry: nextRetry(now, role.retry) });
  },
};

const rootRotation: Rotation = {
  async find(storage, name) {
    const config = await findConfig(storage, name);
    return config && { connection: name, dueAt: config.indexedAt ?? Infinity };
  },
  async skipMissed(storage, name, now) {
    const config = await findConfig(storage, name);
    if (config === undefined || config.pendingPasswords.length > 0) return false;
    if (!isMissed(config, now)) return false;
    const { retry: _, ...missed } = config;
    saveConfig(storage, { ...missed, nextRotation: await rotationAfter(now, config) });
    return true;
  },
  rotate: rotateRootNow,
  async postpone(storage, name, now) {
    const config = await findConfig(storage, name);
    if (config === undefined) return;
    saveConfig(storage, { ...config, retry: nextRetry(now, config.retry) });
  },
};

export function rotationOf(kind: RotationKind): Rotation {
  return kind === "root" ? rootRotation : staticRotation;
}
