/**
 * Data on the command line: `key=value`, `key=@file`, `key=-` (standard input), `@file.json` and
 * `-` (a whole JSON object from a file or standard input). `key=\@text` is text that starts with
 * an at sign. A key that comes twice becomes a list.
 */
import { describeError } from "../../base/failure.ts";
import { UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import { isList, isObject, type Json, type JsonObject, parseJson } from "../json.ts";

/** Throws UsageError, which names keys but never values: those may be secrets. */
export async function readPairs(words: readonly string[], io: Io): Promise<JsonObject> {
  const source = new Source(io);
  const data = new Map<string, Json>();
  for (const [index, word] of words.entries()) {
    if (word === "") continue;
    if (word === "-" || word.startsWith("@")) {
      for (const [key, value] of await source.object(word)) data.set(key, value);
      continue;
    }
    const at = word.indexOf("=");
    if (at < 1) {
      throw new UsageError(
        `can't read the data: word ${index + 1} has not the form key=value`,
      );
    }
    add(data, word.slice(0, at), await source.text(word.slice(0, at), word.slice(at + 1)));
  }
  return Object.fromEntries(data);
}

/** The same, for places where only text makes sense. */
export async function readTextPairs(
  words: readonly string[],
  io: Io,
): Promise<Map<string, string>> {
  const data = await readPairs(words, io);
  return new Map(
    Object.entries(data).map(([key, value]): [string, string] => {
      if (isObject(value) || isList(value) || value === null) {
        throw new UsageError(`${key} must be given once, as text`);
      }
      return [key, String(value)];
    }),
  );
}

function add(data: Map<string, Json>, key: string, value: string): void {
  const before = data.get(key);
  if (before === undefined) data.set(key, value);
  else data.set(key, isList(before) ? [...before, value] : [before, value]);
}

class Source {
  readonly #io: Io;
  #stdinUsed = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /** The value behind `key=`. */
  async text(key: string, value: string): Promise<string> {
    if (value === "-") return await this.#stdin();
    if (value.startsWith("\\@")) return value.slice(1);
    if (!value.startsWith("@")) return value;
    return await this.#file(value.slice(1), key);
  }

  /** The entries of `-` or `@file`. */
  async object(word: string): Promise<[string, Json][]> {
    const text = word === "-" ? await this.#stdin() : await this.#file(word.slice(1), "the data");
    const parsed = parseJson(text);
    if (!isObject(parsed)) {
      throw new UsageError(`can't read the data: ${describe(word)} holds no JSON object`);
    }
    return Object.entries(parsed);
  }

  async #stdin(): Promise<string> {
    if (this.#stdinUsed) {
      throw new UsageError("can't read the data: standard input can be used once only");
    }
    this.#stdinUsed = true;
    return new TextDecoder().decode(await this.#io.readStdin());
  }

  async #file(path: string, what: string): Promise<string> {
    try {
      return new TextDecoder().decode(await this.#io.readFile(path));
    } catch (error) {
      throw new UsageError(`can't read the file for ${what}: ${describeError(error)}`);
    }
  }
}

function describe(word: string): string {
  return word === "-" ? "standard input" : `the file ${word.slice(1)}`;
}
