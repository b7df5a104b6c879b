/** Requests that have not been answered. */
import type { Request } from "../logical/request.ts";
import type { TokenEntry } from "../token/entry.ts";

export class RequestsInFlight extends Set<InFlight> {
  /** Requests that have come so far. */
  total = 0;

  override add(request: InFlight): this {
    this.total++;
    return super.add(request);
  }
}

export interface InFlight {
  readonly request: Request;
  /** When it came, milliseconds since the epoch. */
  readonly time: number;
  /** Undefined until it is known. */
  readonly token: TokenEntry | undefined;
}
