/** OpenAPI 3.0 out of declared paths. */
import type { JsonObject } from "../logical/json.ts";
import type { FieldDescription, PathDescription } from "./backend.ts";

/** Paths of one mount; `prefix` is "" or ends in "/". */
export interface OpenApiSection {
  readonly prefix: string;
  readonly paths: readonly PathDescription[];
}

const methods: Readonly<Record<string, string>> = {
  read: "get",
  list: "get",
  create: "post",
  update: "post",
  delete: "delete",
  patch: "patch",
};

/** The document for some mounts' paths. */
export function openApiDocument(sections: readonly OpenApiSection[]): JsonObject {
  const paths: JsonObject = {};
  for (const { prefix, paths: declared } of sections) {
    for (const path of declared) paths[`/${prefix}${path.template}`] = pathItem(prefix, path);
  }
  return {
    openapi: "3.0.2",
    info: {
      title: "Holdfast API",
      description: "Every path is below `/v1/`.",
      version: "1",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    paths,
    components: { schemas: {} },
  };
}

function pathItem(prefix: string, path: PathDescription): JsonObject {
  const item: JsonObject = {
    description: path.summary,
    ...(path.parameters.length === 0 ? {} : { parameters: path.parameters.map(pathParameter) }),
    ...(path.sudo ? { "x-vault-sudo": true } : {}),
    ...(path.unauthenticated ? { "x-vault-unauthenticated": true } : {}),
  };
  for (const [operation, { summary }] of Object.entries(path.operations)) {
    const method = methods[operation];
    if (method === undefined) continue;
    const name = path.template.replace(/[{}]/g, "").replace(/\W+/g, "-");
    const described: JsonObject = {
      summary,
      operationId: `${prefix.replace(/\W+/g, "-")}${operation}-${name}`,
      responses: { "200": { description: "OK" } },
    };
    if (operation === "list") described.parameters = [listParameter()];
    if (method === "post" || method === "patch") described.requestBody = body(path.fields);
    item[method] = described;
  }
  return item;
}

function pathParameter(field: FieldDescription): JsonObject {
  const { name, description } = field;
  return { name, description, in: "path", required: true, schema: { type: "string" } };
}

function listParameter(): JsonObject {
  return { name: "list", in: "query", schema: { type: "string", enum: ["true"] } };
}

function body(fields: readonly FieldDescription[]): JsonObject {
  const properties: JsonObject = {};
  for (const { name, type, description, default: fallback } of fields) {
    properties[name] = {
      type,
      description,
      ...(type === "array" ? { items: { type: "string" } } : {}),
      ...(fallback === undefined ? {} : { default: fallback }),
    };
  }
  return { content: { "application/json": { schema: { type: "object", properties } } } };
}
