/** What can be wrong with the barrier itself; damaged values are the storage's `CorruptionError`. */

/** The keys are not in memory. Nothing can be read or written. */
export class SealedError extends Error {
  override name = "SealedError";

  constructor() {
    super("the barrier is sealed");
  }
}

/** The keyring does not open with this root key. */
export class WrongRootKeyError extends Error {
  override name = "WrongRootKeyError";

  constructor(options?: ErrorOptions) {
    super("the root key does not open the keyring", options);
  }
}

/** There is no keyring in the storage yet. */
export class NotInitializedError extends Error {
  override name = "NotInitializedError";

  constructor() {
    super("the barrier is not initialized");
  }
}

/** There is a keyring in the storage already; it is never overwritten. */
export class AlreadyInitializedError extends Error {
  override name = "AlreadyInitializedError";

  constructor() {
    super("the barrier is already initialized");
  }
}
