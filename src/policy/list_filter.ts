const field = /\{\{\s*\.(\w+)\s*\}\}/g;
const known = new Set(["path", "key"]);

/** What is wrong with a `list_scan_response_keys_filter_path`, or undefined. */
export function listFilterProblem(template: string): string | undefined {
  for (const match of template.matchAll(field)) {
    if (!known.has(match[1] ?? "")) return `unknown field ".${match[1]}" in a filter path`;
  }
  if (template.replace(field, "").includes("{{")) {
    return "malformed template in a filter path; expected {{ .path }} and {{ .key }}";
  }
  if (![...template.matchAll(field)].some((match) => match[1] === "key")) {
    return "a filter path needs {{ .key }}, or all keys would have the same path";
  }
  return undefined;
}

/**
 * The path that a listed key stands for.
 * @param path the path that is listed, with its trailing slash
 */
export function listFilterPath(template: string, path: string, key: string): string {
  const fields: Readonly<Record<string, string>> = { path, key };
  return template.replace(field, (_match, name: string) => fields[name] ?? "");
}
