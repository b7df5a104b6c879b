import type { Source } from "./source.ts";
import { readHeredoc, readString } from "./strings.ts";

export interface Token {
  readonly kind:
    | "identifier"
    | "string"
    | "heredoc"
    | "number"
    | "{"
    | "}"
    | "["
    | "]"
    | "="
    | ","
    | "end";
  /** Where it starts. */
  readonly offset: number;
  /** Name, unescaped string, or the number as written. */
  readonly text: string;
}

const identifierStart = /[\p{L}_]/u;
const identifier = /[\p{L}_][\p{L}\p{Nd}_.-]*/uy;
const numeral = /-?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y;

/** Reads the next token of HCL 1 text. Throws HclError. */
export function nextToken(source: Source): Token {
  skipBlanks(source);
  const offset = source.offset;
  if (source.ended) return { kind: "end", offset, text: "" };
  const char = source.text.charAt(offset);
  switch (char) {
    case "{":
    case "}":
    case "[":
    case "]":
    case "=":
    case ",":
      source.offset++;
      return { kind: char, offset, text: char };
    case '"':
      return { kind: "string", offset, text: readString(source) };
    case "<":
      return { kind: "heredoc", offset, text: readHeredoc(source) };
  }
  if (/[0-9-]/.test(char)) return { kind: "number", offset, text: readNumeral(source) };
  return { kind: "identifier", offset, text: readIdentifier(source) };
}

/** The value of a numeral: hexadecimal, octal (a leading 0), decimal, fraction, exponent. */
export function numeralValue(text: string): number | undefined {
  const negative = text.startsWith("-");
  const digits = negative ? text.slice(1) : text;
  let value: number;
  if (/^0[xX]/.test(digits)) value = Number(digits);
  else if (/^0[0-7]+$/.test(digits)) value = Number.parseInt(digits, 8);
  else if (/^0[0-9]+$/.test(digits)) return undefined;
  else value = Number(digits);
  if (!Number.isFinite(value)) return undefined;
  return negative ? -value : value;
}

function skipBlanks(source: Source): void {
  for (;;) {
    const char = source.peek();
    if (char === 32 || char === 9 || char === 10 || char === 13) source.offset++;
    else if (char === 35 || (char === 47 && source.peek(1) === 47)) skipLine(source);
    else if (char === 47 && source.peek(1) === 42) skipBlockComment(source);
    else return;
  }
}

function skipLine(source: Source): void {
  const newline = source.text.indexOf("\n", source.offset);
  source.offset = newline === -1 ? source.text.length : newline + 1;
}

function skipBlockComment(source: Source): void {
  const close = source.text.indexOf("*/", source.offset + 2);
  if (close === -1) source.fail(source.offset, "this comment is never closed with */");
  source.offset = close + 2;
}

function readIdentifier(source: Source): string {
  identifier.lastIndex = source.offset;
  const match = identifier.exec(source.text);
  if (match === null) return refuse(source);
  source.offset = identifier.lastIndex;
  return match[0];
}

function readNumeral(source: Source): string {
  numeral.lastIndex = source.offset;
  const match = numeral.exec(source.text);
  if (match === null) return refuse(source);
  source.offset = numeral.lastIndex;
  const after = source.text.charAt(source.offset);
  if (after === "." || identifierStart.test(after)) {
    source.fail(source.offset, `unexpected "${after}" in a number`);
  }
  return match[0];
}

function refuse(source: Source): never {
  const code = source.text.codePointAt(source.offset) ?? 0;
  const shown = code < 32 || code === 127
    ? `control character ${code}`
    : JSON.stringify(String.fromCodePoint(code));
  source.fail(source.offset, `unexpected ${shown}`);
}
