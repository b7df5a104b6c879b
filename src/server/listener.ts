/** What every kind of listener can do, whatever carries its HTTP. */

export interface HttpListener {
  /** `127.0.0.1:8200`, or the path of a unix socket; with the real port where 0 was configured. */
  readonly address: string;
  /**
   * Takes no more connections and lets requests under way end; cuts what is left after `graceMs`.
   * Resolves when nothing of it is left.
   */
  stop(graceMs: number): Promise<void>;
}

/** The address can't be listened on; the message names it. */
export class ListenError extends Error {
  override name = "ListenError";
}
