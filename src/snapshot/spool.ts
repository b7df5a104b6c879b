/** A temporary file for what is too large to keep in memory. Readable by its owner only. */
export class SpoolFile {
  private constructor(readonly path: string, readonly file: Deno.FsFile) {}

  static async create(folder: string): Promise<SpoolFile> {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const path = await Deno.makeTempFile({ dir: folder, prefix: "spool-" });
    return new SpoolFile(path, await Deno.open(path, { write: true }));
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.file.write(bytes.subarray(at));
  }

  /** Ends the writing; the file stays until it is removed. */
  async finish(): Promise<void> {
    await this.file.sync();
    this.file.close();
  }

  async remove(): Promise<void> {
    try {
      this.file.close();
    } catch (error) {
      // `finish` has closed it already.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    try {
      await Deno.remove(this.path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** For the end of a stream, where nobody could be told of a file that would not go. */
  removeQuietly(): void {
    this.remove().catch(() => {});
  }
}
