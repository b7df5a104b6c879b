/** Which entries a device takes (`filter`), and which fields it leaves out of them (`exclude`). */
import { badRequest, describeError } from "../base/failure.ts";
import {
  isJsonObject,
  isRawNumber,
  type JsonObject,
  type JsonValue,
  parseJson,
} from "../logical/json.ts";
import {
  type Expression,
  parseExpression,
  readPointer,
  type Selector,
  selectorsOf,
} from "./expression.ts";
import type { AuditedRequest } from "./record.ts";

export type Filter = (record: AuditedRequest) => boolean;

/** What a filter can look at; there is nothing else that every entry has. */
const properties: Readonly<Record<string, (record: AuditedRequest) => string>> = {
  mount_point: ({ mount }) => mount?.path ?? "",
  mount_type: ({ mount }) => mount?.type ?? "",
  namespace: ({ request }) => request.namespace.path,
  operation: ({ request }) => request.operation,
  path: ({ request }) => request.path,
};

/** Reads a filter. Throws a 400 `Failure` that says what is wrong. */
export function parseFilter(text: string): Filter {
  const expression = read("filter", text);
  for (const selector of selectorsOf(expression)) {
    const name = selector.join(".");
    if (!Object.hasOwn(properties, name)) {
      const known = Object.keys(properties).join(", ");
      throw badRequest(`filter: there is no property ${JSON.stringify(name)}; there are ${known}`);
    }
  }
  return (record) => holds(expression, ([name = ""]) => properties[name]?.(record));
}

interface Exclusion {
  /** Undefined: always. */
  readonly condition: Expression | undefined;
  readonly fields: readonly Selector[];
}

/** Takes fields out of an entry, in place. */
export type Exclude = (entry: JsonObject) => void;

/** Entries of the list, and fields of each, that one device may have. */
const exclusionsMax = 100;

/**
 * Reads a JSON array of `{condition, fields}`. Conditions look at the entry as it would have been
 * recorded, hashes in place of values. Throws a 400 `Failure` that says what is wrong.
 */
export function parseExclude(text: string): Exclude {
  const exclusions = readList(text).map(readExclusion);
  return (entry) => {
    const due = exclusions.filter(({ condition }) =>
      condition === undefined || holds(condition, (selector) => valueAt(entry, selector))
    );
    for (const { fields } of due) for (const field of fields) remove(entry, field);
  };
}

function readList(text: string): JsonValue[] {
  let list: JsonValue;
  try {
    list = parseJson(text);
  } catch (cause) {
    throw badRequest(`exclude: it is not JSON: ${describeError(cause)}`, cause);
  }
  if (!Array.isArray(list) || list.length > exclusionsMax) {
    throw badRequest(`exclude: a list of at most ${exclusionsMax} objects was expected`);
  }
  return list;
}

function readExclusion(item: JsonValue, i: number): Exclusion {
  const place = `exclude[${i}]`;
  if (!isJsonObject(item)) throw badRequest(`${place}: an object was expected`);
  const { condition = "", fields, ...rest } = item;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw badRequest(`${place}: there is no ${JSON.stringify(unknown)}`);
  if (typeof condition !== "string") throw badRequest(`${place}.condition: a text was expected`);
  if (!Array.isArray(fields) || fields.length === 0 || fields.length > exclusionsMax) {
    throw badRequest(`${place}.fields: 1 to ${exclusionsMax} JSON pointers were expected`);
  }
  return {
    condition: condition === "" ? undefined : read(`${place}.condition`, condition),
    fields: fields.map((field) => {
      if (typeof field !== "string" || !/^\/./.test(field)) {
        throw badRequest(`${place}.fields: a JSON pointer such as "/request/data" was expected`);
      }
      return readPointer(field);
    }),
  };
}

function read(place: string, text: string): Expression {
  try {
    return parseExpression(text);
  } catch (cause) {
    throw badRequest(`${place}: ${describeError(cause)}`, cause);
  }
}

/** What is not there is equal to nothing, contains nothing, and is empty. */
function holds(
  expression: Expression,
  look: (selector: Selector) => JsonValue | undefined,
): boolean {
  switch (expression.kind) {
    case "and":
      return holds(expression.left, look) && holds(expression.right, look);
    case "or":
      return holds(expression.left, look) || holds(expression.right, look);
    case "not":
      return !holds(expression.of, look);
    case "compare":
      return compares(expression, look(expression.selector));
  }
}

function compares(
  { comparison, value, pattern }: Extract<Expression, { kind: "compare" }>,
  found: JsonValue | undefined,
): boolean {
  if (comparison === "empty") return isEmpty(found);
  if (found === undefined || found === null) return false;
  if (comparison === "contains") {
    if (Array.isArray(found)) return found.some((item) => asText(item) === value);
    if (isJsonObject(found) && !isRawNumber(found)) return Object.hasOwn(found, value);
    return asText(found)?.includes(value) ?? false;
  }
  const text = asText(found);
  if (text === undefined) return false;
  return comparison === "equal" ? text === value : pattern?.test(text) ?? false;
}

function asText(value: JsonValue): string | undefined {
  if (isRawNumber(value)) return value.rawJSON;
  return typeof value === "object" ? undefined : String(value);
}

function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && !isRawNumber(value) && Object.keys(value).length === 0;
}

function valueAt(entry: JsonObject, selector: Selector): JsonValue | undefined {
  let value: JsonValue | undefined = entry;
  for (const name of selector) {
    if (typeof value !== "object" || value === null || isRawNumber(value)) return undefined;
    if (Array.isArray(value)) value = value[Number(name)];
    else value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

/** Members of objects only: an item taken out of a list would move the others. */
function remove(entry: JsonObject, selector: Selector): void {
  const holder = valueAt(entry, selector.slice(0, -1));
  const name = selector.at(-1);
  if (name === undefined || holder === undefined || !isJsonObject(holder)) return;
  if (Object.hasOwn(holder, name)) delete holder[name];
}
