/** Settings and states as they are stored, behind the barrier, so that the next leader goes on. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { View } from "../../storage/transaction.ts";
import type { SnapshotSettings } from "./settings.ts";

const settingsPrefix = "core/snapshot-auto/config/";
const statePrefix = "core/snapshot-auto/state/";

/** More than this are no backup plan. */
const CONFIGS_MAX = 64;

/** Times are milliseconds since the epoch; 0 for never. */
export interface SnapshotState {
  /** When the settings were first written: since then a backup has been waited for. */
  readonly createdAt: number;
  readonly lastStart: number;
  readonly lastEnd: number;
  readonly lastSuccess: number;
  readonly nextStart: number;
  readonly lastUrl: string;
  readonly lastError: string;
  /** Failed attempts since the last success. */
  readonly failures: number;
  readonly lastBytes: number;
  readonly totalBytes: number;
  /** Names that were begun since the last success: what lies there under them was never verified. */
  readonly pending: readonly string[];
}

/** Of settings that were just written: due at once, which shows whether they work. */
export function freshState(now: number): SnapshotState {
  return {
    createdAt: now,
    lastStart: 0,
    lastEnd: 0,
    lastSuccess: 0,
    nextStart: now,
    lastUrl: "",
    lastError: "",
    failures: 0,
    lastBytes: 0,
    totalBytes: 0,
    pending: [],
  };
}

async function read<T>(view: View, key: string): Promise<T | undefined> {
  const bytes = await view.get(key);
  if (bytes === undefined) return undefined;
  const value: T = JSON.parse(fromUtf8(bytes));
  return value;
}

export function readSettings(view: View, name: string): Promise<SnapshotSettings | undefined> {
  return read<SnapshotSettings>(view, settingsPrefix + name);
}

export function readState(view: View, name: string): Promise<SnapshotState | undefined> {
  return read<SnapshotState>(view, statePrefix + name);
}

export function saveState(view: View, name: string, state: SnapshotState): void {
  view.put(statePrefix + name, utf8(JSON.stringify(state)));
}

/** Throws a 400 where there are too many already. */
export async function saveSettings(
  view: View,
  name: string,
  settings: SnapshotSettings,
): Promise<void> {
  const names = await listSettings(view);
  if (!names.includes(name) && names.length >= CONFIGS_MAX) {
    throw badRequest(`there are ${CONFIGS_MAX} automated snapshots already, the most there can be`);
  }
  view.put(settingsPrefix + name, utf8(JSON.stringify(settings)));
}

/** Forgets how it went, too. Files that were written stay. */
export function deleteSettings(view: View, name: string): void {
  view.delete(settingsPrefix + name);
  view.delete(statePrefix + name);
}

export async function listSettings(view: View): Promise<string[]> {
  return await view.list(settingsPrefix);
}
