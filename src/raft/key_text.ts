/**
 * Keys to UTF-8 and back, by the thousand. Nearly all of them are ASCII, and a call into the engine's
 * encoder costs more than the bytes themselves.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes `text` at `at`, where there must be room for it, and returns how many bytes it took. */
export function writeText(target: Uint8Array, at: number, text: string): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return encoder.encodeInto(text, target.subarray(at)).written;
    target[at + i] = unit;
  }
  return length;
}

/** Bytes of a text in UTF-8. */
export function textBytes(text: string): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    if (text.charCodeAt(i) >= 0x80) return encoder.encode(text).length;
  }
  return length;
}

let scratch = new Uint8Array(16 * 1024);

/**
 * Texts that lie here and there in some bytes, decoded in one go. Add each, then `decode` all: what
 * comes in between from somewhere else would be taken for one of them.
 */
export class TextRun {
  readonly #starts: number[] = [];
  #at = 0;
  #bits = 0;

  /** `most` is how many bytes all texts together have at most. */
  constructor(most: number) {
    if (scratch.length < most) scratch = new Uint8Array(most * 2);
  }

  add(source: Uint8Array, from: number, to: number): void {
    this.#starts.push(this.#at);
    let bits = this.#bits, at = this.#at;
    for (let i = from; i < to; i++) {
      const byte = source[i] ?? 0;
      bits |= byte;
      scratch[at++] = byte;
    }
    this.#bits = bits;
    this.#at = at;
  }

  /** In the order they were added. Throws TypeError where one is not UTF-8. */
  decode(): string[] {
    const starts = this.#starts;
    const end = (i: number) => starts[i + 1] ?? this.#at;
    if (this.#bits >= 0x80) {
      return starts.map((start, i) => decoder.decode(scratch.subarray(start, end(i))));
    }
    const all = decoder.decode(scratch.subarray(0, this.#at));
    return starts.map((start, i) => all.slice(start, end(i)));
  }
}
