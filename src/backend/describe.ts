/** Help text and OpenAPI out of declared paths. */
import type { BackendDescription, FieldDescription, PathDescription } from "../core/backend.ts";
import type { Field } from "./field.ts";
import type { Path } from "./path.ts";

/** The description that `path-help` and OpenAPI are made from. */
export function describePaths(help: string, paths: readonly Path[]): BackendDescription {
  return { help, paths: paths.map(describePath) };
}

function describePath(path: Path): PathDescription {
  return {
    template: path.pattern.replace(/\/\?$/, "").replace(/(^|\/)[:+*](\w+)!?/g, "$1{$2}"),
    summary: path.spec.summary,
    description: path.spec.description,
    unauthenticated: path.spec.unauthenticated,
    sudo: path.spec.sudo,
    parameters: path.params.map((name) => ({
      name,
      type: "string",
      description: path.spec.params[name] ?? "",
      query: false,
    })),
    fields: Object.entries(path.fields).map(([name, field]) =>
      describeField(name, field, path.spec.query.includes(name))
    ),
    operations: Object.fromEntries(
      [...path.operations].filter(([, operation]) => operation.undocumented !== true)
        .map(([name, operation]) => [name, { summary: operation.summary }]),
    ),
  };
}

const openApiTypes: Readonly<Record<string, string>> = {
  string: "string",
  lowercase: "string",
  int: "integer",
  float: "number",
  bool: "boolean",
  duration: "integer",
  list: "array",
  ints: "array",
  map: "object",
  pairs: "object",
  objects: "array",
  any: "object",
};

function describeField(name: string, field: Field<unknown>, query: boolean): FieldDescription {
  const fallback = field.default;
  const scalar = typeof fallback === "string" || typeof fallback === "number" ||
    typeof fallback === "boolean";
  return {
    name,
    type: openApiTypes[field.kind] ?? "string",
    description: field.description,
    query,
    ...(scalar ? { default: fallback } : {}),
  };
}
