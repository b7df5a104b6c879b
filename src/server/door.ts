/** What a listener hands requests to: the HTTP app with the limits of that listener. */
import type { ListenerConfig, ServerConfig } from "../config/server_types.ts";
import type { Platform } from "../core/backend.ts";
import { createApp, type RequestHandler } from "../http/app.ts";
import type { RequestLimits } from "../http/read_request.ts";
import type { Connection } from "../logical/request.ts";

export type Door = (request: Request, connection: Connection) => Response | Promise<Response>;

/** A door, and the settings behind it that a reload may change. */
export function createDoor(
  listener: ListenerConfig,
  _config: ServerConfig,
  handler: RequestHandler,
  { random, log }: Platform,
): Door {
  const app = createApp({ handler, limits: requestLimits(listener), random, log });
  return (request, connection) => app.fetch(request, { connection });
}

function requestLimits({ values }: ListenerConfig): RequestLimits {
  return {
    maxRequestSize: Math.max(0, values.max_request_size),
    readTimeoutMs: values.http_read_timeout * 1000,
    maxTokenHeaderSize: Math.max(0, values.max_token_header_size),
    json: {
      maxDepth: values.max_json_depth,
      maxStringLength: values.max_json_string_value_length,
      maxObjectEntries: values.max_json_object_entry_count,
      maxArrayElements: values.max_json_array_element_count,
    },
  };
}
