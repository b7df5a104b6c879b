/** A machine for tests: everything a command prints is kept, files live in memory. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import type { HelperResult, Io } from "../io.ts";

export interface FakeIo extends Io {
  /** All that was printed so far. */
  readonly printed: { out: string; err: string };
  readonly files: Map<string, Uint8Array>;
  readonly helperCalls: { program: string; args: readonly string[]; input: string }[];
  /** Addresses that a browser was to show. */
  readonly opened: string[];
  /** Milliseconds that were waited for, one an item. */
  readonly waits: number[];
}

export interface FakeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Lines typed at prompts; with it standard input is a terminal. */
  readonly typed?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly helper?: (args: readonly string[], input: string) => HelperResult;
}

export function fakeIo(options: FakeOptions = {}): FakeIo {
  const printed = { out: "", err: "" };
  const files = new Map(Object.entries(options.files ?? {}).map(([k, v]) => [k, utf8(v)]));
  const typed = [...options.typed ?? []];
  const helperCalls: FakeIo["helperCalls"] = [];
  const waits: number[] = [];
  const opened: string[] = [];
  let now = 1_700_000_000_000;
  const env: Record<string, string> = { HOME: "/home/test", ...options.env };
  return {
    printed,
    files,
    helperCalls,
    opened,
    waits,
    env: (name) => env[name],
    out: (text) => void (printed.out += text),
    outBytes: (data) => void (printed.out += fromUtf8(data)),
    err: (text) => void (printed.err += text),
    stdinIsTerminal: options.typed !== undefined,
    stdoutIsTerminal: false,
    readStdin: () => Promise.resolve(utf8(options.stdin ?? "")),
    readSecretLine(prompt) {
      printed.err += prompt;
      return Promise.resolve(typed.shift() ?? "");
    },
    ...memoryFiles(files),
    runHelper(program, args, input) {
      helperCalls.push({ program, args, input });
      return Promise.resolve(options.helper?.(args, input) ?? { code: 0, out: "", err: "" });
    },
    openBrowser: (url) => Promise.resolve(void opened.push(url)),
    interrupted: () => new Promise(() => {}),
    clock: {
      now: () => now,
      monotonic: () => now,
      after(delayMs, task) {
        waits.push(delayMs);
        now += delayMs;
        queueMicrotask(task);
        return () => {};
      },
    },
    random: {
      bytes: (length) => new Uint8Array(length).map((_, index) => (index * 37 + 11) % 256),
      uuid: () => "00000000-0000-4000-8000-000000000000",
    },
  };
}

type FileIo = Pick<
  Io,
  | "readFile"
  | "readDir"
  | "writePrivateFile"
  | "writeFile"
  | "removeFile"
  | "openRead"
  | "openGrowing"
  | "saveStream"
  | "rename"
>;

function memoryFiles(files: Map<string, Uint8Array>): FileIo {
  const read = (path: string) => {
    const found = files.get(path);
    if (found === undefined) throw new Deno.errors.NotFound(`no file ${path}`);
    return found;
  };
  return {
    readFile: (path) => Promise.resolve().then(() => read(path)),
    readDir: (path) => {
      const inside = [...files.keys()].filter((name) => name.startsWith(`${path}/`));
      return Promise.resolve(inside.map((name) => name.slice(path.length + 1)));
    },
    writePrivateFile: (path, data) => Promise.resolve(void files.set(path, new Uint8Array(data))),
    writeFile: (path, data) => Promise.resolve(void files.set(path, new Uint8Array(data))),
    removeFile: (path) =>
      Promise.resolve().then(() => {
        read(path);
        files.delete(path);
      }),
    openRead: (path) =>
      Promise.resolve().then(() => new Response(new Uint8Array(read(path))).body ?? empty()),
    openGrowing(path) {
      let at = 0;
      const next = () => {
        const text = fromUtf8(read(path)).slice(at);
        at += text.length;
        return Promise.resolve(text);
      };
      const file = { read: next, isMoved: () => Promise.resolve(false), close() {} };
      return Promise.resolve(files.has(path) ? file : undefined);
    },
    saveStream: async (path, data) => {
      const chunks: number[] = [];
      for await (const chunk of data) chunks.push(...chunk);
      files.set(path, new Uint8Array(chunks));
    },
    rename(from, to) {
      files.set(to, new Uint8Array(read(from)));
      files.delete(from);
      return Promise.resolve();
    },
  };
}

function empty(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: (controller) => controller.close() });
}
