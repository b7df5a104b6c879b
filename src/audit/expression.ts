/**
 * Conditions over audit entries, in the grammar of go-bexpr that Vault documents for `filter` and
 * `exclude`: `mount_type == kv and not (path matches "^secret/data/ci" or operation in "read")`.
 *
 * A selector is a name, a dotted name, or a JSON pointer in quotes. Values are words or texts in
 * double quotes or backquotes. `or` binds weaker than `and`, `and` weaker than `not`.
 */
import { badRequest } from "../base/failure.ts";
import { type Token, tokenize } from "./expression_tokens.ts";

/** Where a value lies: names from the outside inwards. */
export type Selector = readonly string[];

export type Comparison = "equal" | "contains" | "matches" | "empty";

export type Expression =
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "not"; readonly of: Expression }
  | {
    readonly kind: "compare";
    readonly selector: Selector;
    readonly comparison: Comparison;
    /** What it is compared with; "" for `empty`. */
    readonly value: string;
    /** For `matches` only. */
    readonly pattern?: RegExp;
  };

/** Characters of an expression, and how deep its parentheses may be. */
const lengthMax = 4096;
const depthMax = 64;

/** Reads an expression. Throws a 400 `Failure` that says what is wrong, and where. */
export function parseExpression(text: string): Expression {
  if (text.length > lengthMax) throw badRequest(`it is longer than ${lengthMax} characters`);
  return new Parser(tokenize(text), text.length).whole();
}

/** All selectors in it. */
export function selectorsOf(expression: Expression): Selector[] {
  if (expression.kind === "compare") return [expression.selector];
  if (expression.kind === "not") return selectorsOf(expression.of);
  return [...selectorsOf(expression.left), ...selectorsOf(expression.right)];
}

class Parser {
  #at = 0;
  #depth = 0;

  constructor(readonly tokens: readonly Token[], readonly end: number) {}

  whole(): Expression {
    const expression = this.#or();
    if (this.#peek() !== undefined) throw this.#unexpected("and, or, or the end");
    return expression;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#takeWord("or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#takeWord("and")) left = { kind: "and", left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (++this.#depth > depthMax) throw badRequest(`it is nested deeper than ${depthMax}`);
    try {
      if (this.#takeWord("not")) return { kind: "not", of: this.#not() };
      if (!this.#take("(")) return this.#comparison();
      const inner = this.#or();
      if (!this.#take(")")) throw this.#unexpected('")"');
      return inner;
    } finally {
      this.#depth--;
    }
  }

  #comparison(): Expression {
    const left = this.#operand("a name or a value");
    const negated = this.#takeWord("not");
    if (this.#takeWord("in")) {
      const selector = readSelector(this.#operand("a name"));
      return negate(negated, compare(selector, "contains", left.text));
    }
    const selector = readSelector(left);
    if (this.#takeWord("contains")) return negate(negated, this.#with(selector, "contains"));
    if (this.#takeWord("matches")) return negate(negated, this.#with(selector, "matches"));
    if (negated) throw this.#unexpected("in, contains or matches");
    if (this.#takeWord("is")) {
      const isNot = this.#takeWord("not");
      if (!this.#takeWord("empty")) throw this.#unexpected("empty");
      return negate(isNot, compare(selector, "empty", ""));
    }
    if (this.#take("==")) return this.#with(selector, "equal");
    if (this.#take("!=")) return negate(true, this.#with(selector, "equal"));
    throw this.#unexpected("==, !=, in, contains, matches or is");
  }

  #with(selector: Selector, comparison: Comparison): Expression {
    return compare(selector, comparison, this.#operand("a value").text);
  }

  #operand(wanted: string): Token {
    const token = this.#peek();
    if (token === undefined || token.kind === "sign") throw this.#unexpected(wanted);
    this.#at++;
    return token;
  }

  #peek(): Token | undefined {
    return this.tokens[this.#at];
  }

  #take(sign: string): boolean {
    return this.#takeOf("sign", sign);
  }

  #takeWord(word: string): boolean {
    return this.#takeOf("word", word);
  }

  #takeOf(kind: Token["kind"], text: string): boolean {
    const token = this.#peek();
    if (token?.kind !== kind || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #unexpected(wanted: string): Error {
    const token = this.#peek();
    const found = token === undefined ? "the end" : JSON.stringify(token.text);
    return badRequest(
      `at character ${(token?.at ?? this.end) + 1}: ${wanted} was expected, not ${found}`,
    );
  }
}

function compare(selector: Selector, comparison: Comparison, value: string): Expression {
  const compared = { kind: "compare", selector, comparison, value } as const;
  return comparison === "matches" ? { ...compared, pattern: readPattern(value) } : compared;
}

function negate(isNegated: boolean, of: Expression): Expression {
  return isNegated ? { kind: "not", of } : of;
}

function readSelector({ kind, text, at }: Token): Selector {
  if (kind === "word") return text.split(".");
  if (!text.startsWith("/")) {
    throw badRequest(`at character ${at + 1}: ${JSON.stringify(text)} is no JSON pointer`);
  }
  return readPointer(text);
}

/** The names of a JSON pointer (RFC 6901). */
export function readPointer(text: string): Selector {
  return text.slice(1).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text, "u");
  } catch (cause) {
    throw badRequest(`${JSON.stringify(text)} is no regular expression`, cause);
  }
}
