/** The real machine behind `Io`. */
import { type Clock, systemClock, systemRandom } from "../base/clock.ts";
import { utf8 } from "../base/bytes.ts";
import { Interrupted } from "./errors.ts";
import type { GrowingFile, HelperResult, Io } from "./io.ts";

/** Writes all of it; a reader that has gone away ends the process quietly, as in any pipe. */
function writeAll(stream: { writeSync(data: Uint8Array): number }, data: Uint8Array): void {
  try {
    for (let at = 0; at < data.length;) at += stream.writeSync(data.subarray(at));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(141);
    throw error;
  }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(copy(stream)).arrayBuffer());
}

/** Response wants chunks backed by ordinary buffers. */
function copy(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
      transform: (chunk, controller) => controller.enqueue(new Uint8Array(chunk)),
    }),
  );
}

/** Reads a line in raw mode: nothing is echoed and Ctrl-C can put the terminal back in order. */
async function readSecretLine(prompt: string): Promise<string> {
  writeAll(Deno.stderr, utf8(prompt));
  Deno.stdin.setRaw(true);
  try {
    const typed: number[] = [];
    const chunk = new Uint8Array(1024);
    while (true) {
      const count = await Deno.stdin.read(chunk);
      if (count === null) return line(typed);
      for (const byte of chunk.subarray(0, count)) {
        if (byte === 3) throw new Interrupted();
        if (byte === 13 || byte === 10 || byte === 4) return line(typed);
        if (byte === 127 || byte === 8) eraseCharacter(typed);
        else typed.push(byte);
      }
    }
  } finally {
    Deno.stdin.setRaw(false);
    writeAll(Deno.stderr, utf8("\n"));
  }
}

function line(typed: readonly number[]): string {
  return new TextDecoder().decode(new Uint8Array(typed));
}

/** Takes back one character: its continuation bytes (10xxxxxx) and its first byte. */
function eraseCharacter(typed: number[]): void {
  while (typed.length > 0 && ((typed.pop() ?? 0) & 0xc0) === 0x80);
}

async function runHelper(
  program: string,
  args: readonly string[],
  input: string,
): Promise<HelperResult> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(utf8(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** So long a browser that does not start has to say so; one that runs on is left alone. */
const browserStartMs = 1_000;

async function openBrowser(url: string): Promise<void> {
  const program = Deno.build.os === "darwin" ? "open" : "xdg-open";
  const child = new Deno.Command(program, {
    args: [url],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  child.unref();
  const started = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, browserStartMs);
    child.status.then(({ code }) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with code ${code}`));
    }, reject);
  });
  await started;
}

async function writePrivateFile(path: string, data: Uint8Array): Promise<void> {
  // Beside the target, so that the rename can't cross a file system; a link stays a link.
  const target = await Deno.realPath(path).catch(() => path);
  const temporary = `${target}.${systemRandom.uuid()}.tmp`;
  await Deno.writeFile(temporary, data, { mode: 0o600, createNew: true });
  await Deno.rename(temporary, target);
}

/** Unlike a node's timers these keep the process alive: a command that waits is at work. */
const waitingClock: Clock = {
  ...systemClock,
  after(delayMs, task) {
    const id = setTimeout(task, delayMs);
    return () => clearTimeout(id);
  },
};

/** The terminal, files, clock and environment of this process. */
export const systemIo: Io = {
  env: (name) => Deno.env.get(name),
  out: (text) => writeAll(Deno.stdout, utf8(text)),
  outBytes: (data) => writeAll(Deno.stdout, data),
  err: (text) => writeAll(Deno.stderr, utf8(text)),
  get stdinIsTerminal() {
    return Deno.stdin.isTerminal();
  },
  get stdoutIsTerminal() {
    return Deno.stdout.isTerminal();
  },
  readStdin: () => readAll(Deno.stdin.readable),
  readSecretLine,
  readFile: (path) => Deno.readFile(path),
  readDir: async (path) => {
    const names: string[] = [];
    for await (const entry of Deno.readDir(path)) if (!entry.isDirectory) names.push(entry.name);
    return names.sort();
  },
  writePrivateFile,
  writeFile: (path, data) => Deno.writeFile(path, data),
  removeFile: (path) => Deno.remove(path),
  openRead: async (path) => (await Deno.open(path)).readable,
  openGrowing,
  saveStream: (path, data) => Deno.writeFile(path, data, { mode: 0o600 }),
  rename: (from, to) => Deno.rename(from, to),
  runHelper,
  openBrowser,
  interrupted: () =>
    new Promise((resolve) => {
      const stop = () => {
        Deno.removeSignalListener("SIGINT", stop);
        resolve();
      };
      Deno.addSignalListener("SIGINT", stop);
    }),
  clock: waitingClock,
  random: systemRandom,
};

async function openGrowing(path: string): Promise<GrowingFile | undefined> {
  const file = await unlessMissing(Deno.open(path));
  if (file === undefined) return undefined;
  const { dev, ino } = await file.stat();
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(256 * 1024);
  return {
    async read() {
      const length = await file.read(buffer) ?? 0;
      return decoder.decode(buffer.subarray(0, length), { stream: true });
    },
    async isMoved() {
      const now = await unlessMissing(Deno.stat(path));
      return now?.dev !== dev || now.ino !== ino;
    },
    close: () => file.close(),
  };
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
