/** What must be done at most once for a request, however often its transaction runs. */
import type { Request } from "../../../logical/request.ts";

/** A code can be exchanged once, so an attempt that is run again takes what the first one got. */
export class OncePerRequest<T> {
  readonly #outcomes = new WeakMap<Request, Promise<T>>();

  of(request: Request, work: () => Promise<T>): Promise<T> {
    const known = this.#outcomes.get(request);
    if (known !== undefined) return known;
    const outcome = work();
    this.#outcomes.set(request, outcome);
    return outcome;
  }
}
