/** The log as a file that is begun anew by size and age. */
import { utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";

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
    const [stem, extension] = this.#nameParts();
    Deno.renameSync(this.path, `${stem}-${Math.round(this.#clock.now() * 1e6)}${extension}`);
    this.#file = this.#open();
    this.#bytes = 0;
    this.#since = this.#clock.now();
    this.#removeOld();
  }

  /** `/var/log/holdfast` and `.log`. */
  #nameParts(): [string, string] {
    const dot = this.path.lastIndexOf(".");
    if (dot <= this.path.lastIndexOf("/") + 1) return [this.path, ""];
    return [this.path.slice(0, dot), this.path.slice(dot)];
  }

  #removeOld(): void {
    const { maxFiles } = this.#settings;
    if (maxFiles === 0) return;
    const [stem, extension] = this.#nameParts();
    const slash = stem.lastIndexOf("/");
    const directory = slash < 0 ? "." : stem.slice(0, slash + 1);
    const prefix = `${stem.slice(slash + 1)}-`;
    const old = [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) =>
      name.startsWith(prefix) && name.endsWith(extension) &&
      /^\d+$/.test(name.slice(prefix.length, name.length - extension.length))
    ).sort();
    const keep = Math.max(0, maxFiles);
    for (const name of old.slice(0, Math.max(0, old.length - keep))) {
      Deno.removeSync(slash < 0 ? name : `${directory}${name}`);
    }
  }
}
