/** `sys/config/*`. */
import { badRequest, notFound } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Node } from "../core/node.ts";
import type { Services } from "../core/services.ts";
import type { JsonObject } from "../logical/json.ts";

/** Headers that browsers may send whatever else is allowed. */
const standardHeaders: readonly string[] = [
  "Content-Type",
  "Authorization",
  "X-Vault-Token",
  "X-Vault-MFA",
  "X-Vault-No-Request-Forwarding",
  "X-Vault-Wrap-Format",
  "X-Vault-Wrap-TTL",
  "X-Requested-With",
  "X-Vault-AWS-IAM-Server-ID",
  "X-Vault-Policy-Override",
];

function doubled(data: JsonObject) {
  return { data, topLevel: data };
}

function corsPath(services: () => Services): Path {
  const settings = () => services().httpSettings;
  return path("config/cors", {
    summary: "Which pages may call this API from a browser.",
    sudo: true,
    fields: {
      enable: field.bool("Accepted for compatibility."),
      allowed_origins: field.list("Origins, or * for any.", []),
      allowed_headers: field.list("Request headers beside the usual ones.", []),
    },
    operations: {
      read: {
        summary: "Tells which pages may call.",
        handler: () => {
          const { cors } = settings().current;
          if (cors === undefined) return doubled({ enabled: false });
          return doubled({
            enabled: true,
            allowed_origins: [...cors.allowedOrigins],
            allowed_headers: [...cors.allowedHeaders],
            allow_credentials: false,
          });
        },
      },
      update: {
        summary: "Says which pages may call.",
        handler: (call, input) => {
          const origins = input.allowed_origins;
          if (origins.length === 0) throw badRequest("at least one origin must be allowed");
          if (origins.length > 1 && origins.includes("*")) {
            throw badRequest("a wildcard stands for all origins and goes with no other");
          }
          const allowedHeaders = [...new Set([...standardHeaders, ...input.allowed_headers])];
          settings().change(call.transaction, {
            cors: { allowedOrigins: origins, allowedHeaders },
          });
        },
      },
      delete: {
        summary: "Lets no page call.",
        handler: (call) => {
          settings().change(call.transaction, { cors: undefined });
        },
      },
    },
  });
}

function uiHeaderPaths(services: () => Services): Path[] {
  const settings = () => services().httpSettings;
  return [
    path("config/ui/headers/?", {
      summary: "Response headers of the web page.",
      sudo: true,
      operations: {
        list: {
          summary: "Lists the headers.",
          handler: () => ({ data: { keys: Object.keys(settings().current.uiHeaders).sort() } }),
        },
      },
    }),
    path("config/ui/headers/:header!", {
      summary: "A response header of the web page.",
      sudo: true,
      fields: {
        values: field.list("The header's values."),
        multivalue: field.bool("Answers with a list.", false),
      },
      query: ["multivalue"],
      operations: {
        read: {
          summary: "Reads a header.",
          handler: (_call, input) => {
            const values = settings().current.uiHeaders[input.header];
            if (values === undefined) throw notFound();
            return {
              data: input.multivalue ? { values: [...values] } : { value: values[0] ?? "" },
            };
          },
        },
        update: {
          summary: "Sets a header.",
          handler: (call, input) => {
            const { header, values } = input;
            if (/^x-vault-/i.test(header)) throw badRequest("X-Vault headers cannot be set");
            if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(header)) {
              throw badRequest("this is no name of a header");
            }
            if (values === undefined || values.length === 0) throw badRequest("values are missing");
            // deno-lint-ignore no-control-regex -- a line break would begin another header
            if (values.some((value) => /[\x00-\x08\x0a-\x1f\x7f]/.test(value))) {
              throw badRequest("a value holds characters that no header can have");
            }
            const uiHeaders = { ...settings().current.uiHeaders, [header]: values };
            settings().change(call.transaction, { uiHeaders });
            return { status: 200 };
          },
        },
        delete: {
          summary: "Removes a header.",
          handler: (call, { header }) => {
            const { [header]: _gone, ...uiHeaders } = settings().current.uiHeaders;
            settings().change(call.transaction, { uiHeaders });
          },
        },
      },
    }),
  ];
}

function auditedHeaderPaths(services: () => Services): Path[] {
  const settings = () => services().httpSettings;
  return [
    path("config/auditing/request-headers/?", {
      summary: "Request headers that audit devices record.",
      sudo: true,
      operations: {
        read: {
          summary: "Lists them.",
          handler: () => {
            const headers: JsonObject = {};
            for (const [name, { hmac }] of Object.entries(settings().current.auditedHeaders)) {
              headers[name] = { hmac };
            }
            return doubled({ headers });
          },
        },
      },
    }),
    path("config/auditing/request-headers/:header!", {
      summary: "A request header that audit devices record.",
      sudo: true,
      fields: { hmac: field.bool("Records its hash.", false) },
      operations: {
        read: {
          summary: "Reads one.",
          handler: (_call, { header }) => {
            const found = settings().current.auditedHeaders[header.toLowerCase()];
            if (found === undefined) throw badRequest("could not find header in config");
            return doubled({ [header]: { hmac: found.hmac } });
          },
        },
        update: {
          summary: "Adds or changes one.",
          handler: (call, { header, hmac }) => {
            const before = settings().current.auditedHeaders;
            const auditedHeaders = { ...before, [header.toLowerCase()]: { hmac } };
            settings().change(call.transaction, { auditedHeaders });
          },
        },
        delete: {
          summary: "Removes one.",
          handler: (call, { header }) => {
            const { [header.toLowerCase()]: _gone, ...auditedHeaders } =
              settings().current.auditedHeaders;
            settings().change(call.transaction, { auditedHeaders });
          },
        },
      },
    }),
  ];
}

export function configPaths(services: () => Services, node: () => Node): Path[] {
  return [
    corsPath(services),
    ...uiHeaderPaths(services),
    ...auditedHeaderPaths(services),
    path("config/state/sanitized", {
      summary: "The server's configuration, without secrets.",
      operations: {
        read: {
          summary: "Shows the server's configuration.",
          handler: () => ({ data: node().sanitizedConfig() }),
        },
      },
    }),
  ];
}
