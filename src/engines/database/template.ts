/**
 * Templates of user names: Go's notation as far as such names need it. Texts and `{{ … }}` with a
 * pipeline of function calls; arguments are texts, numbers, `.Fields` and calls in parentheses.
 */
import { badRequest } from "../../base/failure.ts";

export type TemplateValue = string | number;
export type TemplateFunction = (args: readonly TemplateValue[]) => TemplateValue;

export interface TemplateScope {
  readonly fields: Readonly<Record<string, string>>;
  readonly functions: Readonly<Record<string, TemplateFunction>>;
}

const token = /\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`|(-?\d+)|\.(\w+)|(\w+)|([()|]))/y;

type Token =
  | { readonly kind: "value"; readonly value: TemplateValue }
  | { readonly kind: "field" | "name" | "mark"; readonly text: string };

function tokens(source: string): Token[] {
  const found: Token[] = [];
  const text = source.trimEnd();
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (match === null) throw badRequest("the template can't be read");
    const [, quoted, raw, number, fieldName, name, mark] = match;
    if (quoted !== undefined) found.push({ kind: "value", value: unquote(quoted) });
    else if (raw !== undefined) found.push({ kind: "value", value: raw });
    else if (number !== undefined) found.push({ kind: "value", value: Number(number) });
    else if (fieldName !== undefined) found.push({ kind: "field", text: fieldName });
    else if (name !== undefined) found.push({ kind: "name", text: name });
    else found.push({ kind: "mark", text: mark ?? "" });
  }
  return found;
}

function unquote(text: string): string {
  const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t" };
  return text.replace(/\\(.)/g, (_whole, c: string) => escapes[c] ?? c);
}

class Evaluation {
  #at = 0;
  constructor(readonly list: readonly Token[], readonly scope: TemplateScope) {}

  run(): TemplateValue {
    const value = this.#pipeline();
    if (this.#at < this.list.length) throw badRequest("the template has a ) too many");
    return value;
  }

  #isMark(text: string): boolean {
    const next = this.list[this.#at];
    return next?.kind === "mark" && next.text === text;
  }

  #pipeline(): TemplateValue {
    let value = this.#command([]);
    while (this.#isMark("|")) {
      this.#at++;
      value = this.#command([value]);
    }
    return value;
  }

  /** A call or a value; what is piped into a call is its last argument. */
  #command(piped: readonly TemplateValue[]): TemplateValue {
    const first = this.list[this.#at];
    if (first?.kind !== "name") {
      if (piped.length > 0) {
        throw badRequest("the template pipes into something that is no function");
      }
      return this.#operand();
    }
    this.#at++;
    const called = Object.hasOwn(this.scope.functions, first.text)
      ? this.scope.functions[first.text]
      : undefined;
    if (called === undefined) throw badRequest(`function "${first.text}" not defined`);
    const args: TemplateValue[] = [];
    while (this.#at < this.list.length && !this.#isMark("|") && !this.#isMark(")")) {
      args.push(this.#operand());
    }
    return called([...args, ...piped]);
  }

  #operand(): TemplateValue {
    const next = this.list[this.#at++];
    if (next === undefined) throw badRequest("the template has an empty or broken-off part");
    if (next.kind === "value") return next.value;
    if (next.kind === "field") {
      const value = Object.hasOwn(this.scope.fields, next.text)
        ? this.scope.fields[next.text]
        : undefined;
      if (value === undefined) throw badRequest(`the template has no field .${next.text}`);
      return value;
    }
    if (next.kind === "name") return this.#call(next.text);
    if (next.text !== "(") throw badRequest(`the template has a misplaced ${next.text}`);
    const value = this.#pipeline();
    if (!this.#isMark(")")) throw badRequest("the template lacks a )");
    this.#at++;
    return value;
  }

  /** A function without arguments, as an argument itself. */
  #call(name: string): TemplateValue {
    const called = Object.hasOwn(this.scope.functions, name)
      ? this.scope.functions[name]
      : undefined;
    if (called === undefined) throw badRequest(`function "${name}" not defined`);
    return called([]);
  }
}

/** The text that a template makes. Throws a 400 for one that is wrong. */
export function renderTemplate(template: string, scope: TemplateScope): string {
  const parts = template.split(/\{\{(-?)((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?)(-?)\}\}/);
  let text = parts[0] ?? "";
  for (let i = 1; i < parts.length; i += 4) {
    const [trimBefore, source = "", trimAfter, after = ""] = parts.slice(i, i + 4);
    if (trimBefore) text = text.trimEnd();
    text += String(new Evaluation(tokens(source), scope).run());
    text += trimAfter ? after.trimStart() : after;
  }
  if (/\{\{|\}\}/.test(text)) throw badRequest("the template has an unclosed {{");
  return text;
}
