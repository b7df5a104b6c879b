/** `sys/internal/specs/openapi`, `sys/version-history`, `sys/plugins/catalog`, `sys/host-info`… */
import { badRequest, notFound } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { version } from "../base/version.ts";
import { type Path, path } from "../backend/path.ts";
import type { Call } from "../core/backend.ts";
import { routePath } from "../core/mount_entry.ts";
import { readVersionHistory } from "../core/version_history.ts";
import type { Node } from "../core/node.ts";
import { openApiDocument, type OpenApiSection } from "../core/openapi.ts";
import type { Services } from "../core/services.ts";
import type { JsonObject } from "../logical/json.ts";
import { nodePathDescriptions } from "./node/describe.ts";

/** Every mount's paths, as far as they are declared. */
function sections(services: Services): OpenApiSection[] {
  const found: OpenApiSection[] = [{ prefix: "sys/", paths: nodePathDescriptions }];
  for (const { entry, backend } of services.mounts.router.all()) {
    const described = backend.describe?.(entry.options);
    if (described !== undefined) found.push({ prefix: routePath(entry), paths: described.paths });
  }
  return found;
}

function openApi(services: Services) {
  const body = JSON.stringify(openApiDocument(sections(services)));
  return { raw: { status: 200, contentType: "application/json", body } };
}

/** The engines of the binary, as a catalogue of plugins. */
function catalogEntry(name: string): JsonObject {
  return {
    args: null,
    builtin: true,
    command: "",
    declarative: false,
    deprecation_status: "supported",
    name,
    oci: false,
    sha256: "",
    version: `v${version}+builtin.holdfast`,
  };
}

function catalog(node: Node): Record<string, readonly string[]> {
  const { engines, authMethods, databases } = node.backendTypes;
  return { auth: authMethods, database: databases, secret: engines };
}

/** Engines are in the binary: there is nothing that could be loaded anew. */
function reload(node: Node, plugin: string, mounts: readonly string[]) {
  if (plugin === "" && mounts.length === 0) throw badRequest("plugin or mounts must be provided");
  return { data: { reload_id: node.platform.random.uuid() } };
}

function pluginPaths(node: () => Node): Path[] {
  return [
    path("plugins/reload/backend", {
      summary: "Accepted for compatibility: engines are in the binary.",
      sudo: true,
      fields: {
        plugin: field.string("Name of an engine.", ""),
        mounts: field.list("Paths of mounts.", []),
        scope: field.string("global, or nothing.", ""),
      },
      operations: {
        update: {
          summary: "Accepted for compatibility.",
          handler: (_call, { plugin, mounts }) => reload(node(), plugin, mounts),
        },
      },
    }),
    path("plugins/catalog/?", {
      summary: "All engines and auth methods.",
      operations: {
        read: {
          summary: "Lists all engines and auth methods.",
          handler: () => {
            const all = catalog(node());
            const detailed = Object.entries(all).flatMap(([type, names]) =>
              names.map((name) => ({ ...catalogEntry(name), type }))
            );
            const lists = Object.fromEntries(
              Object.entries(all).map(([type, names]) => [type, [...names]]),
            );
            return { data: { ...lists, detailed } };
          },
        },
      },
    }),
    ...(["auth", "database", "secret"] as const).flatMap((type) => [
      path(`plugins/catalog/${type}/?`, {
        summary: `All of type ${type}.`,
        operations: {
          list: {
            summary: `Lists all of type ${type}.`,
            handler: () => ({ data: { keys: [...(catalog(node())[type] ?? [])] } }),
          },
        },
      }),
      path(`plugins/catalog/${type}/:name`, {
        summary: `One of type ${type}.`,
        operations: {
          read: {
            summary: "Tells of one.",
            handler: (_call: Call, input: { readonly name?: string }) => {
              const name = input.name ?? "";
              if (!(catalog(node())[type] ?? []).includes(name)) throw notFound();
              return { data: catalogEntry(name) };
            },
          },
        },
      }),
    ]),
    path("plugins/catalog/:type/?", {
      summary: "There are engines, auth methods and databases.",
      operations: {
        read: {
          summary: "Tells that there is no such type.",
          handler: () => {
            throw notFound("there is no such type of plugin");
          },
        },
      },
    }),
  ];
}

export function specPaths(services: () => Services, node: () => Node): Path[] {
  return [
    path("internal/specs/openapi", {
      summary: "This API in OpenAPI form.",
      unauthenticated: true,
      operations: {
        read: { summary: "Describes this API.", handler: () => openApi(services()) },
        update: { summary: "Describes this API.", handler: () => openApi(services()) },
      },
    }),
    path("version-history/?", {
      summary: "The versions that have run on this storage.",
      operations: {
        list: {
          summary: "Lists the versions that have run on this storage.",
          handler: async (call) => await readVersionHistory(call.transaction),
        },
      },
    }),
    path("host-info", {
      summary: "The machine that the node runs on.",
      operations: {
        read: {
          summary: "Tells of the machine.",
          handler: () => ({ data: node().hostInfo() }),
        },
      },
    }),
    ...pluginPaths(node),
  ];
}
