/** A value that may already be here: hot paths answer at once, cold ones with a promise. */
export type Awaitable<T> = T | Promise<T>;
