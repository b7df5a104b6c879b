/** JSON as it travels through the API: numbers keep the digits they came with. */
import { badRequest, describeError } from "../base/failure.ts";

/** A number whose exact text a double can't carry (`1.0`, 20 digits), kept verbatim. */
export interface RawNumber {
  readonly rawJSON: string;
}

export type JsonValue = null | boolean | number | string | RawNumber | JsonValue[] | JsonObject;

export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

interface JsonWithSource {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): boolean;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
}

/** The source-text access of ECMAScript 2026, which TypeScript's library does not declare yet. */
function hasSourceAccess(json: object): json is JsonWithSource {
  return "rawJSON" in json && "isRawJSON" in json;
}

const json: object = JSON;
if (!hasSourceAccess(json)) throw new Error("this runtime lacks JSON.rawJSON");
const { rawJSON, isRawJSON } = json;
const reviving = json;

/** Something that could be a number which a double does not print back as it was written. */
const suspicious = /\d[.eE]|\d{16}|-0/;

function keepDigits(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== "number" || context.source === undefined) return value;
  return String(value) === context.source ? value : rawJSON(context.source);
}

/** Parses any JSON text. Throws SyntaxError. */
export function parseJson(text: string): JsonValue {
  const value: unknown = suspicious.test(text)
    ? reviving.parse(text, keepDigits)
    : JSON.parse(text);
  assertJson(value);
  return value;
}

/** What JSON.parse returns is JSON by construction; this only tells the type checker. */
function assertJson(value: unknown): asserts value is JsonValue {
  if (value === undefined) throw new SyntaxError("no value");
}

/** A whole number of any size. */
export function rawInteger(value: bigint): RawNumber {
  return rawJSON(value.toString());
}

export function isRawNumber(value: unknown): value is RawNumber {
  return isRawJSON(value);
}

/** An empty list shows as null where the API has always shown it so. */
export function orNull(list: readonly string[]): string[] | null {
  return list.length === 0 ? null : [...list];
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawJSON(value);
}

/** Limits of a request body; names and defaults are those of the listener's keys. */
export interface JsonLimits {
  readonly maxDepth: number;
  readonly maxStringLength: number;
  readonly maxObjectEntries: number;
  readonly maxArrayElements: number;
  /** Brackets, keys and values, together. */
  readonly maxTokens: number;
}

export const defaultJsonLimits: JsonLimits = {
  maxDepth: 500,
  maxStringLength: 1024 * 1024,
  maxObjectEntries: 10_000,
  maxArrayElements: 10_000,
  maxTokens: 500_000,
};

/**
 * Parses a request body, which must be an object or `null`.
 * Throws a 400 that says what is wrong, also for a body over one of the limits.
 */
export function parseJsonBody(text: string, limits: JsonLimits): JsonObject {
  if (depthOver(text, limits.maxDepth)) {
    throw badRequest(`failed to parse JSON input: nested deeper than ${limits.maxDepth} levels`);
  }
  let value: JsonValue;
  try {
    value = parseJson(halfSurrogate.test(text) ? text.replace(escapes, wellFormed) : text);
  } catch (error) {
    throw badRequest(`failed to parse JSON input: ${jsonComplaint(text, error)}`);
  }
  if (value === null) return {};
  if (!isJsonObject(value)) {
    throw badRequest("failed to parse JSON input: the body must be a JSON object");
  }
  checkLimits(value, limits);
  // None is shorter than a character.
  if (text.length > limits.maxTokens && tokenCount(value) > limits.maxTokens) {
    throw badRequest(`JSON body has more than ${limits.maxTokens} tokens`);
  }
  return value;
}

/** An escape that may be one half of a pair; the other way to write one is no UTF-8. */
const halfSurrogate = /\\u[dD][89a-fA-F]/;
const escapes =
  /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|.)/g;

/** A half alone is no text and can't be stored or encoded: U+FFFD stands for it, as in Go. */
function wellFormed(escape: string): string {
  return /^\\u[dD][89a-fA-F]..$/.test(escape) ? "\\ufffd" : escape;
}

/** V8 quotes the input in its message; the input may hold a secret, so only the place is told. */
function jsonComplaint(text: string, error: unknown): string {
  const at = /at position (\d+)/.exec(describeError(error));
  if (at?.[1] === undefined) return "unexpected end of JSON input";
  const before = text.slice(0, Number(at[1]));
  const line = before.split("\n").length;
  return `invalid character at line ${line}, column ${before.length - before.lastIndexOf("\n")}`;
}

/** Counts brackets outside strings, so that the parser never sees a recursion bomb. */
function depthOver(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > limit) return true;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return false;
}

/** As the readers of other implementations count them: brackets, keys and values. */
function tokenCount(value: JsonValue | undefined): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + tokenCount(one), 2);
  if (!isJsonObject(value)) return 1;
  return Object.values(value).reduce((sum: number, one) => sum + 1 + tokenCount(one), 2);
}

function checkLimits(value: JsonValue, limits: JsonLimits): void {
  if (typeof value === "string") {
    if (value.length > limits.maxStringLength) {
      throw badRequest(`JSON string is longer than ${limits.maxStringLength} characters`);
    }
  } else if (Array.isArray(value)) {
    if (value.length > limits.maxArrayElements) {
      throw badRequest(`JSON array has more than ${limits.maxArrayElements} elements`);
    }
    for (const item of value) checkLimits(item, limits);
  } else if (isJsonObject(value)) {
    const entries = Object.entries(value);
    if (entries.length > limits.maxObjectEntries) {
      throw badRequest(`JSON object has more than ${limits.maxObjectEntries} entries`);
    }
    for (const [key, item] of entries) {
      checkLimits(key, limits);
      if (item !== undefined) checkLimits(item, limits);
    }
  }
}
