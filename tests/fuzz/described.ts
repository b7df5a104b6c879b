/** Requests by the server's own description of its paths, with values of any type in any field. */
import { at } from "../e2e/node.ts";
import type { Dice } from "./random.ts";
import { nastyObject } from "./values.ts";

/** One operation of the OpenAPI document. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly string[];
}

/** What would end the node's service, or change its keys, is left to tests of its own. */
const left =
  /^\/(sys\/(seal$|step-down|raw|rekey|rotate|init|unseal|generate-root|storage\/raft\/(remove|snapshot|bootstrap|join)|replication|revoke-prefix|revoke-force|leases\/(revoke|tidy)|quotas|locked-users|in-flight-req|pprof|metrics|config\/auditing)|auth\/token\/(revoke|tidy))/;

/** All operations of a document of `sys/internal/specs/openapi`. */
export function operations(document: unknown): Operation[] {
  const found: Operation[] = [];
  for (const [path, item] of Object.entries(entriesOf(at(document, "paths")))) {
    if (left.test(path)) continue;
    for (const [method, operation] of Object.entries(entriesOf(item))) {
      if (!["get", "post", "put", "delete", "patch"].includes(method)) continue;
      const reference = bodySchema(operation);
      const name = typeof reference === "string" ? reference.split("/").at(-1) ?? "" : "";
      const schemas = entriesOf(at(document, "components.schemas"));
      const inline = at(bodySchemaObject(operation), "properties");
      const properties = entriesOf(inline ?? at(schemas[name], "properties"));
      found.push({ method: method.toUpperCase(), path, fields: Object.keys(properties) });
    }
  }
  return found;
}

function entriesOf(value: unknown): Record<string, unknown> {
  return value instanceof Object ? { ...value } : {};
}

function bodySchemaObject(operation: unknown): unknown {
  const content = entriesOf(at(operation, "requestBody.content"));
  return at(Object.values(content)[0], "schema");
}

function bodySchema(operation: unknown): unknown {
  return at(bodySchemaObject(operation), "$ref");
}

const names = [
  "kv",
  "kv2",
  "a",
  "a%2Fb",
  "x",
  "root",
  "default",
  "token",
  "16",
  "-1",
  "sha2-256",
  "%00",
  "%F0%9F%98%80",
  "..",
  "__proto__",
  "hvs.x",
  "self",
  "1e9",
] as const satisfies readonly [string, ...string[]];

/** A request line's target and a body for an operation. */
export function fill(dice: Dice, { method, path, fields }: Operation): {
  readonly target: string;
  readonly body: string | undefined;
} {
  const filled = path.replace(/\{[^}]+\}/g, () => dice.pick(names));
  const query = method === "GET" && dice.chance(0.3) ? "?list=true" : "";
  const body = method === "GET" || method === "DELETE" ? undefined : nastyObject(dice, fields);
  return { target: `/v1${filled}${query}`, body };
}
