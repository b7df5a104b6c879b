/** Ends a long piece of work between two of its steps. */

/** The same items, until the signal is aborted: then its reason is thrown. */
export async function* whileWanted<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  for await (const item of items) {
    signal.throwIfAborted();
    yield item;
  }
}
