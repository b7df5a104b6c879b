/**
 * Reads at a node that stands by: it follows the log of the active node, and answers from what it
 * has applied once it is proved that this is not old. One ReadIndex (thesis 6.4) serves all reads
 * that wait. What can't be answered here ends in `NotAnswered`, before anything was done.
 */
import { AuditFailure } from "../audit/broker.ts";
import type { Barrier } from "../barrier/barrier.ts";
import { SealedError } from "../barrier/errors.ts";
import { type Cancel, sleep } from "../base/clock.ts";
import { describeError, Failure } from "../base/failure.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import type { Operation, Request } from "../logical/request.ts";
import type { LogicalResponse } from "../logical/response.ts";
import { ReadOnlyError } from "../storage/read_only.ts";
import { CorruptionError, NotLeaderError } from "../storage/storage.ts";
import type { TokenEntry } from "../token/entry.ts";
import type { Platform } from "./backend.ts";
import { Invalidation } from "./invalidation.ts";
import { keptState } from "./kept_state.ts";
import { NotAnswered } from "./not_answered.ts";
import { closeServices } from "./open.ts";
import { handleRequest } from "./pipeline.ts";
import type { Services } from "./services.ts";

/** From the configuration, read anew each time. */
export interface StandbySettings {
  /** False: everything is passed on. */
  readonly answersReads: boolean;
  /** Heeds `X-Vault-Forward` and `X-Vault-Inconsistent`. */
  readonly headersForward: boolean;
  /** How old an answer may be, in milliseconds; 0 for linearizable reads. */
  readonly maxStalenessMs: number;
  /** How long a request waits for the state that its `X-Vault-Index` names, in milliseconds. */
  readonly indexWaitMs: number;
}

export const defaultStandbySettings: StandbySettings = {
  answersReads: true,
  headersForward: false,
  maxStalenessMs: 0,
  indexWaitMs: 0,
};

export interface StandbyParts {
  readonly platform: Platform;
  readonly barrier: Barrier;
  readonly ha: HighAvailability;
  readonly settings: StandbySettings;
  /** Opens services that write nothing. */
  readonly open: () => Promise<Services>;
  readonly clusterId: () => string | undefined;
  /** Called with services that were just opened. */
  readonly opened: (services: Services) => Promise<void>;
}

interface Open {
  readonly services: Services;
  readonly invalidation: Invalidation;
  /** Requests that use it. */
  inFlight: number;
  isClosed: boolean;
  /** Another state was put in the place of the one that the services know. */
  isReplaced: boolean;
}

const OPEN_AGAIN_MS = 500;
const LOOK_MS = 5;
/** Requests under way get so long to end when the services close. */
const END_MS = 5000;

export class StandbyReads {
  readonly #parts: StandbyParts;
  #open: Open | undefined;
  #opening: Promise<void> | undefined;
  #unfollow: Cancel = () => {};
  #cancelOpen: Cancel = () => {};
  #isRunning = false;
  /** What was applied while services were being opened; undefined where it may be anything. */
  #missed: string[] | undefined = [];

  constructor(parts: StandbyParts) {
    this.#parts = parts;
  }

  get services(): Services | undefined {
    return this.#open?.services;
  }

  /** Follows the log from now on, and opens services as soon as the storage has what they need. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#unfollow = this.#parts.ha.follow((keys) => this.#applied(keys));
    this.#openSoon(0);
  }

  /** Ends it; requests under way end first. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#unfollow();
    this.#cancelOpen();
    await this.#opening;
    await this.#retire();
  }

  /** Whether such a request may be answered here, as far as is known before it is looked at. */
  mayAnswer(path: string, operation: Operation): boolean {
    const open = this.#open;
    if (open === undefined || !this.#parts.settings.answersReads) return false;
    const route = open.services.mounts.router.find(path);
    return route?.mounted.backend.onStandby?.(route.path, operation) === true;
  }

  /** Answers, or throws `NotAnswered`. */
  async handle(request: Request): Promise<LogicalResponse | undefined> {
    const looksElsewhere = request.wrap !== undefined || request.snapshot !== undefined;
    if (looksElsewhere || !this.mayAnswer(request.path, request.operation)) {
      throw new NotAnswered("this is for the active node");
    }
    await this.#awaitIndex(request);
    await this.#awaitProof();
    const open = this.#open;
    if (open === undefined) throw new NotAnswered("the services are not open");
    open.inFlight++;
    try {
      const settling = open.invalidation.settle();
      if (settling !== undefined) await settling;
      // Mounts and tokens may be others by now.
      if (open.isClosed || !this.mayAnswer(request.path, request.operation)) {
        throw new NotAnswered("this is for the active node");
      }
      const response = await handleRequest(open.services, request, usesNeedNoCount);
      if (open.isReplaced) throw new NotAnswered("half of it may be of another state");
      countAnswer(open.services);
      return response;
    } catch (error) {
      if (isOfThisNodeOnly(error)) throw new NotAnswered("not here", { cause: error });
      if (!(error instanceof NotAnswered)) countAnswer(open.services);
      throw error;
    } finally {
      open.inFlight--;
    }
  }

  async #awaitProof(): Promise<void> {
    const { ha, settings } = this.#parts;
    try {
      await ha.confirmRead(settings.maxStalenessMs);
    } catch (error) {
      if (!(error instanceof NotLeaderError)) throw error;
      throw new NotAnswered("nobody proved that the state is not old", { cause: error });
    }
  }

