/** Standbys tell the active node every two seconds that they are there; it lists who does. */
import type { Cancel, Clock } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { Echo } from "./forward_frames.ts";

/** A standby as it last told of itself. */
export interface HeardOf extends Echo {
  /** Milliseconds since the epoch, on this node's clock. */
  readonly heardAt: number;
}

const ECHO_MS = 2000;
/** Who has not been heard of for so long is not listed any more. */
const ECHO_VALID_MS = 15_000;

interface EchoParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Tells the active node of this one, where that is another. */
  readonly tell: (now: number) => Promise<void>;
}

export class Echoes {
  readonly #parts: EchoParts;
  readonly #heard = new Map<string, HeardOf>();
  #isTelling = false;
  #cancel: Cancel = () => {};

  constructor(parts: EchoParts) {
    this.#parts = parts;
  }

  /** Tells again and again, until it is stopped. */
  start(): void {
    this.#isTelling = true;
    this.#later();
  }

  stop(): void {
    this.#isTelling = false;
    this.#cancel();
  }

  #later(): void {
    const { clock, log, tell } = this.#parts;
    this.#cancel();
    this.#cancel = clock.after(ECHO_MS, () => {
      tell(clock.now()).catch((error) =>
        log.debug("no echo from the active node", { error: describeError(error) })
      ).finally(() => {
        if (this.#isTelling) this.#later();
      });
    });
  }

  heard(echo: Echo): void {
    this.#heard.set(echo.id, { ...echo, heardAt: this.#parts.clock.now() });
  }

  /** The standbys that were heard of lately. */
  standbys(): HeardOf[] {
    const since = this.#parts.clock.now() - ECHO_VALID_MS;
    return [...this.#heard.values()].filter(({ heardAt }) => heardAt >= since);
  }
}
