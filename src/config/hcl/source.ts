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
  /** Offset of the line break that ends the line, or of the end. */
  #lineEnd: number;

  constructor(readonly text: string, readonly file: string, readonly limits: HclLimits) {
    if (text.length > limits.sizeMax) {
      throw new HclError(file, 1, 1, `the text is longer than ${limits.sizeMax} characters`);
    }
    this.#lineEnd = this.#findLineEnd();
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
    if (offset < this.#lineStart) {
      this.#line = 1;
      this.#lineStart = 0;
      this.#lineEnd = this.#findLineEnd();
    }
    while (this.#lineEnd < offset) {
      this.#line++;
      this.#lineStart = this.#lineEnd + 1;
      this.#lineEnd = this.#findLineEnd();
    }
    return { line: this.#line, column: offset - this.#lineStart + 1 };
  }

  #findLineEnd(): number {
    const newline = this.text.indexOf("\n", this.#lineStart);
    return newline === -1 ? this.text.length : newline;
  }

  fail(offset: number, problem: string): never {
    const { line, column } = this.position(Math.min(offset, this.text.length));
    throw new HclError(this.file, line, column, problem);
  }
}
