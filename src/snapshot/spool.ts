import { type Bytes, concat, release } from "../base/bytes.ts";
import { removeIfThere } from "../base/files.ts";

/** Bytes that wait for the disk at the most. */
const AHEAD_MAX = 16 * 1024 * 1024;
/** Less is written together with what comes after it: each write costs a way to another thread. */
const PIECE_BYTES = 192 * 1024;
/** Bytes that are read at once. */
const READ_BYTES = 256 * 1024;

/** A stream, and how many bytes will come of it. */
export interface SizedStream {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly bytes: number;
}

/** A temporary file for what is too large to keep in memory. Readable by its owner only. */
export class SpoolFile {
  /** What waits for the disk, in order. */
  #ahead: Uint8Array[] = [];
  #aheadBytes = 0;
  /** Whether the buffers of what waits are nobody else's. */
  #ownsAhead = false;
  /** Writes what waits. Never rejects; `#failure` tells. */
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  private constructor(readonly path: string, readonly file: Deno.FsFile) {}

  static async create(folder: string): Promise<SpoolFile> {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const path = await Deno.makeTempFile({ dir: folder, prefix: "spool-" });
    return new SpoolFile(path, await Deno.open(path, { write: true }));
  }

  /**
   * Takes a stream as fast as it comes, ahead of the disk by at most 16 MiB. With `ownsBuffers` the
   * buffers of its chunks are gone once they are written: they must be nobody else's. For the body of a request:
   * with Deno 2.9.6 one that is not asked for more in every turn costs a hundredfold of the processor
   * time (300 MB in chunks of 32 KB: 0.3 s, and 52 s where each chunk is written before the next).
   */
  static async take(
    folder: string,
    stream: AsyncIterable<Uint8Array>,
    { ownsBuffers = false }: { readonly ownsBuffers?: boolean } = {},
  ): Promise<SpoolFile> {
    const spool = await SpoolFile.create(folder);
    try {
      spool.#ownsAhead = ownsBuffers;
      for await (const chunk of stream) await spool.append(chunk);
      await spool.flush();
      return spool;
    } catch (error) {
      await spool.remove();
      throw error;
    }
  }

  /**
   * Takes bytes to be written behind the caller's back, and waits only while 16 MiB do. They must not
   * change. Throws where what came before could not be written.
   */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#ahead.push(bytes);
    this.#aheadBytes += this.#held(bytes);
    this.#writing ??= this.#writeAhead();
    if (this.#aheadBytes > AHEAD_MAX) await this.flush();
  }

  /** Resolves when all that was appended is written. Throws where it could not be. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #writeAhead(): Promise<void> {
    try {
      while (this.#ahead.length > 0) {
        const parts = this.#nextParts();
        const [only] = parts;
        const isPart = parts.length === 1 && only !== undefined;
        const piece = isPart ? only : concat(...parts);
        const held = parts.reduce((sum, part) => sum + this.#held(part), 0);
        if (this.#ownsAhead && !isPart) letGo(...parts);
        await this.write(piece);
        if (this.#ownsAhead || !isPart) letGo(piece);
        this.#aheadBytes -= held;
      }
    } catch (error) {
      this.#failure = { error };
      this.#ahead = [];
    }
    this.#writing = undefined;
  }

  /** What it keeps from being used otherwise: a chunk may be the half of its buffer. */
  #held({ byteLength, buffer }: Uint8Array): number {
    return this.#ownsAhead ? buffer.byteLength : byteLength;
  }

  #nextParts(): readonly Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (; count < this.#ahead.length && bytes < PIECE_BYTES; count++) {
      bytes += this.#ahead[count]?.length ?? 0;
    }
    return this.#ahead.splice(0, count);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.file.write(bytes.subarray(at));
  }

  /** Ends the writing of what this process alone reads again, from memory as a rule. */
  async end(): Promise<void> {
    await this.flush();
    this.file.close();
  }

  /** Writes over what is there, once all that was appended is written. */
  async writeAt(position: number, bytes: Uint8Array): Promise<void> {
    await this.file.seek(position, Deno.SeekMode.Start);
    await this.write(bytes);
  }

  /** The file as a stream of the runtime's. It has no name any more: nothing is left of it after. */
  async handOver(): Promise<SizedStream> {
    const file = await Deno.open(this.path);
    try {
      const { size } = await file.stat();
      await this.remove();
      return { body: file.readable, bytes: size };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Lets something read what is in the file. */
  async reading<T>(
    look: (read: (buffer: Bytes) => Promise<number | null>) => Promise<T>,
  ): Promise<T> {
    using file = await Deno.open(this.path);
    return await look((buffer) => file.read(buffer));
  }

  /** What is in the file, as a stream; each of its chunks has a buffer of its own. */
  async *chunks(): AsyncGenerator<Bytes> {
    using file = await Deno.open(this.path);
    for (;;) {
      const chunk = new Uint8Array(READ_BYTES);
      const count = await file.read(chunk);
      if (count === null) return;
      yield chunk.subarray(0, count);
    }
  }

  /** Ends the writing, with all of it on the disk; the file stays until it is removed. */
  async finish(): Promise<void> {
    await this.file.sync();
    this.file.close();
  }

  async remove(): Promise<void> {
    this.#ahead = [];
    await this.#writing;
    try {
      this.file.close();
    } catch (error) {
      // `finish` has closed it already.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await removeIfThere(this.path);
  }

  /** For the end of a stream, where nobody could be told of a file that would not go. */
  removeQuietly(): void {
    this.remove().catch(() => {});
  }
}

/** As `release`, with the whole buffers that they lie in. */
function letGo(...parts: readonly Uint8Array[]): void {
  for (const { buffer } of parts) {
    if (buffer instanceof ArrayBuffer) release(new Uint8Array(buffer));
  }
}
