/** `sys/storage/raft/snapshot-auto/*`: snapshots that are made without anybody asking. */
import { badRequest, notFound } from "../../base/failure.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { LoadedSnapshots } from "../../core/loaded_snapshots.ts";
import type { Node } from "../../core/node.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import { type LogicalResponse, withWarnings } from "../../logical/response.ts";
import { backupWarning } from "../../snapshot/auto/age.ts";
import type { Running } from "../../snapshot/auto/schedule.ts";
import {
  deleteSettings,
  freshState,
  listSettings,
  readSettings,
  readState,
  saveSettings,
  saveState,
  type SnapshotState,
} from "../../snapshot/auto/store.ts";
import type { View } from "../../storage/transaction.ts";
import type { AutoSnapshots } from "./auto.ts";
import { autoFields, type AutoInput, makeSettings, shownSettings } from "./auto_fields.ts";
import { readRecord } from "./loading.ts";
import { integrated } from "./receive.ts";

interface Named {
  readonly name: string;
}

const root = "storage/raft/snapshot-auto";

export function autoSnapshotPaths(node: () => Node, snapshots: AutoSnapshots): Path[] {
  const now = () => node().platform.clock.now();
  return [
    path(`${root}/config/?`, {
      summary: "The automated snapshots.",
      sudo: true,
      operations: {
        list: {
          summary: "Lists them, with a warning about each that is late.",
          handler: ({ transaction }) => listed(transaction, now()),
        },
      },
    }),
    path(`${root}/config/:name`, {
      summary: "What an automated snapshot is told to do.",
      description:
        "A write changes what it names and leaves the rest; the first snapshot is made " +
        "at once. Each is read back from where it went and verified: only then older ones go.",
      params: { name: "Name of the settings." },
      fields: autoFields,
      sudo: true,
      operations: {
        read: { summary: "Shows the settings but for the secrets.", handler: shown },
        update: {
          summary: "Makes or changes the settings.",
          handler: async ({ transaction }, { name, ...given }) => {
            integrated(node());
            await write(transaction, name, given, now());
            transaction.afterCommit(() => snapshots.nudge());
          },
        },
        delete: {
          summary: "Ends it. Files that were written stay.",
          handler: ({ transaction }, { name }) => deleteSettings(transaction, name),
        },
      },
    }),
    path(`${root}/status/:name`, {
      summary: "How an automated snapshot is doing.",
      params: { name: "Name of the settings." },
      operations: {
        read: {
          summary: "Shows the last and the next one.",
          handler: ({ transaction }, { name }) => status(transaction, name, snapshots, now()),
        },
      },
    }),
  ];
}

async function listed(view: View, now: number): Promise<LogicalResponse> {
  const keys = await listSettings(view);
  const warnings = await Promise.all(keys.map((name) => warningsOf(view, name, now)));
  return withWarnings({ data: { keys } }, warnings.flat());
}

async function shown({ transaction }: Call, { name }: Named): Promise<LogicalResponse> {
  const settings = await readSettings(transaction, name);
  if (settings === undefined) throw notFound();
  return { data: shownSettings(settings) };
}

/** Due at once: a write shows whether the settings work. */
async function write(view: View, name: string, given: AutoInput, now: number): Promise<void> {
  const settings = makeSettings(given, await readSettings(view, name));
  if (settings.autoload_enabled === true) await checkAutoload(view, name);
  await saveSettings(view, name, settings);
  const state = await readState(view, name) ?? freshState(now);
  saveState(view, name, { ...state, nextStart: now });
}

async function status(
  view: View,
  name: string,
  { running, autoload, services }: AutoSnapshots,
  now: number,
): Promise<LogicalResponse> {
  const state = await readState(view, name);
  if (state === undefined) throw notFound();
  const loadingError = autoload.errorOf(name);
  const data = {
    ...stateBody(state),
    ...(running?.name === name ? runningBody(running) : {}),
    ...await loadedBody(view, name, services().snapshots, now),
    ...(loadingError === "" ? {} : { loading_error: loadingError }),
  };
  return withWarnings({ data }, await warningsOf(view, name, now));
}

/** Of the snapshot that is loaded, where it is one of these. */
async function loadedBody(
  view: View,
  name: string,
  snapshots: LoadedSnapshots,
  now: number,
): Promise<JsonObject> {
  const record = await readRecord(view, now);
  if (record?.autoConfig !== name) return {};
  const loaded = snapshots.find(record.id);
  const isOpen = loaded?.opened !== undefined;
  return {
    loaded_snapshot_id: record.id,
    loaded_snapshot_status: loaded === undefined ? "error" : isOpen ? "ready" : "sealed",
    loaded_snapshot_expires_at: rfc3339(record.expiresAt),
  };
}

/** Only one can be loaded. Throws a 400 where another has asked for that. */
async function checkAutoload(view: View, name: string): Promise<void> {
  for (const other of await listSettings(view)) {
    if (other === name) continue;
    if ((await readSettings(view, other))?.autoload_enabled !== true) continue;
    throw badRequest(`autoload_enabled is set for "${other}", and can be for one only`);
  }
}

async function warningsOf(view: View, name: string, now: number): Promise<string[]> {
  const settings = await readSettings(view, name);
  const state = await readState(view, name);
  if (settings === undefined || state === undefined) return [];
  const warning = backupWarning(name, state, settings.interval, now);
  return warning === undefined ? [] : [warning];
}

function timeText(milliseconds: number): string {
  return milliseconds === 0 ? "" : rfc3339(milliseconds);
}

function runningBody({ start, url }: Running): JsonObject {
  return { snapshot_start: rfc3339(start), snapshot_url: url };
}

/** The first group is as other tools know it; the second is ours. */
function stateBody(state: SnapshotState): JsonObject {
  return {
    last_snapshot_start: timeText(state.lastStart),
    last_snapshot_end: timeText(state.lastEnd),
    last_snapshot_error: state.lastError,
    last_snapshot_url: state.lastUrl,
    next_snapshot_start: timeText(state.nextStart),
    last_success_time: timeText(state.lastSuccess),
    last_snapshot_size: state.lastBytes,
    consecutive_failures: state.failures,
  };
}
