/** The log as a file that is begun anew by size and age. */
import { utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { folderOf, outlivedFiles, rotatedPath } from "../base/rotated_files.ts";

export interface LogFileSettings {
  /** A file, or a directory where it ends in "/". */
  readonly path: string;
  /** Bytes; 0 for no limit. */
  readonly rotateBytes: number;
  /** Milliseconds; 0 for no limit. */
  readonly rotateMs: number;
  /** Old files kept; 0 for all, below 0 for none. */
  readonly maxFiles: number;
}

export class LogFile {
  readonly path: string;
  readonly #settings: LogFileSettings;
  readonly #clock: Clock;
  #file: Deno.FsFile;
  #bytes: number;
  #since: number;

  /** Opens or creates the file, to be read by its owner only. Throws what the system says. */
  constructor(settings: LogFileSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.path = settings.path.endsWith("/") ? `${settings.path}holdfast.log` : settings.path;
    this.#file = this.#open();
    const { size, birthtime } = this.#file.statSync();
    this.#bytes = size;
    this.#since = size === 0 ? clock.now() : birthtime?.getTime() ?? clock.now();
  }

  /** Appends a line. Throws what the system says. */
  write(line: string): void {
    const bytes = utf8(`${line}\n`);
    if (this.#isDue(bytes.length)) this.#rotate();
    this.#file.writeSync(bytes);
    this.#bytes += bytes.length;
  }

  /** For a file that another program has moved away. */
  reopen(): void {
    this.#file.close();
    this.#file = this.#open();
    this.#bytes = this.#file.statSync().size;
  }

  close(): void {
    this.#file.close();
  }

  #open(): Deno.FsFile {
    return Deno.openSync(this.path, { create: true, append: true, mode: 0o600 });
  }

  #isDue(more: number): boolean {
    const { rotateBytes, rotateMs } = this.#settings;
    if (this.#bytes === 0) return false;
    if (rotateBytes > 0 && this.#bytes + more > rotateBytes) return true;
    return rotateMs > 0 && this.#clock.now() - this.#since >= rotateMs;
  }

  #rotate(): void {
    this.#file.close();
    Deno.renameSync(this.path, rotatedPath(this.path, this.#clock.now()));
    this.#file = this.#open();
    this.#bytes = 0;
    this.#since = this.#clock.now();
    this.#removeOld();
  }

  #removeOld(): void {
    const { maxFiles } = this.#settings;
    if (maxFiles === 0) return;
    const names = [...Deno.readDirSync(folderOf(this.path))].map(({ name }) => name);
    for (const old of outlivedFiles(this.path, names, Math.max(0, maxFiles))) Deno.removeSync(old);
  }
}
