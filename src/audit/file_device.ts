/**
 * Audit lines in a file. What gathers while a write is under way goes out with the next one, so
 * that a busy node makes few system calls.
 */
import { utf8 } from "../base/bytes.ts";
import { badRequest, describeError } from "../base/failure.ts";
import type { AuditDevice, DeviceOptions } from "./device.ts";

/** Writes text somewhere; the part of a file that this needs. */
export interface LineSink {
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

interface Waiting {
  readonly line: string;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export class FileDevice implements AuditDevice {
  #queue: Waiting[] = [];
  #writing = false;

  private constructor(private sink: LineSink, readonly open: () => Promise<LineSink>) {}

  static async start(open: () => Promise<LineSink>): Promise<FileDevice> {
    return new FileDevice(await open(), open);
  }

  write(line: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ line, done: resolve, failed: reject });
    if (!this.#writing) this.#drain();
    return promise;
  }

  async reopen(): Promise<void> {
    const fresh = await this.open();
    const old = this.sink;
    this.sink = fresh;
    old.close();
  }

  close(): Promise<void> {
    this.sink.close();
    return Promise.resolve();
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#writeAll(utf8(batch.map(({ line }) => line).join("")));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#writing = false;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.sink.write(bytes.subarray(at));
  }
}

const discard: LineSink = { write: (bytes) => Promise.resolve(bytes.length), close() {} };

/** Opens the file device: `file_path` (or `stdout`, `discard`) and `mode`. */
export async function openFileDevice(options: DeviceOptions): Promise<AuditDevice> {
  const path = options.file_path ?? options.path ?? "";
  if (path === "") throw badRequest("file_path is required");
  if (path === "discard") return await FileDevice.start(() => Promise.resolve(discard));
  if (path === "stdout") {
    const sink = { write: (bytes: Uint8Array) => Deno.stdout.write(bytes), close() {} };
    return await FileDevice.start(() => Promise.resolve(sink));
  }
  const mode = readMode(options.mode);
  try {
    return await FileDevice.start(() => openAppending(path, mode));
  } catch (cause) {
    throw badRequest(`the audit file can't be opened: ${describeError(cause)}`, cause);
  }
}

/** Octal permissions; "0000" leaves those of an existing file as they are. */
function readMode(text: string | undefined): number {
  if (text === undefined || text === "") return 0o600;
  if (!/^[0-7]{3,5}$/.test(text)) throw badRequest("mode must be octal, such as 0600");
  return parseInt(text, 8);
}

async function openAppending(path: string, mode: number): Promise<LineSink> {
  const file = await Deno.open(path, {
    append: true,
    create: true,
    ...(mode === 0 ? {} : { mode }),
  });
  if (mode !== 0) await Deno.chmod(path, mode);
  return file;
}
