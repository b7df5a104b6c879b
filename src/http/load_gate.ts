/**
 * How much a node takes on at once. A flood is told to come again, with 503 and Retry-After, before
 * what waits inside takes the memory or the turns of the event loop that everything else needs.
 */
import type { Cancel, Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";

/** What may be under way at one time, as long as the event loop keeps its time. */
export interface LoadLimits {
  /** Requests that read, and of one mount at most half as many. */
  readonly reads: number;
  /** Requests that change something, and of one mount at most half as many. */
  readonly writes: number;
  /** Bytes of large bodies, from their arrival until their request is answered. */
  readonly bodyBytes: number;
}

/**
 * Requests may wait for disks and databases in these numbers. Where it is the event loop that they
 * wait for, so do heartbeats and health checks, and there are fewer places until it keeps its time.
 */
export const loadLimits: LoadLimits = { reads: 8192, writes: 4096, bodyBytes: 128 * 1024 * 1024 };

/** Bodies up to this size are read whole and not counted, as long as few are on their way. */
export const smallBodyBytes = 65_536;
const smallBodiesMax = 1024;

/** What an operator looks at and does in an overload. Cheap, and never refused for it. */
const alwaysTaken = new Set([
  "sys/health",
  "sys/in-flight-req",
  "sys/leader",
  "sys/ha-status",
  "sys/metrics",
  "sys/seal",
  "sys/seal-status",
  "sys/step-down",
  "sys/unseal",
]);

/** A timer that is later than this tells of too much work. */
const lateMs = 150;
/** The share of the places that is left at least; how fast it falls and comes back, a pulse. */
const shareMin = 1 / 16;
const shareFall = 0.7;
const shareRise = 0.01;

const nothing = () => {};

export class LoadGate {
  readonly #reads: Places;
  readonly #writes: Places;
  readonly #limits: LoadLimits;
  readonly #bodies = new Map<Request, number>();
  #bodyBytes = 0;
  #smallBodies = 0;
  #refused = 0;
  #share = 1;

  constructor(limits: LoadLimits = loadLimits) {
    this.#limits = limits;
    this.#reads = new Places(limits.reads);
    this.#writes = new Places(limits.writes);
  }

  /** How much of the places there is. */
  get share(): number {
    return this.#share;
  }

  /** Told ten times a second how late the timer was for it. */
  pulse(byMs: number): void {
    this.#share = byMs > lateMs
      ? Math.max(shareMin, this.#share * shareFall)
      : Math.min(1, this.#share + shareRise);
  }

  /** Requests that were told to come again. */
  get refused(): number {
    return this.#refused;
  }

  /** Bytes of large bodies that are held. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** Takes a place for a request, to be given back by what is returned. Throws a 503. */
  enter(path: string, isRead: boolean): () => void {
    if (alwaysTaken.has(path)) return nothing;
    const leave = (isRead ? this.#reads : this.#writes).take(mountOf(path), this.#share);
    if (leave === undefined) throw this.#comeAgain();
    return leave;
  }

  /** Whether a body of this declared length may be read without counting. Pair with `endSmall`. */
  beginSmall(declaredBytes: number): boolean {
    if (!(declaredBytes <= smallBodyBytes) || this.#smallBodies >= smallBodiesMax) return false;
    this.#smallBodies++;
    return true;
  }

  endSmall(): void {
    this.#smallBodies--;
  }

  /** Counts bytes of a body that have come. Throws a 503 where there are too many, but for a lone one. */
  hold(http: Request, bytes: number): void {
    const held = this.#bodies.get(http) ?? 0;
    const others = this.#bodyBytes - held;
    if (others > 0 && this.#bodyBytes + bytes > this.#limits.bodyBytes) throw this.#comeAgain();
    this.#bodies.set(http, held + bytes);
    this.#bodyBytes += bytes;
  }

  /** The request has been answered; also right where nothing was held. */
  release(http: Request): void {
    if (this.#bodies.size === 0) return;
    this.#bodyBytes -= this.#bodies.get(http) ?? 0;
    this.#bodies.delete(http);
  }

  #comeAgain(): Failure {
    this.#refused++;
    return new Failure(503, "the node has too much to do at the moment; try again", {
      headers: { "retry-after": "1" },
    });
  }
}

const pulseMs = 100;

/** Lets the gate know how the event loop keeps its time, until it is called off. */
export function startPulse(gate: LoadGate, clock: Clock): Cancel {
  let cancel: Cancel;
  const next = () => {
    const due = clock.monotonic() + pulseMs;
    cancel = clock.after(pulseMs, () => {
      gate.pulse(clock.monotonic() - due);
      next();
    });
  };
  next();
  return () => cancel();
}

/** Places for requests of one kind. What one mount is stuck in must not take all of them. */
class Places {
  readonly #byMount = new Map<string, number>();
  #taken = 0;

  constructor(readonly count: number) {}

  take(mount: string, share: number): (() => void) | undefined {
    const ofMount = this.#byMount.get(mount) ?? 0;
    const count = this.count * share;
    if (this.#taken >= count || ofMount * 2 >= count) return undefined;
    this.#taken++;
    this.#byMount.set(mount, ofMount + 1);
    return () => this.#free(mount);
  }

  #free(mount: string): void {
    this.#taken--;
    const left = (this.#byMount.get(mount) ?? 1) - 1;
    if (left === 0) this.#byMount.delete(mount);
    else this.#byMount.set(mount, left);
  }
}

/** Near enough: mounts of several segments share the places of the first. */
function mountOf(path: string): string {
  const first = path.indexOf("/");
  if (first < 0) return path;
  const end = path.startsWith("auth/") ? path.indexOf("/", first + 1) : first;
  return end < 0 ? path : path.slice(0, end);
}
