/** `tidy`, how it is, and what is tidied by itself. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import type { Engine } from "./engine.ts";
import {
  type AutoTidy,
  autoTidy,
  defaultTidy,
  isAnythingTidied,
  lastAutoTidy,
  putAutoTidy,
  tidyBody,
  tidyFields,
  tidySettings,
} from "./tidy_config.ts";

const time = (ms: number | undefined) => ms === undefined ? null : new Date(ms).toISOString();

/** How the last run is, or nulls where there was none. */
async function statusBody(engine: Engine, call: Call): Promise<JsonObject> {
  const status = engine.tidy.status;
  const { settings } = status;
  const counted = (value: number) => settings === undefined ? null : value;
  const shown: JsonObject = settings === undefined
    ? Object.fromEntries(Object.keys(tidyBody(defaultTidy)).map((name) => [name, null]))
    : tidyBody(settings);
  const last = await lastAutoTidy(call.storage);
  return {
    ...shown,
    state: status.state,
    error: status.error ?? null,
    message: status.message ?? null,
    time_started: time(status.started),
    time_finished: time(status.finished),
    cert_store_deleted_count: counted(status.certificates),
    revoked_cert_deleted_count: counted(status.revocations),
    missing_issuer_cert_count: counted(status.missingIssuers),
    current_cert_store_count: null,
    current_revoked_cert_count: null,
    total_acme_account_count: counted(0),
    acme_account_deleted_count: counted(0),
    acme_account_revoked_count: counted(0),
    acme_orders_deleted_count: counted(0),
    internal_backend_uuid: call.mount.uuid,
    ...(settings === undefined ? {} : { last_auto_tidy_finished: time(last ?? status.finished) }),
  };
}

function begin(engine: Engine, call: Call, settings: typeof defaultTidy): LogicalResponse {
  if (!isAnythingTidied(settings)) {
    return { status: 202, warnings: ["nothing was asked to be tidied"] };
  }
  const began = engine.tidy.begin(`logical/${call.mount.uuid}/`, settings);
  return {
    status: 202,
    warnings: [
      began
        ? "tidying has begun; tidy-status tells how far it is"
        : "tidying is under way already; nothing was begun",
    ],
  };
}

const autoBody = (config: AutoTidy): JsonObject => {
  const { enabled, interval_duration, ...rest } = config;
  return { ...tidyBody(rest), enabled, interval_duration };
};

export function tidyPaths(engine: Engine): Path[] {
  return [
    path("tidy", {
      summary: "Deletes what is past its end.",
      fields: tidyFields,
      operations: {
        update: {
          summary: "Begins it; tidy-status tells how it goes.",
          handler: (call, input) => begin(engine, call, tidySettings(input, defaultTidy)),
        },
      },
    }),
    path("tidy-cancel", {
      summary: "Ends tidying before it is through.",
      operations: {
        update: {
          summary: "Ends it.",
          handler: async (call) => {
            if (engine.tidy.cancel()) return { data: await statusBody(engine, call) };
            return { warnings: ["tidying is not under way"] };
          },
        },
      },
    }),
    path("tidy-status", {
      summary: "How tidying goes.",
      operations: {
        read: {
          summary: "Reads it.",
          handler: async (call) => ({ data: await statusBody(engine, call) }),
        },
      },
    }),
    path("config/auto-tidy", {
      summary: "What is tidied by itself.",
      fields: {
        ...tidyFields,
        enabled: field.bool("Whether anything is."),
        interval_duration: field.duration("Seconds from one run to the next."),
        maintain_stored_certificate_counts: field.bool("Accepted for compatibility."),
        publish_stored_certificate_count_metrics: field.bool("Accepted for compatibility."),
      },
      operations: {
        read: {
          summary: "Reads it.",
          handler: async (call) => ({ data: autoBody(await autoTidy(call)) }),
        },
        update: {
          summary: "Sets what is given.",
          handler: async (call, input) => {
            const before = await autoTidy(call);
            const config: AutoTidy = {
              ...before,
              ...tidySettings(input, before),
              enabled: input.enabled ?? before.enabled,
              interval_duration: input.interval_duration ?? before.interval_duration,
              maintain_stored_certificate_counts: input.maintain_stored_certificate_counts ??
                before.maintain_stored_certificate_counts,
              publish_stored_certificate_count_metrics:
                input.publish_stored_certificate_count_metrics ??
                  before.publish_stored_certificate_count_metrics,
            };
            if (config.interval_duration <= 0) {
              throw badRequest("interval_duration must be greater than zero");
            }
            if (config.enabled && !isAnythingTidied(config)) {
              throw badRequest("auto-tidy is enabled but nothing is to be tidied");
            }
            putAutoTidy(call.storage, config);
            return { data: autoBody(config) };
          },
        },
      },
    }),
  ];
}
