/** Words, quoted texts and signs of a condition. */
import { badRequest } from "../base/failure.ts";

export interface Token {
  readonly kind: "word" | "text" | "sign";
  readonly text: string;
  /** Its first character, from 0. */
  readonly at: number;
}

const shapes = [
  ["sign", /==|!=|[()]/y],
  ["word", /[^\s()"`=!]+/y],
  ["text", /"(?:[^"\\]|\\.)*"|`[^`]*`/y],
] as const;

/** Throws a 400 `Failure` for what is none of them. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text[at] ?? "")) {
      at++;
      continue;
    }
    const token = tokenAt(text, at);
    if (token === undefined) {
      throw badRequest(`at character ${at + 1}: ${JSON.stringify(text[at])} was not expected`);
    }
    tokens.push({ kind: token.kind, text: unquoted(token.source), at });
    at += token.source.length;
  }
  return tokens;
}

function tokenAt(text: string, at: number) {
  for (const [kind, shape] of shapes) {
    shape.lastIndex = at;
    const source = shape.exec(text)?.[0];
    if (source !== undefined) return { kind, source };
  }
  return undefined;
}

function unquoted(source: string): string {
  if (source.startsWith("`")) return source.slice(1, -1);
  if (!source.startsWith('"')) return source;
  return source.slice(1, -1).replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
