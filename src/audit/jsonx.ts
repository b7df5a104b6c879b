/** JSON as XML: IBM's JSONx, one element a value, in a line. Members are sorted by name. */
import { isRawNumber, type JsonObject, type JsonValue } from "../logical/json.ts";

const namespace = 'xmlns:json="http://www.ibm.com/xmlns/prod/2009/jsonx"';

export function jsonxText(entry: JsonObject): string {
  return element("object", ` ${namespace}`, members(entry));
}

function members(object: JsonObject): string {
  return Object.entries(object).sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) =>
    value === undefined ? "" : valueText(value, ` name="${escaped(name)}"`)
  ).join("");
}

function valueText(value: JsonValue, attributes: string): string {
  if (value === null) return `<json:null${attributes} />`;
  if (typeof value === "string") return element("string", attributes, escaped(value));
  if (typeof value === "boolean") return element("boolean", attributes, String(value));
  if (typeof value === "number") return element("number", attributes, String(value));
  if (isRawNumber(value)) return element("number", attributes, value.rawJSON);
  if (Array.isArray(value)) {
    return element("array", attributes, value.map((item) => valueText(item, "")).join(""));
  }
  return element("object", attributes, members(value));
}

function element(type: string, attributes: string, content: string): string {
  return `<json:${type}${attributes}>${content}</json:${type}>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Characters that XML 1.0 can't hold become its sign for "unknown"; line feeds stay in the line. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char)
    .replace(/[\n\r\t]/g, (char) => `&#${char.charCodeAt(0)};`)
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1f\ufffe\uffff]|[\ud800-\udfff]/gu, "\ufffd");
}
