/** `sys/metrics`, `sys/in-flight-req`, `sys/loggers`, `sys/monitor`: looking into a running node. */
import { badRequest } from "../base/failure.ts";
import { utf8 } from "../base/bytes.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Services } from "../core/services.ts";
import { rfc3339 } from "../logical/envelope.ts";
import type { JsonObject } from "../logical/json.ts";
import type { LogicalResponse } from "../logical/response.ts";
import { type LogControl, parseLogLevel } from "../telemetry/log_control.ts";
import { renderMetrics } from "../telemetry/render.ts";

/** Lines that wait for a reader who is slower than the log; more are dropped. */
const waitingLinesMax = 1000;

function level(text: string | undefined) {
  if (text === undefined || text === "") throw badRequest("level is required");
  const found = parseLogLevel(text);
  if (found === undefined) throw badRequest(`unknown log level ${JSON.stringify(text)}`);
  return found;
}

/** The requests that this node has not answered yet. */
export function inFlightRequests(services: Pick<Services, "inFlight">): LogicalResponse {
  const body = JSON.stringify(inFlightBody(services));
  return { raw: { status: 200, contentType: "application/json", body } };
}

function inFlightBody({ inFlight }: Pick<Services, "inFlight">): JsonObject {
  const body: JsonObject = {};
  for (const { request, time, token } of inFlight) {
    const { remoteAddress, remotePort } = request.connection;
    body[request.id] = {
      start_time: rfc3339(time),
      client_remote_address: `${remoteAddress}:${remotePort}`,
      request_path: `/v1/${request.path}`,
      request_method: request.method,
      client_id: token === undefined ? "" : token.entityId || token.id,
    };
  }
  return body;
}

function loggerPaths(services: () => Services): Path[] {
  const logs = () => services().telemetry.logs;
  const known = (name: string) => {
    if (logs().level(name) === undefined) throw badRequest(`logger "${name}" not found`);
  };
  const fields = { level: field.string("trace, debug, info, warn or error.") };
  return [
    path("loggers/?", {
      summary: "How much the parts of the server log.",
      fields,
      operations: {
        read: { summary: "Lists them.", handler: () => ({ data: { ...logs().levels() } }) },
        update: {
          summary: "Sets all levels, until the server ends.",
          handler: (_call, input) => logs().setLevel(level(input.level)),
        },
        delete: {
          summary: "Goes back to the configuration.",
          handler: () => {
            logs().resetLevel();
          },
        },
      },
    }),
    path("loggers/:name!", {
      summary: "How much a part of the server logs.",
      fields,
      operations: {
        read: {
          summary: "Tells it.",
          handler: (_call, { name }) => {
            const found = logs().level(name);
            return { data: found === undefined ? {} : { [name]: found }, status: 200 };
          },
        },
        update: {
          summary: "Sets its level, until the server ends.",
          handler: (_call, { name, ...input }) => {
            const wanted = level(input.level);
            known(name);
            logs().setLevel(wanted, name);
          },
        },
        delete: {
          summary: "Goes back to the configuration.",
          handler: (_call, { name }) => {
            known(name);
            logs().resetLevel(name);
          },
        },
      },
    }),
  ];
}

/** The log as it is written, until the reader goes or the node seals. */
function logStream(logs: LogControl, options: Parameters<LogControl["follow"]>[0]) {
  let stop = () => {};
  let dropped = 0;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (line: string) => controller.enqueue(utf8(`${line}\n`));
      const write = (line: string) => {
        if ((controller.desiredSize ?? 0) <= 0) {
          dropped++;
          return;
        }
        if (dropped > 0) {
          send(`(${dropped} lines were dropped: they came faster than they are read)`);
        }
        dropped = 0;
        send(line);
      };
      stop = logs.follow(options, write, () => controller.close());
    },
    cancel: () => stop(),
  }, { highWaterMark: waitingLinesMax });
}

function monitor(logs: LogControl, levelName: string, format: string): LogicalResponse {
  const wanted = parseLogLevel(levelName);
  if (wanted === undefined) throw badRequest("unknown log level");
  if (format !== "standard" && format !== "json") throw badRequest("unknown log format");
  const body = logStream(logs, { level: wanted, json: format === "json" });
  return { raw: { status: 200, contentType: "text/plain", body } };
}

export function telemetryPaths(services: () => Services): Path[] {
  return [
    path("metrics", {
      summary: "What the server has measured.",
      fields: { format: field.string('"prometheus" for its text form.', "") },
      query: ["format"],
      operations: {
        read: {
          summary: "Reads all metrics.",
          handler: (call, { format }) =>
            renderMetrics(
              services().telemetry,
              format,
              call.request.headers.get("accept") ?? "",
            ),
        },
      },
    }),
    path("in-flight-req", {
      summary: "Requests that have not been answered.",
      operations: {
        read: {
          summary: "Lists them.",
          handler: () => inFlightRequests(services()),
        },
      },
    }),
    ...loggerPaths(services),
    path("monitor", {
      summary: "The server's log, as it is written.",
      fields: {
        log_level: field.string("The least severity to send.", "info"),
        log_format: field.string("standard or json.", "standard"),
      },
      query: ["log_level", "log_format"],
      operations: {
        read: {
          summary: "Streams the log.",
          handler: (_call, input) =>
            monitor(services().telemetry.logs, input.log_level, input.log_format),
        },
      },
    }),
  ];
}
