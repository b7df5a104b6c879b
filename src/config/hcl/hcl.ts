import { describeKind, type HclItem, type HclKey, type HclObject, type HclValue } from "./ast.ts";
import { nextToken, numeralValue, type Token } from "./lexer.ts";
import type { Source } from "./source.ts";

/** Parses the native form. Throws HclError. Line breaks mean nothing, commas are optional. */
export function parseNative(source: Source): HclObject {
  const parser = new NativeParser(source);
  const body = {
    kind: "object",
    at: { line: 1, column: 1 },
    items: parser.items("end", 0),
  } as const;
  return body;
}

class NativeParser {
  readonly #source: Source;
  #token: Token;

  constructor(source: Source) {
    this.#source = source;
    this.#token = nextToken(source);
  }

  /** Items up to a closing brace or the end, which is eaten. */
  items(closing: "}" | "end", depth: number): HclItem[] {
    const out: HclItem[] = [];
    for (;;) {
      if (this.#token.kind === closing) {
        if (closing === "}") this.#advance();
        return out;
      }
      out.push(this.#item(depth));
      if (this.#token.kind === ",") this.#advance();
    }
  }

  #item(depth: number): HclItem {
    const first = this.#key();
    const keys: [HclKey, ...HclKey[]] = [first];
    while (this.#token.kind === "identifier" || this.#token.kind === "string") {
      keys.push(this.#key());
    }
    if (this.#token.kind === "=") {
      if (keys.length > 1) this.#expected('"{" after the labels of a block');
      this.#advance();
      return { at: first.at, keys, value: this.#value(depth) };
    }
    if (this.#token.kind !== "{") this.#expected(`"=" or "{" after ${JSON.stringify(first.text)}`);
    return { at: first.at, keys, value: this.#object(depth) };
  }

  #key(): HclKey {
    const { kind, offset, text } = this.#token;
    if (kind !== "identifier" && kind !== "string") this.#expected("a name");
    this.#advance();
    return { at: this.#source.position(offset), text };
  }

  #value(depth: number): HclValue {
    const { kind, offset, text } = this.#token;
    if (kind === "{") return this.#object(depth);
    if (kind === "[") return this.#list(depth);
    const at = this.#source.position(offset);
    if (kind === "string" || kind === "heredoc") {
      this.#advance();
      return { kind: "string", at, value: text };
    }
    if (kind === "number") {
      const value = numeralValue(text);
      if (value === undefined) this.#source.fail(offset, `${text} is not a number`);
      this.#advance();
      return { kind, at, value, text };
    }
    if (kind === "identifier" && (text === "true" || text === "false")) {
      this.#advance();
      return { kind: "bool", at, value: text === "true" };
    }
    return this.#expected("a value");
  }

  #object(depth: number): HclObject {
    const at = this.#source.position(this.#token.offset);
    this.#descend(depth);
    this.#advance();
    return { kind: "object", at, items: this.items("}", depth + 1) };
  }

  #list(depth: number): HclValue {
    const at = this.#source.position(this.#token.offset);
    this.#descend(depth);
    this.#advance();
    const items: HclValue[] = [];
    while (!this.#eat("]")) {
      const item = this.#value(depth + 1);
      items.push(item);
      if (this.#eat(",")) continue;
      if (this.#eat("]")) break;
      this.#expected(`"," or "]" after ${describeKind(item)} in a list`);
    }
    return { kind: "list", at, items };
  }

  #eat(kind: "," | "]"): boolean {
    if (this.#token.kind !== kind) return false;
    this.#advance();
    return true;
  }

  #descend(depth: number): void {
    if (depth < this.#source.limits.depthMax) return;
    this.#source.fail(this.#token.offset, `nested deeper than ${this.#source.limits.depthMax}`);
  }

  #advance(): void {
    this.#token = nextToken(this.#source);
  }

  #expected(what: string): never {
    const { kind, text, offset } = this.#token;
    const found = kind === "end" ? "the end of the text" : JSON.stringify(text.slice(0, 40));
    this.#source.fail(offset, `expected ${what}, found ${found}`);
  }
}
