/**
 * Typed request fields. Values are read as this API has always read them: a number may come as
 * text, a list as text with commas, a duration as "1h30m" or as seconds.
 */
import { badRequest } from "../base/failure.ts";
import { parseDuration } from "../config/units.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "../logical/json.ts";

export type FieldKind =
  | "string"
  | "lowercase"
  | "int"
  | "float"
  | "bool"
  | "duration"
  | "list"
  | "ints"
  | "map"
  | "pairs"
  | "objects"
  | "any";

/** A field and how its value is read. T includes undefined where there is no default. */
export interface Field<T> {
  readonly kind: FieldKind;
  readonly description: string;
  readonly default: T;
  /** The value, or throws a sentence without the field's name and without the value. */
  read(value: JsonValue): T;
}

export type FieldMap = Readonly<Record<string, Field<unknown>>>;

/** The value's type of a field. */
export type FieldValue<F> = F extends Field<infer T> ? T : never;

/** Thrown by `read`; the caller adds the field's name. */
class Unreadable extends Error {}

function define<T, V extends T>(
  kind: FieldKind,
  read: (value: JsonValue) => V,
  description: string,
  fallback: T,
): Field<T> {
  return { kind, description, default: fallback, read };
}

/** The text of a scalar, as weak typing takes it. */
function scalarText(value: JsonValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return value ? "1" : "0";
  if (isRawNumber(value)) return value.rawJSON;
  if (value === null) return "";
  throw new Unreadable("expected a string");
}

function readInt(value: JsonValue): number {
  if (value === null || value === "") return 0;
  const number = typeof value === "boolean" ? Number(value) : Number(scalarText(value));
  if (!Number.isSafeInteger(Math.trunc(number))) throw new Unreadable("expected an integer");
  if (typeof value === "string" && !Number.isInteger(number)) {
    throw new Unreadable("expected an integer");
  }
  return Math.trunc(number);
}

function readFloat(value: JsonValue): number {
  const number = Number(scalarText(value));
  if (!Number.isFinite(number)) throw new Unreadable("expected a number");
  return number;
}

function readBool(value: JsonValue): boolean {
  if (typeof value === "boolean") return value;
  if (value === null) return false;
  const text = scalarText(value);
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False", ""].includes(text)) return false;
  if (typeof value === "number") return value !== 0;
  throw new Unreadable("expected a boolean");
}

function readDuration(value: JsonValue): number {
  if (value === null) return 0;
  const text = scalarText(value).trim();
  if (text === "") return 0;
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new Unreadable("expected a duration, such as 30m or 3600");
  return Math.trunc(seconds);
}

function readList(value: JsonValue): string[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value.map(scalarText).map((s) => s.trim());
  return scalarText(value).split(",").map((s) => s.trim()).filter((s) => s !== "");
}

function readInts(value: JsonValue): number[] {
  if (Array.isArray(value)) return value.map(readInt);
  return readList(value).map(readInt);
}

function readMap(value: JsonValue): JsonObject {
  if (value === null) return {};
  if (isJsonObject(value)) return value;
  throw new Unreadable("expected an object");
}

function readPairs(value: JsonValue): Record<string, string> {
  const pairs: Record<string, string> = {};
  if (value === null || value === "") return pairs;
  if (isJsonObject(value)) {
    for (const [key, item] of Object.entries(value)) pairs[key] = scalarText(item ?? "");
    return pairs;
  }
  for (const pair of readList(value)) {
    const eq = pair.indexOf("=");
    if (eq < 0) throw new Unreadable("expected key=value pairs or an object");
    pairs[pair.slice(0, eq)] = pair.slice(eq + 1);
  }
  return pairs;
}

function readObjects(value: JsonValue): JsonObject[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw new Unreadable("expected a list of objects");
  return value.map(readMap);
}

type Maker<V> = {
  (description: string): Field<V | undefined>;
  (description: string, fallback: V): Field<V>;
};

function maker<V>(kind: FieldKind, read: (value: JsonValue) => V): Maker<V> {
  function make(description: string): Field<V | undefined>;
  function make(description: string, fallback: V): Field<V>;
  function make(description: string, fallback?: V): Field<V | undefined> {
    return define<V | undefined, V>(kind, read, description, fallback);
  }
  return make;
}

/** The kinds of field: `field.string("what it is", default?)`. */
export const field = {
  string: maker<string>("string", scalarText),
  lowercase: maker<string>("lowercase", (value) => scalarText(value).toLowerCase()),
  int: maker<number>("int", readInt),
  float: maker<number>("float", readFloat),
  bool: maker<boolean>("bool", readBool),
  /** Whole seconds. */
  duration: maker<number>("duration", readDuration),
  list: maker<string[]>("list", readList),
  ints: maker<number[]>("ints", readInts),
  map: maker<JsonObject>("map", readMap),
  pairs: maker<Record<string, string>>("pairs", readPairs),
  objects: maker<JsonObject[]>("objects", readObjects),
  any: maker<JsonValue>("any", (value) => value),
};

/** Reads one field of a request; a 400 names the field when the value can't be read. */
export function readField<T>(name: string, declared: Field<T>, value: JsonValue | undefined): T {
  if (value === undefined) return declared.default;
  try {
    return declared.read(value);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw badRequest(`error converting input for field "${name}": ${error.message}`);
  }
}

/** The values of declared fields. */
export type FieldValues<F extends FieldMap> = { readonly [K in keyof F]: FieldValue<F[K]> };

/** Reads declared fields of an object that is no request's body; a 400 names the field. */
export function readFields<F extends FieldMap>(declared: F, data: JsonObject): FieldValues<F> {
  const read: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(declared)) read[name] = readField(name, one, data[name]);
  return narrowFields<F>(read);
}

/** The values of declared fields: those that `data` gives, the others as they were `before`. */
export function patchFields<F extends FieldMap>(
  declared: F,
  before: FieldValues<F>,
  data: JsonObject,
): FieldValues<F> {
  const read: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(declared)) {
    const given = data[name];
    read[name] = given === undefined ? before[name] : readField(name, one, given);
  }
  return narrowFields<F>(read);
}

/** Every field was read by its own declaration just above. */
function narrowFields<F extends FieldMap>(read: Record<string, unknown>): FieldValues<F> {
  return read as FieldValues<F>;
}

/** The last millisecond of the year 9999: what comes later has no form that the API can show. */
const latestTime = 253_402_300_799_999;

/** Throws a 400 that names the first of these that is no time in milliseconds since the epoch. */
export function checkTimes(times: Readonly<Record<string, number>>): void {
  for (const [name, time] of Object.entries(times)) {
    if (time < 0 || time > latestTime) throw badRequest(`${name} is out of range`);
  }
}
