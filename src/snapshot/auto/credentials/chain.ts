/** Sources of credentials, one after the other. */
import { badRequest, describeError } from "../../../base/failure.ts";

/** A source is not set up here: the next one is asked. */
export class Absent {
  constructor(readonly why: string) {}
}

export interface Source<T> {
  /** For people. */
  readonly name: string;
  /**
   * Throws where the source is set up and does not give any: then the next one is not asked, for what
   * it has is not what was meant.
   */
  find(signal: AbortSignal): Promise<T | Absent>;
}

/** What the first source has that is set up. Throws an error that says which sources were tried. */
export async function firstOf<T>(
  what: string,
  sources: readonly Source<T>[],
  hint: string,
  signal: AbortSignal,
): Promise<T> {
  const tried: string[] = [];
  for (const { name, find } of sources) {
    let found;
    try {
      found = await find(signal);
    } catch (error) {
      signal.throwIfAborted();
      const before = tried.length === 0 ? "" : `; before it were tried: ${tried.join("; ")}`;
      const text = `no ${what}: ${name} failed: ${describeError(error)}${before}`;
      throw badRequest(text, error);
    }
    if (!(found instanceof Absent)) return found;
    tried.push(`${name} (${found.why})`);
  }
  throw badRequest(`no ${what}: ${hint}. Tried: ${tried.join("; ")}`);
}
