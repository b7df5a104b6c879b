/** A storage whose calls are timed. */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { Entry, ListOptions, ScanOptions, Storage, Write } from "../storage/storage.ts";
import type { Registry } from "./registry.ts";
import type { Summary } from "./summary.ts";

/** One read in so many is timed: reading the clock twice costs as much as a cached read. */
const timedReads = 8;

export class MeasuredStorage implements Storage {
  readonly #clock: Clock;
  readonly #get: Summary;
  readonly #list: Summary;
  readonly #put: Summary;
  readonly #delete: Summary;
  #reads = 0;

  /** Names begin with `name`, for instance `barrier.get`. */
  constructor(readonly inner: Storage, registry: Registry, name: string) {
    this.#clock = registry.clock;
    this.#get = registry.summary(`${name}.get`);
    this.#list = registry.summary(`${name}.list`);
    this.#put = registry.summary(`${name}.put`);
    this.#delete = registry.summary(`${name}.delete`);
  }

  get(key: string): Awaitable<Bytes | undefined> {
    if (this.#reads++ % timedReads === 0) return this.#timed(this.#get, () => this.inner.get(key));
    this.#get.guess();
    return this.inner.get(key);
  }

  list(prefix: string, options?: ListOptions): Awaitable<string[]> {
    return this.#timed(this.#list, () => this.inner.list(prefix, options));
  }

  scan(prefix: string, options: ScanOptions): Awaitable<Entry[]> {
    return this.#timed(this.#list, () => this.inner.scan(prefix, options));
  }

  async write(batch: readonly Write[]): Promise<void> {
    const start = this.#clock.monotonic();
    await this.inner.write(batch);
    const took = this.#clock.monotonic() - start;
    // All of a batch become durable together: each took as long as the batch.
    for (const { value } of batch) (value === null ? this.#delete : this.#put).observe(took);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #timed<T>(summary: Summary, call: () => Awaitable<T>): Awaitable<T> {
    const start = this.#clock.monotonic();
    const found = call();
    if (!(found instanceof Promise)) {
      summary.observe(this.#clock.monotonic() - start);
      return found;
    }
    return found.then((value) => {
      summary.observe(this.#clock.monotonic() - start);
      return value;
    });
  }
}
