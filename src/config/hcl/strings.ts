import type { Source } from "./source.ts";

const simpleEscapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
};

/** Runs of characters that need no care in a quoted string. */
const plainRun = /[^"\\$\n\0]+/y;

/** Reads a quoted string; the reading position is at its first quote. */
export function readString(source: Source): string {
  const start = source.offset++;
  let out = "";
  for (;;) {
    plainRun.lastIndex = source.offset;
    const run = plainRun.exec(source.text);
    if (run !== null) {
      out += run[0];
      source.offset += run[0].length;
    }
    const char = source.text.charAt(source.offset);
    if (char === '"') {
      source.offset++;
      return out;
    }
    if (char === "\\") out += readEscape(source);
    else if (char === "$") out += readDollar(source);
    else if (char === "\0" && !source.ended) source.fail(source.offset, "a NUL character");
    else source.fail(start, "this string is not closed on its line");
  }
}

/** Reads one escape sequence; the reading position is at the backslash. */
function readEscape(source: Source): string {
  const start = source.offset;
  const char = source.text.charAt(start + 1);
  const simple = simpleEscapes[char];
  if (simple !== undefined) {
    source.offset += 2;
    return simple;
  }
  if (char === "x") return readCode(source, start + 2, 2, 16);
  if (char === "u") return readCode(source, start + 2, 4, 16);
  if (char === "U") return readCode(source, start + 2, 8, 16);
  if (char >= "0" && char <= "7") return readCode(source, start + 1, 3, 8);
  return source.fail(start, `unknown escape \\${char}`);
}

function readCode(source: Source, from: number, length: number, radix: 8 | 16): string {
  const digits = source.text.slice(from, from + length);
  const allowed = radix === 8 ? /^[0-7]+$/ : /^[0-9a-fA-F]+$/;
  const code = Number.parseInt(digits, radix);
  if (digits.length < length || !allowed.test(digits) || code > 0x10ffff) {
    source.fail(from, "a malformed escape in a string");
  }
  source.offset = from + length;
  return String.fromCodePoint(code);
}

/** A dollar, or a whole `${…}` which is kept as it is, quotes inside it included. */
function readDollar(source: Source): string {
  const start = source.offset;
  if (source.peek(1) !== 123) {
    source.offset++;
    return "$";
  }
  let depth = 0;
  for (let at = start + 1; at < source.text.length; at++) {
    const char = source.text.charCodeAt(at);
    if (char === 123) depth++;
    else if (char === 125 && --depth === 0) {
      source.offset = at + 1;
      return source.text.slice(start, at + 1);
    }
  }
  return source.fail(start, "this ${ is never closed with }");
}

const heredocMark = /<<(-?)([\p{L}\p{Nd}_.-]+)[ \t]*\r?\n/uy;

/**
 * Reads `<<MARK` up to the line that holds MARK alone. With `<<-MARK` the indentation of that last
 * line is taken off every line, where every line has it.
 */
export function readHeredoc(source: Source): string {
  const start = source.offset;
  heredocMark.lastIndex = start;
  const opening = heredocMark.exec(source.text);
  if (opening === null) source.fail(start, "expected a heredoc: <<NAME and a line break");
  const mark = opening[2] ?? "";
  const lines: string[] = [];
  let at = heredocMark.lastIndex;
  while (at < source.text.length) {
    const newline = source.text.indexOf("\n", at);
    const end = newline === -1 ? source.text.length : newline;
    const line = source.text.slice(at, end);
    if (line.trim() === mark) {
      source.offset = end;
      const indent = opening[1] === "-" ? line.slice(0, line.indexOf(mark)) : "";
      return unindent(lines, indent).map((text) => `${text}\n`).join("");
    }
    lines.push(line);
    at = end + 1;
  }
  return source.fail(start, `this heredoc is never closed with ${mark}`);
}

function unindent(lines: readonly string[], indent: string): readonly string[] {
  if (indent === "") return lines;
  const blank = (line: string) => line.trim() === "";
  if (!lines.every((line) => line.startsWith(indent) || blank(line))) return lines;
  return lines.map((line) => line.startsWith(indent) ? line.slice(indent.length) : line);
}