  /** The state that a client has seen must be here. Throws a 412 where it does not come in time. */
  async #awaitIndex({ headers }: Request): Promise<void> {
    const header = headers.get("x-vault-index");
    const clusterId = this.#parts.clusterId();
    const stateIndex = this.#open?.services.stateIndex;
    if (header === null || stateIndex === undefined || clusterId === undefined) return;
    const { ha, settings, platform: { clock } } = this.#parts;
    const wanted = stateIndex.read(header, clusterId);
    // A proof brings at least as much, unless it may be an old one.
    if (settings.maxStalenessMs === 0) return;
    const deadline = clock.monotonic() + settings.indexWaitMs;
    while (ha.group.appliedIndex < wanted) {
      if (clock.monotonic() < deadline) await sleep(clock, LOOK_MS);
      else if (settings.headersForward && forwardsInconsistent(headers)) {
        throw new NotAnswered("the state that the client has seen is not here yet");
      } else throw new Failure(412, "required index state not present");
    }
  }

  #applied(keys: readonly string[] | undefined): void {
    const open = this.#open;
    if (open !== undefined && keys !== undefined) return open.invalidation.applied(keys);
    if (keys === undefined) {
      this.#missed = undefined;
      if (open === undefined) return;
      open.isReplaced = true;
      open.services.transactions.changedElsewhere(undefined);
      this.#openAnew();
    } else if (this.#opening !== undefined) this.#missed?.push(...keys);
  }

  /** Another state stands in the place of what the services know. */
  #openAnew(): void {
    this.#retire().catch((error) =>
      this.#parts.platform.log.warn("closing failed", { error: describeError(error) })
    ).finally(() => {
      if (this.#isRunning) this.#openSoon(0);
    });
  }

  #openSoon(delayMs: number): void {
    this.#cancelOpen();
    this.#cancelOpen = this.#parts.platform.clock.after(delayMs, () => {
      this.#opening ??= this.#tryToOpen().finally(() => {
        this.#opening = undefined;
        if (this.#isRunning && this.#open === undefined) this.#openSoon(OPEN_AGAIN_MS);
      });
    });
  }

  /** Fails while the log has not brought yet what the active node makes at its first start. */
  async #tryToOpen(): Promise<void> {
    const { barrier, platform: { log } } = this.#parts;
    this.#missed = [];
    let services: Services | undefined;
    try {
      await barrier.reload();
      services = await this.#parts.open();
      await this.#parts.opened(services);
    } catch (error) {
      log.debug("reads are passed on still", { error: describeError(error) });
    }
    if (services === undefined) return;
    const missed = this.#missed;
    if (missed === undefined || !this.#isRunning) return await closeServices(services);
    const invalidation = new Invalidation(services.transactions, keptState(services, barrier));
    invalidation.applied(missed);
    this.#open = { services, invalidation, inFlight: 0, isClosed: false, isReplaced: false };
    log.info("this standby answers reads");
  }

  async #retire(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    open.isClosed = true;
    const { clock } = this.#parts.platform;
    const deadline = clock.monotonic() + END_MS;
    while (open.inFlight > 0 && clock.monotonic() < deadline) await sleep(clock, LOOK_MS);
    await closeServices(open.services);
  }
}

export function forwardsInconsistent(headers: Request["headers"]): boolean {
  return headers.get("x-vault-inconsistent") === "forward-active-node";
}

function countAnswer({ telemetry }: Services): void {
  telemetry.registry.counter("core.standby_reads").add();
}

/** A use of a token that has a limit must be counted, which is a write. */
function usesNeedNoCount({ numUses }: TokenEntry): void {
  if (numUses > 0) throw new NotAnswered("the token's use must be counted");
}

/** A write after all, a key of a newer term, a damaged disk, a full one: the active node may do better. */
function isOfThisNodeOnly(error: unknown): boolean {
  return error instanceof ReadOnlyError || error instanceof CorruptionError ||
    error instanceof SealedError || error instanceof AuditFailure;
}
