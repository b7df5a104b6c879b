/**
 * What is used of `@std/cli`, which only JSR carries: `parseArgs` with minimist's rules, and
 * `promptSecret`.
 */

/** What `parseArgs` is told about the flags; names without dashes. */
export interface ParseOptions {
  /** Flags without a value; `true` for every flag that is given without `=`. */
  readonly boolean?: boolean | string | readonly string[];
  /** Flags whose value is always text. */
  readonly string?: string | readonly string[];
  /** Flags that may be repeated; their value is a list. */
  readonly collect?: string | readonly string[];
  /** Boolean flags that `--no-` turns off. */
  readonly negatable?: string | readonly string[];
  readonly default?: Readonly<Record<string, unknown>>;
  /** Other names of a flag. */
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Everything from the first argument that is no flag on is left alone. */
  readonly stopEarly?: boolean;
  /** What follows `--` goes to the result's "--", not to "_". */
  readonly "--"?: boolean;
  /** Called for flags that were not declared; false leaves them out. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Flags by name; what is no flag in `_`. */
export interface Args {
  _: (string | number)[];
  "--"?: string[];
  [flag: string]: unknown;
}

/** Parses arguments. Numbers are converted unless the flag was declared as text. */
export function parseArgs(args: readonly string[], options: ParseOptions = {}): Args {
  return new Parser(options).parse(args);
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

function looksNumeric(text: string): boolean {
  return /^0x[0-9a-f]+$/i.test(text) || /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(e[-+]?\d+)?$/.test(text);
}

class Parser {
  readonly #options: ParseOptions;
  readonly #names = new Map<string, string[]>();
  readonly #booleans = new Set<string>();
  readonly #strings = new Set<string>();
  readonly #collected = new Set<string>();
  readonly #negatable = new Set<string>();
  readonly #out: Args = { _: [] };

  constructor(options: ParseOptions) {
    this.#options = options;
    for (const [name, others] of Object.entries(options.alias ?? {})) {
      const all = [name, ...list(others)];
      for (const one of all) this.#names.set(one, all);
    }
    const declare = (set: Set<string>, names: readonly string[]) => {
      for (const name of names) for (const one of this.#allNames(name)) set.add(one);
    };
    const { boolean } = options;
    declare(this.#booleans, typeof boolean === "boolean" ? [] : list(boolean));
    declare(this.#strings, list(options.string));
    declare(this.#collected, list(options.collect));
    declare(this.#negatable, list(options.negatable));
  }

  parse(args: readonly string[]): Args {
    const end = args.indexOf("--");
    const flags = end < 0 ? args : args.slice(0, end);
    const rest = end < 0 ? [] : args.slice(end + 1);
    for (let i = 0; i < flags.length; i++) {
      const arg = flags[i] ?? "";
      if (/^--./.test(arg)) i += this.#long(arg.slice(2), flags[i + 1]);
      else if (/^-[^-]/.test(arg) && !looksNumeric(arg)) i += this.#short(arg, flags[i + 1]);
      else {
        this.#positional(arg);
        if (this.#options.stopEarly !== true) continue;
        for (const left of flags.slice(i + 1)) this.#out._.push(left);
        break;
      }
    }
    this.#defaults();
    if (this.#options["--"] === true) this.#out["--"] = [...rest];
    else this.#out._.push(...rest);
    return this.#out;
  }

  /** Both answer how many further arguments they used. */
  #long(flag: string, next: string | undefined): 0 | 1 {
    const equals = flag.indexOf("=");
    if (equals > 0) {
      this.#set(flag.slice(0, equals), flag.slice(equals + 1), `--${flag}`);
      return 0;
    }
    const negated = flag.startsWith("no-") && this.#negatable.has(flag.slice(3));
    if (negated) {
      this.#set(flag.slice(3), false, `--${flag}`);
      return 0;
    }
    return this.#withNext(flag, next, `--${flag}`);
  }

  #short(arg: string, next: string | undefined): 0 | 1 {
    const letters = arg.slice(1);
    for (let i = 0; i < letters.length - 1; i++) {
      const letter = letters[i] ?? "";
      const after = letters.slice(i + 1);
      if (after.startsWith("=")) {
        this.#set(letter, after.slice(1), arg);
        return 0;
      }
      if (looksNumeric(after) && !this.#booleans.has(letter)) {
        this.#set(letter, after, arg);
        return 0;
      }
      this.#set(letter, this.#strings.has(letter) ? "" : true, arg);
    }
    return this.#withNext(letters.at(-1) ?? "", next, arg);
  }

  #withNext(name: string, next: string | undefined, arg: string): 0 | 1 {
    const takesNone = this.#booleans.has(name) || this.#options.boolean === true;
    if (next === "true" || next === "false") {
      this.#set(name, takesNone ? next === "true" : next, arg);
      return 1;
    }
    if (!takesNone && next !== undefined && (!next.startsWith("-") || looksNumeric(next))) {
      this.#set(name, next, arg);
      return 1;
    }
    this.#set(name, this.#strings.has(name) ? "" : true, arg);
    return 0;
  }

  #positional(arg: string): void {
    if (this.#options.unknown?.(arg) === false) return;
    this.#out._.push(!this.#strings.has("_") && looksNumeric(arg) ? Number(arg) : arg);
  }

  #set(name: string, given: string | boolean, arg: string): void {
    const declared = [this.#booleans, this.#strings, this.#collected, this.#names]
      .some((known) => known.has(name));
    if (!declared && this.#options.unknown?.(arg, name, given) === false) return;
    const value = this.#convert(name, given);
    for (const one of this.#allNames(name)) {
      const before = this.#out[one];
      if (!this.#collected.has(one)) this.#out[one] = value;
      else this.#out[one] = [...(Array.isArray(before) ? before : []), value];
    }
  }

  #convert(name: string, given: string | boolean): unknown {
    if (typeof given === "boolean" || this.#strings.has(name)) return given;
    if (this.#booleans.has(name)) return given !== "false";
    return looksNumeric(given) ? Number(given) : given;
  }

  #defaults(): void {
    const fill = (name: string, value: unknown) => {
      for (const one of this.#allNames(name)) if (!(one in this.#out)) this.#out[one] = value;
    };
    for (const [name, value] of Object.entries(this.#options.default ?? {})) fill(name, value);
    for (const name of this.#collected) fill(name, []);
    for (const name of this.#booleans) fill(name, false);
  }

  #allNames(name: string): readonly string[] {
    return this.#names.get(name) ?? [name];
  }
}

const ENTER = [10, 13];
const BACKSPACE = [8, 127];
const INTERRUPT = 3;
const END_OF_INPUT = 4;

/**
 * Asks for a secret on the terminal without showing it (or showing `mask` for each character).
 * Null where there is no terminal, at the end of input, or for an empty answer.
 */
export function promptSecret(
  message = "Secret",
  options: { mask?: string; clear?: boolean } = {},
): string | null {
  const { mask = "*", clear = false } = options;
  if (!Deno.stdin.isTerminal()) return null;
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  write(`${message} `);
  Deno.stdin.setRaw(true);
  try {
    return readSecret(() => write(mask), () => write("\b \b".repeat(mask.length)));
  } finally {
    Deno.stdin.setRaw(false);
    write(clear ? "\r\x1b[K" : "\n");
  }
}

function readSecret(shown: () => void, erased: () => void): string | null {
  const bytes: number[] = [];
  const buffer = new Uint8Array(1);
  while (Deno.stdin.readSync(buffer) !== null) {
    const [byte = 0] = buffer;
    if (ENTER.includes(byte)) break;
    if (byte === INTERRUPT || byte === END_OF_INPUT) return null;
    if (BACKSPACE.includes(byte)) {
      // A character of several bytes goes as a whole.
      let last = bytes.pop();
      if (last !== undefined) erased();
      while (last !== undefined && (last & 0xc0) === 0x80) last = bytes.pop();
      continue;
    }
    bytes.push(byte);
    if ((byte & 0xc0) !== 0x80) shown();
  }
  buffer.fill(0);
  return bytes.length === 0 ? null : new TextDecoder().decode(new Uint8Array(bytes));
}
