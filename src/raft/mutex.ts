/** Lets one task after another run, in the order in which they came. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task, task);
    // Whoever asked sees the failure; the next in line only waits for its end.
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
