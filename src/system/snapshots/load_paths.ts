/** `sys/storage/raft/snapshot-load`: snapshots that single secrets are read and recovered from. */
import { badRequest, notFound } from "../../base/failure.ts";
import { required } from "../../backend/backend.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { LoadedSnapshot } from "../../core/loaded_snapshots.ts";
import type { Node } from "../../core/node.ts";
import type { Services } from "../../core/services.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { beganAt } from "../../snapshot/auto/file_name.ts";
import { readSettings } from "../../snapshot/auto/store.ts";
import type { ReadSnapshot } from "../../snapshot/read.ts";
import type { AutoSnapshots } from "./auto.ts";
import { SnapshotBeside } from "./load.ts";
import { loadBeside, type LoadOrigin, lostBody, readRecord, recordKey } from "./loading.ts";
import { integrated, receivedSnapshot } from "./receive.ts";

const root = "storage/raft/snapshot-load";

/** `loading.ts` makes all of them. */
function beside(loaded: LoadedSnapshot | undefined): SnapshotBeside | undefined {
  return loaded instanceof SnapshotBeside ? loaded : undefined;
}

/** Loads what `receive` brings, and returns what is answered. */
async function load(
  services: Services,
  node: Node,
  receive: () => Promise<ReadSnapshot>,
  origin: LoadOrigin = {},
): Promise<LogicalResponse> {
  const loaded = await loadBeside(services, node, receive, origin);
  return { data: await loaded.status() };
}

/** Runs after the transaction, which may be tried again, and fills in what is answered. */
function later(call: Call, task: () => Promise<LogicalResponse>): LogicalResponse {
  const answer: LogicalResponse = {};
  call.transaction.beforeAnswer(async () => {
    Object.assign(answer, await task());
  });
  return answer;
}

/** The file of an automated snapshot, by the URL that its status tells. */
async function storedSnapshot(
  { transaction }: Call,
  { node, snapshots, name, url }: {
    readonly node: Node;
    readonly snapshots: AutoSnapshots;
    readonly name: string;
    readonly url: string;
  },
): Promise<() => Promise<ReadSnapshot>> {
  const settings = await readSettings(transaction, name);
  if (settings === undefined) throw notFound();
  const target = await snapshots.target(settings);
  const file = decodeURIComponent(url.slice(url.lastIndexOf("/") + 1));
  if (beganAt(settings.file_prefix, file) === undefined || target.url(file) !== url) {
    throw badRequest(
      `"${name}" keeps no snapshot at that url; its status tells the url of the last`,
    );
  }
  return async () => {
    const body = await target.read(file, new AbortController().signal);
    return await receivedSnapshot(integrated(node), body);
  };
}

export function loadedSnapshotPaths(
  services: () => Services,
  node: () => Node,
  snapshots: AutoSnapshots,
): Path[] {
  const now = () => node().platform.clock.now();
  const find = (id: string) => beside(services().snapshots.find(id));
  return [
    path(`${root}/?`, {
      summary: "The loaded snapshot.",
      operations: {
        list: {
          summary: "Lists what is loaded: one at the most.",
          handler: async ({ transaction }) => {
            integrated(node());
            const record = await readRecord(transaction, now());
            if (record === undefined) throw notFound();
            return { data: { keys: [record.id] } };
          },
        },
        update: {
          summary: "Loads a snapshot file beside the running storage.",
          handler: (call) => {
            const storage = integrated(node());
            const { body } = call.request;
            return later(
              call,
              () => load(services(), node(), () => receivedSnapshot(storage, body)),
            );
          },
        },
      },
    }),
    path(`${root}/:id`, {
      summary: "A loaded snapshot.",
      params: { id: "As its loading answered." },
      fields: { force: field.bool("Accepted for compatibility: nothing hinders it.", false) },
      query: ["force"],
      operations: {
        read: {
          summary: "Shows how it is.",
          handler: async ({ transaction }, { id }) => {
            const loaded = find(id);
            if (loaded !== undefined) return { data: await loaded.status() };
            const record = await readRecord(transaction, now());
            if (record?.id !== id) throw notFound();
            return { data: lostBody(record) };
          },
        },
        delete: {
          summary: "Unloads it.",
          handler: async (call, { id }) => {
            const record = await readRecord(call.transaction, now());
            if (record?.id !== id && find(id) === undefined) throw notFound();
            call.transaction.delete(recordKey);
            call.transaction.beforeAnswer(() => services().snapshots.unload(id));
          },
        },
      },
    }),
    path(`${root}/:id/unseal`, {
      summary: "Opens a snapshot that is sealed with other keys than this cluster's.",
      params: { id: "As its loading answered." },
      fields: {
        key: field.string("An unseal key of the time of the snapshot.", ""),
        reset: field.bool("Forgets the keys given so far.", false),
      },
      operations: {
        update: {
          summary: "Takes one unseal key.",
          handler: (call, { id, key, reset }) => {
            const loaded = find(id);
            if (loaded === undefined) throw notFound();
            return later(call, async () => {
              if (reset) loaded.forgetShares();
              else await loaded.unseal(required("key", key));
              return { data: await loaded.status() };
            });
          },
        },
      },
    }),
    path("storage/raft/snapshot-auto/snapshot-load/:name", {
      summary: "Loads a snapshot that was made automatically.",
      params: { name: "Name of its settings." },
      fields: { url: field.string("Where it is, as the status tells.", "") },
      operations: {
        update: {
          summary: "Fetches a snapshot and loads it.",
          handler: async (call, { name, url }) => {
            const from = { node: node(), snapshots, name, url: required("url", url) };
            const receive = await storedSnapshot(call, from);
            return later(call, async () => {
              const answer = await load(services(), node(), receive, { autoConfig: name });
              return { data: { ...answer.data, auto_config_name: name, url } };
            });
          },
        },
      },
    }),
  ];
}
