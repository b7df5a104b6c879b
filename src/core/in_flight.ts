/** A request that has not been answered. */
import type { Request } from "../logical/request.ts";
import type { TokenEntry } from "../token/entry.ts";

export interface InFlight {
  readonly request: Request;
  /** When it came, milliseconds since the epoch. */
  readonly time: number;
  /** Undefined until it is known. */
  readonly token: TokenEntry | undefined;
}
