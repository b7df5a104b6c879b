import type { HclItem, HclObject, HclValue } from "./ast.ts";
import type { Source } from "./source.ts";

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const words = /true|false|null/y;

/** Parses the JSON form (RFC 8259), an object at the top. Throws HclError. */
export function parseJsonForm(source: Source): HclObject {
  skipBlanks(source);
  const body = readObject(source, 0);
  skipBlanks(source);
  if (!source.ended) source.fail(source.offset, "expected the end of the text");
  return body;
}

function readValue(source: Source, depth: number): HclValue {
  const char = source.text.charAt(source.offset);
  if (char === "{") return readObject(source, depth);
  if (char === "[") return readList(source, depth);
  const at = source.position(source.offset);
  if (char === '"') return { kind: "string", at, value: readText(source) };
  const numeral = take(source, number);
  if (numeral !== undefined) {
    const value = Number(numeral);
    if (!Number.isFinite(value)) source.fail(source.offset, `${numeral} is too large`);
    return { kind: "number", at, value, text: numeral };
  }
  const word = take(source, words);
  if (word === undefined) return source.fail(source.offset, "expected a JSON value");
  return word === "null" ? { kind: "null", at } : { kind: "bool", at, value: word === "true" };
}

function readObject(source: Source, depth: number): HclObject {
  const at = source.position(source.offset);
  open(source, "{", depth);
  const items: HclItem[] = [];
  if (closed(source, "}")) return { kind: "object", at, items };
  do {
    skipBlanks(source);
    const offset = source.offset;
    if (source.text.charAt(offset) !== '"') source.fail(offset, "expected a name in quotes");
    const key = { at: source.position(offset), text: readText(source) };
    expect(source, ":");
    skipBlanks(source);
    items.push({ at: key.at, keys: [key], value: readValue(source, depth + 1) });
  } while (more(source, "}"));
  return { kind: "object", at, items };
}

function readList(source: Source, depth: number): HclValue {
  const at = source.position(source.offset);
  open(source, "[", depth);
  const items: HclValue[] = [];
  if (closed(source, "]")) return { kind: "list", at, items };
  do {
    skipBlanks(source);
    items.push(readValue(source, depth + 1));
  } while (more(source, "]"));
  return { kind: "list", at, items };
}

function open(source: Source, bracket: string, depth: number): void {
  if (depth >= source.limits.depthMax) {
    source.fail(source.offset, `nested deeper than ${source.limits.depthMax}`);
  }
  expect(source, bracket);
}

function closed(source: Source, bracket: string): boolean {
  skipBlanks(source);
  if (source.text.charAt(source.offset) !== bracket) return false;
  source.offset++;
  return true;
}

/** True after a comma, false after the closing bracket; both are eaten. */
function more(source: Source, bracket: string): boolean {
  if (closed(source, bracket)) return false;
  if (source.text.charAt(source.offset) !== ",") {
    source.fail(source.offset, `expected "," or "${bracket}"`);
  }
  source.offset++;
  return true;
}

function expect(source: Source, char: string): void {
  skipBlanks(source);
  if (source.text.charAt(source.offset) !== char) {
    source.fail(source.offset, `expected ${JSON.stringify(char)}`);
  }
  source.offset++;
}

function readText(source: Source): string {
  const start = source.offset;
  for (let at = start + 1; at < source.text.length; at++) {
    const char = source.text.charCodeAt(at);
    if (char === 92) at++;
    else if (char === 34) {
      source.offset = at + 1;
      return unescape(source, start, source.text.slice(start, at + 1));
    }
  }
  return source.fail(start, "this string is never closed");
}

function unescape(source: Source, start: number, literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return source.fail(start, "this string holds a malformed escape or a control character");
  }
}

function take(source: Source, pattern: RegExp): string | undefined {
  pattern.lastIndex = source.offset;
  const match = pattern.exec(source.text);
  if (match === null) return undefined;
  source.offset = pattern.lastIndex;
  return match[0];
}

function skipBlanks(source: Source): void {
  for (;;) {
    const char = source.peek();
    if (char !== 32 && char !== 9 && char !== 10 && char !== 13) return;
    source.offset++;
  }
}
