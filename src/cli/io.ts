/** Everything a command may touch of the machine, as one argument, so that tests own it. */
import type { Clock, Random } from "../base/clock.ts";

export interface Io {
  /** An environment variable. */
  env(name: string): string | undefined;
  /** Standard output, text as given. */
  out(text: string): void;
  outBytes(data: Uint8Array): void;
  /** Standard error, text as given. */
  err(text: string): void;
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  /** All of standard input. */
  readStdin(): Promise<Uint8Array>;
  /** One line typed without echo. Throws Interrupted on Ctrl-C. Only where stdinIsTerminal. */
  readSecretLine(prompt: string): Promise<string>;
  /** Throws Deno.errors.NotFound and its kind. */
  readFile(path: string): Promise<Uint8Array>;
  /** Names in a directory. */
  readDir(path: string): Promise<string[]>;
  /** Replaces the file in one step; it is private to the user (mode 0600). */
  writePrivateFile(path: string, data: Uint8Array): Promise<void>;
  /** Replaces the file's content, leaving its mode. */
  writeFile(path: string, data: Uint8Array): Promise<void>;
  removeFile(path: string): Promise<void>;
  openRead(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /** For a file that grows. Undefined where there is none. */
  openGrowing(path: string): Promise<GrowingFile | undefined>;
  /** Writes a new private file (mode 0600), replacing one of that name. */
  saveStream(path: string, data: ReadableStream<Uint8Array>): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Runs a helper program with `input` on its standard input. */
  runHelper(program: string, args: readonly string[], input: string): Promise<HelperResult>;
  /** Has the user's browser show an address. Rejects where there is none that starts. */
  openBrowser(url: string): Promise<void>;
  /** Resolves when the user presses Ctrl-C; used by commands that run until then. */
  interrupted(): Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
}

export interface GrowingFile {
  /** What is left of it, "" at its end for now. */
  read(): Promise<string>;
  /** Whether another file, or none, has taken its name. */
  isMoved(): Promise<boolean>;
  close(): void;
}

export interface HelperResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
