/** `sys/internal/counters/activity`, `…/monthly`, `…/config`: who has used the server, by month. */
import { badRequest, Failure } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { ClientCounts, ClientSet, CountsByMount } from "../core/activity/client_set.ts";
import { monthOf, monthStart } from "../core/activity/month_record.ts";
import { type RangeReport, reportRange } from "../core/activity/report.ts";
import type { Call } from "../core/backend.ts";
import type { Services } from "../core/services.ts";
import type { JsonObject } from "../logical/json.ts";

const longestRetention = 60;
const shortestRetention = 48;

/** Present names and, for older scripts, the former ones of the same two figures. */
function countsBody({ entity, nonEntity }: ClientCounts): JsonObject {
  return {
    clients: entity + nonEntity,
    entity_clients: entity,
    non_entity_clients: nonEntity,
    secret_syncs: 0,
    acme_clients: 0,
    distinct_entities: entity,
    non_entity_tokens: nonEntity,
  };
}

function namespacesBody({ mounts }: Services, { total, mounts: by }: CountsByMount): JsonObject[] {
  const rows = [...by].map(([path, counts]) => ({
    mount_path: path,
    mount_type: mounts.router.at(path)?.entry.type ?? "",
    counts: countsBody(counts),
  }));
  const size = ({ counts }: { counts: JsonObject }) => Number(counts.clients);
  return [{
    namespace_id: "root",
    namespace_path: "",
    counts: countsBody(total),
    mounts: rows.sort((a, b) => size(b) - size(a)),
  }];
}

function monthsBody(services: Services, { months }: RangeReport): JsonObject[] {
  return months.map(({ month, counts, newClients }) => ({
    timestamp: second(monthStart(month)),
    counts: countsBody(counts.total),
    namespaces: namespacesBody(services, counts),
    new_clients: {
      counts: countsBody(newClients.total),
      namespaces: namespacesBody(services, newClients),
    },
  }));
}

/** The start of a second, which both ends of a month are. */
function second(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** Milliseconds of RFC 3339 or of seconds since the epoch. Throws a 400. */
function time(name: string, text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isFinite(ms) && ms >= 0 && ms < 8.64e15) return ms;
  throw badRequest(`${name} is neither RFC 3339 nor seconds since the epoch`);
}

async function reportOf(services: Services, call: Call, from: string, to: string) {
  async function* sets(): AsyncGenerator<{ month: string; set: ClientSet }> {
    for (const month of await services.activity.months(call.transaction)) {
      if (month < from || month > to) continue;
      const set = await services.activity.clientsOf(call.transaction, month);
      if (set !== undefined) yield { month, set };
    }
  }
  return await reportRange(sets());
}

/** The first and the last month that a request asks for; without its word the last twelve. Throws a 400. */
export function monthsAsked(
  { tokens, activity }: Services,
  start: string,
  end: string,
): { readonly first: string; readonly last: string } {
  const now = tokens.clock.now();
  const to = end === "" ? now : time("end_time", end);
  const back = activity.config.defaultReportMonths - 1;
  const from = start === "" ? monthStart(monthOf(to), -back) : time("start_time", start);
  if (from > to) throw badRequest("start_time is later than end_time");
  return { first: monthOf(from), last: monthOf(Math.min(to, now)) };
}

async function activity(services: Services, call: Call, start: string, end: string) {
  const { first, last } = monthsAsked(services, start, end);
  const report = await reportOf(services, call, first, last);
  if (report.months.length === 0) return undefined;
  return {
    data: {
      start_time: second(monthStart(first)),
      end_time: second(monthStart(last, 1) - 1000),
      total: countsBody(report.total.total),
      by_namespace: namespacesBody(services, report.total),
      months: monthsBody(services, report),
    },
  };
}

async function monthly(services: Services, call: Call) {
  const month = monthOf(services.tokens.clock.now());
  const report = await reportOf(services, call, month, month);
  if (report.months.length === 0) return undefined;
  return {
    data: {
      ...countsBody(report.total.total),
      by_namespace: namespacesBody(services, report.total),
      months: monthsBody(services, report),
    },
  };
}

async function configBody({ activity }: Services, call: Call): Promise<JsonObject> {
  const { enabled, retentionMonths, defaultReportMonths } = activity.config;
  const shown = { default: "default-enabled", enable: "enable", disable: "disable" };
  return {
    enabled: shown[enabled],
    retention_months: retentionMonths,
    default_report_months: defaultReportMonths,
    minimum_retention_months: shortestRetention,
    queries_available: (await activity.months(call.transaction)).length > 0,
    reporting_enabled: false,
    billing_start_timestamp: null,
  };
}

interface ConfigInput {
  readonly enabled: string | undefined;
  readonly retention_months: number | undefined;
  readonly default_report_months: number | undefined;
}

async function configure(services: Services, call: Call, input: ConfigInput): Promise<void> {
  const { enabled, retention_months: months, default_report_months: report } = input;
  if (enabled !== undefined && !isEnabled(enabled)) {
    throw badRequest('enabled must be "default", "enable" or "disable"');
  }
  if (months !== undefined && (months < shortestRetention || months > longestRetention)) {
    throw badRequest(`retention_months must be ${shortestRetention} to ${longestRetention}`);
  }
  if (report !== undefined && (report < 1 || report > longestRetention)) {
    throw badRequest(`default_report_months must be 1 to ${longestRetention}`);
  }
  await services.activity.configure(call.transaction, {
    ...(enabled === undefined ? {} : { enabled }),
    ...(months === undefined ? {} : { retentionMonths: months }),
    ...(report === undefined ? {} : { defaultReportMonths: report }),
  });
}

function isEnabled(text: string): text is "default" | "enable" | "disable" {
  return text === "default" || text === "enable" || text === "disable";
}

/** Of the active node, which counts: a standby passes them on. */
export function activityPaths(services: () => Services): Path[] {
  return [
    path("internal/counters/activity", {
      summary: "How many clients have used the server, by month and mount.",
      fields: {
        start_time: field.string("First month, RFC 3339 or seconds since the epoch.", ""),
        end_time: field.string("Last month.", ""),
        limit_namespaces: field.int("Namespaces that are told apart; 0 for all.", 0),
        current_billing_period: field.bool("Not used.", false),
      },
      query: ["start_time", "end_time", "limit_namespaces", "current_billing_period"],
      operations: {
        read: {
          summary: "Counts the clients of a range of months.",
          handler: (call, { start_time, end_time }) =>
            activity(services(), call, start_time, end_time),
        },
      },
    }),
    path("internal/counters/activity/monthly", {
      summary: "How many clients have used the server this month.",
      operations: {
        read: {
          summary: "Counts this month's clients.",
          handler: (call) => monthly(services(), call),
        },
      },
    }),
    path("internal/counters/config", {
      summary: "Whether clients are counted, and how long the counts are kept.",
      fields: {
        enabled: field.string("default, enable or disable."),
        retention_months: field.int("Months that counts are kept."),
        default_report_months: field.int("Months of a report that does not say from when."),
      },
      operations: {
        read: {
          summary: "Tells it.",
          handler: async (call) => ({ data: await configBody(services(), call) }),
        },
        update: {
          summary: "Changes it.",
          handler: (call, input) => configure(services(), call, input),
        },
      },
    }),
    path("internal/counters/requests", {
      summary: "Counted requests, once.",
      operations: {
        read: {
          summary: "Refuses.",
          handler: () => {
            throw new Failure(404, "The functionality has been removed on this path");
          },
        },
      },
    }),
  ];
}
