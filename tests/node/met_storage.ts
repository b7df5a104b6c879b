import type { Awaitable } from "../../src/base/awaitable.ts";
import type { Bytes } from "../../src/base/bytes.ts";
import { InmemStorage } from "../../src/storage/inmem.ts";
import type { Entry, ListOptions, ScanOptions, Storage, Write } from "../../src/storage/storage.ts";

/** A storage in which reads can be met, and held up. */
export class MetStorage implements Storage {
  readonly inner = new InmemStorage();
  onGet: (key: string) => Promise<void> | undefined = () => undefined;
  onScan: (prefix: string) => Promise<void> | undefined = () => undefined;

  get(key: string): Awaitable<Bytes | undefined> {
    const met = this.onGet(key);
    return met === undefined ? this.inner.get(key) : met.then(() => this.inner.get(key));
  }
  list(prefix: string, options?: ListOptions): Awaitable<string[]> {
    return this.inner.list(prefix, options);
  }
  scan(prefix: string, options: ScanOptions): Awaitable<Entry[]> {
    const met = this.onScan(prefix);
    if (met === undefined) return this.inner.scan(prefix, options);
    return met.then(() => this.inner.scan(prefix, options));
  }
  async write(batch: readonly Write[]): Promise<void> {
    await this.inner.write(batch);
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}
