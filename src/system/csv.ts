/** Records as CSV (RFC 4180): what lies within a field is a column of its own, `field.key` or `field.0`. */
import { isJsonObject, type JsonObject, type JsonValue } from "../logical/json.ts";

/** Cells by column, in the record's order. */
function cellsOf(record: JsonObject): Map<string, string> {
  const cells = new Map<string, string>();
  for (const [name, value] of Object.entries(record)) {
    if (Array.isArray(value)) value.forEach((each, i) => cells.set(`${name}.${i}`, text(each)));
    else if (isJsonObject(value)) {
      for (const [key, each] of Object.entries(value)) cells.set(`${name}.${key}`, text(each));
    } else cells.set(name, text(value));
  }
  return cells;
}

function text(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Adds what a record has to the columns. */
export function noteColumns(record: JsonObject, columns: Set<string>): void {
  for (const column of cellsOf(record).keys()) columns.add(column);
}

export function csvHead(columns: ReadonlySet<string>): string {
  return `${[...columns].map(quoted).join(",")}\n`;
}

/** A record that lacks a column leaves it empty. */
export function csvLine(record: JsonObject, columns: ReadonlySet<string>): string {
  const cells = cellsOf(record);
  return `${[...columns].map((column) => quoted(cells.get(column) ?? "")).join(",")}\n`;
}

/**
 * A name that a spreadsheet would take for a formula is made a text: whoever can choose a name must not
 * choose what an operator's machine computes.
 */
function quoted(cell: string): string {
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
