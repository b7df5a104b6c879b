/** `?help=1`: what a path is for, out of the backend's declaration. */
import { Failure } from "../base/failure.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { BackendDescription, LogicalBackend, MountInfo, PathDescription } from "./backend.ts";
import { openApiDocument } from "./openapi.ts";

/** Help for a path below a mount; "" asks for the mount's own. */
export function helpFor(
  backend: LogicalBackend,
  options: MountInfo["options"],
  path: string,
): LogicalResponse {
  const description = backend.describe?.(options);
  if (description === undefined) throw new Failure(404, "no help for this path");
  const described = path === "" ? undefined : findPath(description, path);
  if (path !== "" && described === undefined) throw new Failure(404, "no help for this path");
  const help = described === undefined ? backendHelp(description) : pathHelp(path, described);
  const paths = described === undefined ? description.paths : [described];
  const body = { help, see_also: null, openapi: openApiDocument([{ prefix: "", paths }]) };
  return {
    raw: { status: 200, contentType: "application/json", body: JSON.stringify(body) },
  };
}

function findPath(description: BackendDescription, path: string): PathDescription | undefined {
  const trimmed = path.replace(/\/$/, "");
  return description.paths.find(({ template }) => {
    const escaped = template.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
    return new RegExp(`^${escaped.replace(/\{\w+\}/g, ".+")}$`).test(trimmed);
  });
}

function backendHelp(description: BackendDescription): string {
  const lines = [description.help, "", "PATHS", ""];
  for (const path of description.paths) {
    lines.push(`    ${path.template}`, `        ${path.summary}`);
  }
  return lines.join("\n");
}

function pathHelp(requested: string, path: PathDescription): string {
  const lines = [`Request:  ${requested}`, `Matching: ${path.template}`, "", path.summary];
  const fields = [...path.parameters, ...path.fields];
  if (fields.length > 0) lines.push("", "PARAMETERS");
  for (const field of fields) {
    lines.push("", `    ${field.name} (${field.type})`, `        ${field.description}`);
  }
  if (path.description !== "") lines.push("", "DESCRIPTION", "", path.description);
  return lines.join("\n");
}
