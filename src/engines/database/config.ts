/** What is kept of a connection. */
import { storedText, utf8 } from "../../base/bytes.ts";
import { badRequest, Failure } from "../../base/failure.ts";
import type { View } from "../../storage/transaction.ts";
import { isTrue } from "./details.ts";
import { moveDue, type Retry } from "./due.ts";
import type { OpenSettings } from "./plugin.ts";
import { noRotation, rotates, type RotationTimes } from "./rotation_times.ts";

export interface ConnectionConfig extends RotationTimes {
  readonly name: string;
  readonly pluginName: string;
  readonly pluginVersion: string;
  /** Names or globs with a trailing `*`. */
  readonly allowedRoles: readonly string[];
  readonly rotateStatements: readonly string[];
  readonly passwordPolicy: string;
  /** The kind's own settings by their API names, secrets apart. */
  readonly details: Readonly<Record<string, string>>;
  readonly username: string;
  readonly password: string;
  readonly privateKey: string;
  /**
   * Passwords that a rotation has set out to put in force, newest first: until it has ended, one of
   * them may be the right one.
   */
  readonly pendingPasswords: readonly string[];
  /** Whether its own password is left alone, whatever the times say. */
  readonly rotationDisabled: boolean;
  /** Of its own password, milliseconds since the epoch; 0 before the first. */
  readonly lastRotation: number;
  /** When its own password is to be changed; it counts where something tells when. */
  readonly nextRotation: number;
  /** Absent while no rotation has failed. */
  readonly retry?: Retry;
  /** The time that it stands under in the order of rotations; kept by `saveConfig`. */
  readonly indexedAt?: number;
  /** Another with each change; an open pool of an older one is closed. */
  readonly revision: string;
}

const prefix = "config/";

/** What connections lack that an older version has kept. */
const defaults = { ...noRotation, rotationDisabled: false, lastRotation: 0, nextRotation: 0 };

export async function findConfig(
  storage: View,
  name: string,
): Promise<ConnectionConfig | undefined> {
  const bytes = await storage.get(prefix + name);
  if (bytes === undefined) return undefined;
  const config: ConnectionConfig = { ...defaults, ...JSON.parse(storedText(bytes)) };
  return config;
}

/** The connection that a role names. Throws a 500, as this API does for one that is gone. */
export async function readConfig(storage: View, name: string): Promise<ConnectionConfig> {
  const config = await findConfig(storage, name);
  if (config === undefined) throw new Failure(500, `there is no connection named "${name}"`);
  return config;
}

/** Keeps a new connection, or a changed one that was read before. */
export function saveConfig(storage: View, config: ConnectionConfig): void {
  const { indexedAt: before, ...kept } = config;
  const turns = rotates(config) && !config.rotationDisabled;
  const indexedAt = turns ? config.retry?.at ?? config.nextRotation : undefined;
  moveDue(storage, "root", config.name, before, indexedAt);
  storage.put(prefix + config.name, utf8(JSON.stringify({ ...kept, indexedAt })));
}

export async function deleteConfig(storage: View, name: string): Promise<void> {
  const config = await findConfig(storage, name);
  storage.delete(prefix + name);
  moveDue(storage, "root", name, config?.indexedAt, undefined);
}

export async function listConfigs(storage: View): Promise<string[]> {
  return await storage.list(prefix);
}

/** Whether the users of static roles change their own passwords: it has no account of its own. */
export function isSelfManaged({ details }: ConnectionConfig): boolean {
  return isTrue(details.self_managed);
}

/** Throws a 400 for what needs an account of the connection's own. */
export function requireAccount(config: ConnectionConfig): void {
  if (!isSelfManaged(config)) return;
  throw badRequest("a self-managed connection has static roles only, and no account of its own");
}

export function openSettings(config: ConnectionConfig): OpenSettings {
  return {
    details: config.details,
    username: config.username,
    passwords: [...new Set([config.password, ...config.pendingPasswords])],
    privateKey: config.privateKey,
  };
}

/** Throws where the connection does not allow the role. */
export function checkAllowed(config: ConnectionConfig, role: string): void {
  const allowed = config.allowedRoles.some((pattern) =>
    pattern.endsWith("*") ? role.startsWith(pattern.slice(0, -1)) : role === pattern
  );
  if (!allowed) throw new Failure(500, `"${role}" is not an allowed role of this connection`);
}
