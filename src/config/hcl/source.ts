import type { Position } from "./ast.ts";
import { HclError } from "./error.ts";

/** Limits that keep a hostile text from costing more than its length. */
export interface HclLimits {
  /** UTF-16 units of text. */
  readonly sizeMax: number;
  /** Nested lists and objects. */
  readonly depthMax: number;
}

export const defaultHclLimits: HclLimits = { sizeMax: 8 * 1024 * 1024, depthMax: 100 };

/** A text being read, with its reading position. */
export class Source {
  /** Next unit to read. */
  offset = 0;
  #line = 1;
  #lineStart = 0;
  /** Up to where lines have been counted. */
  #counted = 0;

  constructor(readonly text: string, readonly file: string, readonly limits: HclLimits) {
    if (text.length > limits.sizeMax) {
      throw new HclError(file, 1, 1, `the text is longer than ${limits.sizeMax} characters`);
    }
    if (text.charCodeAt(0) === 0xfeff) this.offset = 1;
  }

  /** The unit at the reading position or `ahead` of it; NaN behind the end. */
  peek(ahead = 0): number {
    return this.text.charCodeAt(this.offset + ahead);
  }

  get ended(): boolean {
    return this.offset >= this.text.length;
  }

  /** Line and column of an offset. Cheap as long as offsets mostly grow. */
  position(offset: number): Position {
    if (offset < this.#counted) {
      this.#line = 1;
      this.#lineStart = 0;
      this.#counted = 0;
    }
    for (;;) {
      const newline = this.text.indexOf("\n", this.#counted);
      if (newline === -1 || newline >= offset) break;
      this.#line++;
      this.#lineStart = newline + 1;
      this.#counted = newline + 1;
    }
    return { line: this.#line, column: offset - this.#lineStart + 1 };
  }

  fail(offset: number, problem: string): never {
    const { line, column } = this.position(Math.min(offset, this.text.length));
    throw new HclError(this.file, line, column, problem);
  }
}
