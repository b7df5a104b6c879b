/** `sys/metrics` in either of its forms. */
import type { LogicalResponse } from "../logical/response.ts";
import { metricsJson } from "./json_form.ts";
import { prometheusText, prometheusType } from "./prometheus.ts";
import type { Telemetry } from "./telemetry.ts";

/** By the query, else by what the client says it takes: scrapers ask for their form. */
function wantsPrometheus(format: string, accept: string): boolean {
  if (format === "prometheus") return true;
  return format === "" &&
    /^\s*(prometheus\/telemetry|application\/openmetrics-text|text\/plain\s*;\s*version=)/
      .test(accept);
}

function text(status: number, body: string): LogicalResponse {
  return { raw: { status, contentType: "text/plain", body } };
}

/** Answers with all metrics; a 400 as text for a form that is unknown or off. */
export async function renderMetrics(
  { registry, settings }: Telemetry,
  format: string,
  accept: string,
): Promise<LogicalResponse> {
  const shown = settings();
  if (wantsPrometheus(format, accept)) {
    if (shown.retentionMs <= 0) return text(400, "prometheus is not enabled");
    const body = prometheusText(await registry.look(), shown);
    return { raw: { status: 200, contentType: prometheusType, body } };
  }
  if (format !== "") return text(400, `metric response format ${JSON.stringify(format)} unknown`);
  const body = JSON.stringify(metricsJson(await registry.look(), shown));
  return { raw: { status: 200, contentType: "application/json", body } };
}
