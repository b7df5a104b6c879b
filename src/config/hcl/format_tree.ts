import { nextToken, type Token } from "./lexer.ts";
import { defaultHclLimits, Source } from "./source.ts";

/** The items of a text that is known to be well-formed, with their comments. */
export function readTree(text: string): { items: readonly Tree[]; rest: readonly string[] } {
  const reader = new TreeReader(readTokens(text));
  const items = reader.items();
  return { items, rest: reader.rest };
}

interface Word {
  readonly kind: Token["kind"];
  /** As written. */
  readonly raw: string;
  /** Comment lines above it, on their own lines; "" for a blank line. */
  readonly above: readonly string[];
  /** Comment behind it on its line, or "". */
  behind: string;
  /** Begins a line. */
  readonly fresh: boolean;
}

function readTokens(text: string): Word[] {
  const source = new Source(text, "", defaultHclLimits);
  const words: Word[] = [];
  for (;;) {
    const from = source.offset;
    const token = nextToken(source);
    const gap = splitGap(text.slice(from, token.offset), words.length === 0);
    const before = words.at(-1);
    if (before !== undefined) before.behind = gap.behind;
    const raw = text.slice(token.offset, source.offset);
    words.push({ kind: token.kind, raw, above: gap.above, behind: "", fresh: gap.fresh });
    if (token.kind === "end") return words;
  }
}

interface Gap {
  readonly behind: string;
  readonly above: readonly string[];
  readonly fresh: boolean;
}

/** Comments between two tokens: those behind the first, and those above the second. */
function splitGap(gap: string, atStart: boolean): Gap {
  const above: string[] = [];
  const behind: string[] = [];
  let fresh = atStart;
  let newlines = 0;
  for (const [piece] of gap.matchAll(/\n|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\//g)) {
    if (piece === "\n") {
      fresh = true;
      newlines++;
      continue;
    }
    if (fresh && newlines > 1) above.push("");
    const sameLine = newlines === 0 ? above.pop() : undefined;
    if (sameLine !== undefined) above.push(`${sameLine} ${piece.trimEnd()}`);
    else (fresh ? above : behind).push(piece.trimEnd());
    newlines = 0;
  }
  if (newlines > 1) above.push("");
  return { behind: behind.join(" "), above, fresh };
}

/** An attribute or block. */
export interface Tree {
  readonly above: readonly string[];
  /** Keys, and for an attribute the equals sign. */
  readonly head: string;
  readonly attribute: boolean;
  readonly value: Value;
  readonly behind: string;
}

export type Value =
  | { readonly kind: "raw"; readonly raw: string }
  | {
    readonly kind: "object";
    readonly items: readonly Tree[];
    /** Comments before the closing bracket. */
    readonly rest: readonly string[];
  }
  | {
    readonly kind: "list";
    /** Was written over several lines. */
    readonly open: boolean;
    readonly items: readonly Element[];
    readonly rest: readonly string[];
  };

export interface Element {
  readonly above: readonly string[];
  readonly fresh: boolean;
  readonly value: Value;
  readonly behind: string;
}

/** Builds the tree; the text is known to be well-formed. */
class TreeReader {
  #at = 0;
  /** Comments before the last closing brace or the end. */
  rest: readonly string[] = [];

  constructor(readonly words: readonly Word[]) {}

  items(): Tree[] {
    const out: Tree[] = [];
    while (this.#now.kind !== "}" && this.#now.kind !== "end") {
      out.push(this.#item());
    }
    this.rest = this.#now.above;
    return out;
  }

  #item(): Tree {
    const above = this.#now.above;
    const keys: string[] = [];
    const asides: string[] = [];
    while (this.#now.kind === "identifier" || this.#now.kind === "string") {
      keys.push(this.#now.raw);
      this.#take(asides, keys.length === 1);
    }
    const attribute = this.#now.kind === "=";
    if (attribute) this.#take(asides);
    const value = this.#value(asides);
    if (this.#now.kind === ",") this.#take(asides);
    const head = keys.join(" ");
    // The line that ends a heredoc must hold nothing else.
    if (value.kind === "raw" && value.raw.startsWith("<<")) {
      return { above: [...above, ...asides], head, attribute, value, behind: "" };
    }
    return { above, head, attribute, value, behind: asides.join(" ") };
  }

  #value(asides: string[], claimed = false): Value {
    const { kind, raw } = this.#now;
    if (kind !== "{" && kind !== "[") {
      this.#take(asides, claimed);
      return { kind: "raw", raw };
    }
    const opening: string[] = [];
    this.#take(opening, claimed);
    if (kind === "{") {
      const items = this.items();
      const object = { kind: "object", ...withOpening(opening, items, this.rest) } as const;
      this.#take(asides, true);
      return object;
    }
    const items = this.#elements();
    const open = this.#now.fresh && items.length > 0 || items.some(({ fresh }) => fresh);
    const rest = this.#now.above.filter((line) => line !== "");
    this.#take(asides, true);
    return { kind: "list", open, ...withOpening(opening, items, rest) };
  }

  #elements(): Element[] {
    const out: Element[] = [];
    while (this.#now.kind !== "]") {
      const { above, fresh } = this.#now;
      const asides: string[] = [];
      const value = this.#value(asides, true);
      if (this.#now.kind === ",") this.#take(asides);
      out.push({ above, fresh, value, behind: asides.join(" ") });
    }
    return out;
  }

  get #now(): Word {
    const end = { kind: "end", raw: "", above: [], behind: "", fresh: true } as const;
    return this.words[this.#at] ?? end;
  }

  /**
   * Goes on, keeping the comments that would get lost.
   * @param claimed those above are kept elsewhere
   */
  #take(asides: string[], claimed = false): void {
    const word = this.#now;
    this.#at++;
    if (!claimed) asides.push(...word.above.filter((line) => line !== ""));
    if (word.behind !== "") asides.push(word.behind);
  }
}

/** Comments behind an opening bracket go above what comes first. */
function withOpening<T extends { readonly above: readonly string[] }>(
  opening: readonly string[],
  items: readonly T[],
  rest: readonly string[],
): { items: readonly T[]; rest: readonly string[] } {
  const first = items[0];
  if (opening.length === 0) return { items, rest };
  if (first === undefined) return { items, rest: [...opening, ...rest] };
  const moved = { ...first, above: [...opening, ...first.above] };
  return { items: [moved, ...items.slice(1)], rest };
}
