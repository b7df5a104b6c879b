/** Fields of the other program's JSON, with Go's zero where they are missing or null. */
import type { JsonObject } from "../logical/json.ts";

export function textAt(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

export function numberAt(object: JsonObject, name: string): number {
  const value = object[name];
  return typeof value === "number" ? value : 0;
}

export function flagAt(object: JsonObject, name: string): boolean {
  return object[name] === true;
}

export function textsAt(object: JsonObject, name: string): string[] {
  const value = object[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function objectAt(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return value instanceof Object && !Array.isArray(value) && !("rawJSON" in value) ? value : {};
}

/** A Go duration, which is stored in nanoseconds, in whole seconds. */
export function secondsAt(object: JsonObject, name: string): number {
  return Math.trunc(numberAt(object, name) / 1e9);
}

/** RFC 3339 in milliseconds since the epoch; 0 for Go's zero time. */
export function timeAt(object: JsonObject, name: string): number {
  const text = textAt(object, name);
  if (text === "" || text.startsWith("0001-01-01")) return 0;
  const time = Date.parse(text);
  return Number.isNaN(time) ? 0 : time;
}
