/** `sys/audit`, `sys/audit-hash`: who records what happens. */
import { badRequest, notFound } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { DeviceState } from "../audit/health.ts";
import type { AuditEntry } from "../audit/store.ts";
import type { Services } from "../core/services.ts";
import type { JsonObject } from "../logical/json.ts";
import { mountPath } from "./mounts.ts";

function entryBody(entry: AuditEntry): JsonObject {
  const { type, description, options, local, path } = entry;
  return { type, description, options: { ...options }, local, path };
}

function stateBody(state: DeviceState | undefined): JsonObject {
  if (state === undefined) return {};
  const { recorded, failed, queued, usedShare, error, warnings } = state;
  return {
    recorded,
    failed,
    queued,
    disk_used_percent: usedShare === undefined ? null : Math.round(usedShare * 1000) / 10,
    error: error ?? null,
    warnings: [...warnings],
  };
}

export function auditPaths(services: () => Services): Path[] {
  return [
    path("audit/?", {
      summary: "The enabled audit devices.",
      sudo: true,
      operations: {
        read: {
          summary: "Lists the enabled audit devices.",
          handler: async (call) => {
            const data: JsonObject = {};
            for (const entry of await services().audit.list(call.transaction)) {
              data[entry.path] = entryBody(entry);
            }
            return { data, topLevel: data };
          },
        },
      },
    }),
    path("audit/+path", {
      summary: "An audit device.",
      sudo: true,
      fields: {
        type: field.string("file, socket or syslog.", ""),
        description: field.string("A text for people.", ""),
        options: field.pairs("Options of the type.", {}),
        local: field.bool("Not replicated.", false),
      },
      operations: {
        read: {
          summary: "Tells how an audit device is: what it recorded, what waits, what is wrong.",
          handler: async (call, input) => {
            const wanted = mountPath(input.path);
            const entries = await services().audit.list(call.transaction);
            const entry = entries.find((one) => one.path === wanted);
            if (entry === undefined) throw notFound();
            const state = (await services().audit.broker.states()).get(wanted);
            return { data: { ...entryBody(entry), state: stateBody(state) } };
          },
        },
        update: {
          summary: "Enables an audit device.",
          handler: async (call, input) => {
            if (input.type === "") throw badRequest("the type of the audit device is missing");
            const { type, description, options, local } = input;
            const entry = { type, description, options, local, path: mountPath(input.path) };
            await services().audit.enable(call.transaction, entry);
          },
        },
        delete: {
          summary: "Disables an audit device.",
          handler: (call, input) =>
            services().audit.disable(call.transaction, mountPath(input.path)),
        },
      },
    }),
    path("audit-hash/+path", {
      summary: "How a value looks in the log of a device.",
      fields: { input: field.string("The value.", "") },
      operations: {
        update: {
          summary: "Hashes a value as a device does.",
          handler: (_call, input) => {
            if (input.input === "") throw badRequest("the input parameter is empty");
            const device = services().audit.broker.get(mountPath(input.path));
            if (device === undefined) throw badRequest("unknown audit backend");
            const hash = device.formatter.hasher.hash(input.input);
            return { data: { hash }, topLevel: { hash } };
          },
        },
      },
    }),
  ];
}
