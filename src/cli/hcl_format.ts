/**
 * Lays out HCL: two blanks a level, one item a line, aligned equals signs, comments kept. Works on
 * words rather than on values, so that nothing but blanks and commas ever changes. The text must
 * have been parsed before: what is malformed here is laid out somehow.
 */

interface Word {
  readonly kind: "comment" | "text" | "mark";
  readonly text: string;
  /** Line breaks before it. */
  readonly breaks: number;
}

const pattern = new RegExp(
  [
    String.raw`#[^\n]*|//[^\n]*|/\*[\s\S]*?\*/`,
    String.raw`<<-?\s*(\w+)[ \t]*\n[\s\S]*?\n[ \t]*\1(?=\n|$)`,
    String.raw`"(?:\$\{(?:[^{}]|\{[^{}]*\})*\}|\\.|[^"\\])*"`,
    String.raw`[{}\[\]=,]`,
    String.raw`[^\s{}\[\]=,"#]+`,
  ].map((part, index) => index === 0 ? `(?<comment>${part})` : `(?:${part})`).join("|"),
  "g",
);

function words(original: string): Word[] {
  const source = original.replaceAll("\r\n", "\n");
  const found: Word[] = [];
  let end = 0;
  for (const match of source.matchAll(pattern)) {
    const between = source.slice(end, match.index);
    end = match.index + match[0].length;
    found.push({
      kind: match.groups?.comment !== undefined
        ? "comment"
        : /^[{}\[\]=,]$/.test(match[0])
        ? "mark"
        : "text",
      text: match[0].trimEnd(),
      breaks: between.split("\n").length - 1,
    });
  }
  return found;
}

/** A laid out line, or several, of one item of a body. */
interface Item {
  /** Left of the equals sign; undefined for blocks and comments. */
  readonly name?: string;
  readonly value: string;
  /** Behind it on the same line. */
  comment?: string;
  readonly blankBefore: boolean;
}

class Layout {
  readonly #words: readonly Word[];
  #at = 0;

  constructor(found: readonly Word[]) {
    this.#words = found;
  }

  /** The items up to a closing brace or the end. */
  body(margin: string): string {
    const items: Item[] = [];
    while (this.#peek() !== undefined && this.#peek()?.text !== "}") {
      const word = this.#take();
      const previous = items.at(-1);
      const blankBefore = word.breaks > 1 && previous !== undefined;
      if (word.text === "," && word.kind === "mark") continue;
      if (word.kind !== "comment") items.push(this.#item(word, margin, blankBefore));
      else if (word.breaks === 0 && previous !== undefined && this.#at > 1) {
        previous.comment = word.text;
      } else items.push({ value: word.text, blankBefore });
    }
    return render(items, margin);
  }

  #item(first: Word, margin: string, blankBefore: boolean): Item {
    let name = first.text;
    while (this.#peek()?.kind === "text") name += ` ${this.#take().text}`;
    if (this.#peek()?.text === "=") {
      this.#take();
      return { name, value: this.#value(margin), blankBefore };
    }
    return { value: `${name} ${this.#value(margin)}`, blankBefore };
  }

  #value(margin: string): string {
    const word = this.#peek();
    if (word === undefined) return "";
    this.#take();
    if (word.text === "{" && word.kind === "mark") return this.#block(margin);
    if (word.text === "[" && word.kind === "mark") return this.#list(margin);
    return word.text;
  }

  #block(margin: string): string {
    const inner = this.body(`${margin}  `);
    this.#take();
    return inner === "" ? "{}" : `{\n${inner}\n${margin}}`;
  }

  /** On one line as it was written on one, else an element a line. */
  #list(margin: string): string {
    const deeper = `${margin}  `;
    const elements: { text: string; comment: boolean }[] = [];
    let manyLines = false;
    while (this.#peek() !== undefined && this.#peek()?.text !== "]") {
      const word = this.#peek();
      manyLines ||= (word?.breaks ?? 0) > 0 || word?.kind === "comment";
      if (word?.text === "," && word.kind === "mark") this.#take();
      else if (word?.kind === "comment") elements.push({ text: this.#take().text, comment: true });
      else elements.push({ text: this.#value(deeper), comment: false });
    }
    manyLines ||= (this.#peek()?.breaks ?? 0) > 0;
    this.#take();
    if (elements.length === 0) return "[]";
    if (!manyLines) return `[${elements.map(({ text }) => text).join(", ")}]`;
    const lines = elements.map(({ text, comment }) => deeper + text + (comment ? "" : ","));
    return `[\n${lines.join("\n")}\n${margin}]`;
  }

  #peek(): Word | undefined {
    return this.#words[this.#at];
  }

  #take(): Word {
    return this.#words[this.#at++] ?? { kind: "mark", text: "", breaks: 0 };
  }
}

function render(items: readonly Item[], margin: string): string {
  const lines: string[] = [];
  for (const [index, item] of items.entries()) {
    const before = items[index - 1];
    if (before !== undefined && parted(before, item)) lines.push("");
    const name = item.name === undefined ? "" : `${item.name.padEnd(groupWidth(items, index))} = `;
    const comment = item.comment === undefined ? "" : ` ${item.comment}`;
    lines.push(`${margin}${name}${item.value}${comment}`);
  }
  return lines.join("\n");
}

/** Things of several lines stand apart from their neighbours; a comment stays with what follows. */
function parted(before: Item, item: Item): boolean {
  const isComment = (one: Item) => one.name === undefined && !one.value.endsWith("}");
  if (item.blankBefore) return true;
  if (isComment(before)) return false;
  const startsBlock = item.name === undefined && item.value.endsWith("}");
  return before.value.includes("\n") || (!isComment(item) && item.value.includes("\n")) ||
    (startsBlock && before.name !== undefined);
}

/** Names of attributes on lines without anything between are as wide as the widest. */
function groupWidth(items: readonly Item[], index: number): number {
  const joins = (at: number) => {
    const [item, next] = [items[at], items[at + 1]];
    return item?.name !== undefined && next?.name !== undefined && !next.blankBefore &&
      !item.value.includes("\n") && !next.value.includes("\n");
  };
  let [from, to] = [index, index];
  while (from > 0 && joins(from - 1)) from--;
  while (joins(to)) to++;
  return Math.max(...items.slice(from, to + 1).map((item) => item.name?.length ?? 0));
}

/** The text in its usual form, ending with a line break. */
export function formatHcl(source: string): string {
  const text = new Layout(words(source)).body("");
  return text === "" ? "" : `${text}\n`;
}
