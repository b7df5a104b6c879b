/**
 * Audit lines in a file, which is begun anew by size and age, and opened anew when someone has
 * moved it away or removed it: what is written to a file that nobody can find is lost.
 */
import { concat, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { badRequest, describeError } from "../base/failure.ts";
import { folderOf, outlivedFiles, rotatedPath } from "../base/rotated_files.ts";
import { parseSize } from "../config/units.ts";
import { type AuditDevice, type DeviceOpener, type DeviceOptions, milliseconds } from "./device.ts";
import { refuseUnknown } from "./options.ts";

/** An open file, or something like it. */
export interface LineSink {
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

export interface OpenedFile extends LineSink {
  /** Bytes in it. */
  readonly size: number;
  /** When it was begun, milliseconds since the epoch. */
  readonly since: number;
  /** Tells it from any other file. */
  readonly identity: string;
}

/** The file system, as far as this needs it. */
export interface AuditFiles {
  readonly stdout: LineSink;
  /** Opens for appending, and creates. Sets the permissions, unless they are undefined. */
  open(path: string, mode: number | undefined): Promise<OpenedFile>;
  /** Undefined where there is none. */
  identityOf(path: string): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  names(folder: string): Promise<string[]>;
  remove(path: string): Promise<void>;
  /** Share of the file system in use, 0 to 1. */
  usedShare(path: string): Promise<number>;
}

export interface FileSettings {
  readonly path: string;
  /** Undefined: those of the file are left as they are. */
  readonly mode: number | undefined;
  /** 0 for no limit. */
  readonly maxBytes: number;
  /** Milliseconds; 0 for no limit. */
  readonly maxAgeMs: number;
  /** Older files that are kept; 0 for all. */
  readonly maxFiles: number;
}

/** Between two looks whether the file is still where it was. */
const lookMs = 1000;

const lineFeed = utf8("\n");

export class FileDevice implements AuditDevice {
  #file: OpenedFile | undefined;
  #bytes: number;
  #lookedAt: number;
  /** A write ended in the middle of a line. */
  #isTorn = false;

  private constructor(
    readonly settings: FileSettings,
    readonly files: AuditFiles,
    readonly clock: Clock,
    file: OpenedFile,
  ) {
    this.#file = file;
    this.#bytes = file.size;
    this.#lookedAt = clock.monotonic();
  }

  static async start(
    settings: FileSettings,
    files: AuditFiles,
    clock: Clock,
  ): Promise<FileDevice> {
    return new FileDevice(settings, files, clock, await files.open(settings.path, settings.mode));
  }

  async write(lines: readonly string[]): Promise<void> {
    const bytes = utf8(lines.join(""));
    const file = await this.#fileFor(bytes.length);
    const whole = this.#isTorn ? concat(lineFeed, bytes) : bytes;
    let at = 0;
    try {
      while (at < whole.length) at += await file.write(whole.subarray(at));
    } finally {
      this.#bytes += at;
      if (at > 0) this.#isTorn = at < whole.length;
    }
  }

  /** Opens the new one before it lets go of the old one. */
  async reopen(): Promise<void> {
    const { path, mode } = this.settings;
    const fresh = await this.files.open(path, mode);
    this.#file?.close();
    this.#file = fresh;
    this.#bytes = fresh.size;
    this.#isTorn = false;
  }

  close(): Promise<void> {
    this.#file?.close();
    this.#file = undefined;
    return Promise.resolve();
  }

  usedShare(): Promise<number> {
    return this.files.usedShare(this.settings.path);
  }

  async #fileFor(more: number): Promise<OpenedFile> {
    // Let go of first: until the new one can be opened, nothing may go where nobody looks.
    if (this.#file !== undefined && await this.#isGone(this.#file)) await this.close();
    if (this.#file === undefined) await this.reopen();
    if (this.#file !== undefined && this.#isDue(this.#file, more)) await this.#rotate();
    if (this.#file === undefined) throw new Error("the file is closed");
    return this.#file;
  }

  async #isGone({ identity }: OpenedFile): Promise<boolean> {
    const now = this.clock.monotonic();
    if (now - this.#lookedAt < lookMs) return false;
    this.#lookedAt = now;
    return await this.files.identityOf(this.settings.path) !== identity;
  }

  #isDue({ since }: OpenedFile, more: number): boolean {
    const { maxBytes, maxAgeMs } = this.settings;
    if (this.#bytes === 0) return false;
    if (maxBytes > 0 && this.#bytes + more > maxBytes) return true;
    return maxAgeMs > 0 && this.clock.now() - since >= maxAgeMs;
  }

  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.settings;
    await this.files.rename(path, rotatedPath(path, this.clock.now()));
    await this.reopen();
    if (maxFiles === 0) return;
    const names = await this.files.names(folderOf(path));
    for (const old of outlivedFiles(path, names, maxFiles)) await this.files.remove(old);
  }
}

/** Lines that go to a stream which is always there, or nowhere. */
class StreamDevice implements AuditDevice {
  constructor(readonly sink: LineSink) {}

  async write(lines: readonly string[]): Promise<void> {
    const bytes = utf8(lines.join(""));
    for (let at = 0; at < bytes.length;) at += await this.sink.write(bytes.subarray(at));
  }

  reopen(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const discard: LineSink = { write: (bytes) => Promise.resolve(bytes.length), close() {} };

const ownOptions = ["file_path", "path", "mode", "max_bytes", "max_duration", "max_files"];

/** Files, `stdout` and `discard`. */
export function fileDevices(files: AuditFiles, clock: Clock): DeviceOpener {
  return async (options) => {
    refuseUnknown(options, ownOptions);
    const path = options.file_path ?? options.path ?? "";
    if (path === "") throw badRequest("file_path is required");
    if (path === "discard") return new StreamDevice(discard);
    if (path === "stdout") return new StreamDevice(files.stdout);
    const settings = {
      path,
      mode: readMode(options.mode),
      maxBytes: readBytes(options.max_bytes),
      maxAgeMs: milliseconds(options, "max_duration", 0),
      maxFiles: readCount(options, "max_files"),
    };
    try {
      return await FileDevice.start(settings, files, clock);
    } catch (cause) {
      throw badRequest(`the audit file can't be opened: ${describeError(cause)}`, cause);
    }
  };
}

/**
 * Octal permissions; "0000" leaves those of an existing file as they are. A log that can be run
 * would be a way to get a program onto the machine.
 */
function readMode(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return 0o600;
  if (!/^[0-7]{3,5}$/.test(text)) throw badRequest("mode must be octal, such as 0600");
  const mode = parseInt(text, 8);
  if ((mode & 0o7111) !== 0) throw badRequest("mode must not make the file executable");
  return mode === 0 ? undefined : mode;
}

function readBytes(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  const size = parseSize(text);
  if (size === undefined || size < 0) throw badRequest("max_bytes must be a size such as 100MiB");
  return size;
}

function readCount(options: DeviceOptions, name: string): number {
  const text = options[name] ?? "";
  if (!/^\d{0,6}$/.test(text)) throw badRequest(`${name} must be a whole number`);
  return Number(text);
}
