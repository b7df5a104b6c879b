/** A value that may already be here: hot paths answer at once, cold ones with a promise. */
export type Awaitable<T> = T | Promise<T>;

/**
 * What `next` makes of a value, at once where that is here. An `await` costs some hundred bytes and a
 * turn even then, and a login would have two dozen of them.
 */
export function chain<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
