/**
 * How a group looks after itself: who is healthy, how many more may fail, who is dead and is taken
 * out, when a new node may vote. Judging is pure; `Autopilot` asks and acts while its node is active.
 */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";
import type { Cancel, Clock } from "../base/clock.ts";
import { badRequest, describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";

import { type Candidate, planVoters, type VoterPlan } from "./voter_plan.ts";

export const AUTOPILOT_KEY = "core/raft/autopilot";

/** Times are seconds. */
export interface AutopilotSettings {
  readonly cleanupDeadServers: boolean;
  readonly deadServerLastContact: number;
  readonly lastContact: number;
  readonly maxTrailingLogs: number;
  readonly minQuorum: number;
  readonly stabilization: number;
  /** Whether who is of an older version goes on voting beside enough of a newer one. */
  readonly disableUpgradeMigration: boolean;
}

export const defaultSettings: AutopilotSettings = {
  cleanupDeadServers: false,
  deadServerLastContact: 86_400,
  lastContact: 10,
  maxTrailingLogs: 1000,
  minQuorum: 0,
  stabilization: 10,
  disableUpgradeMigration: false,
};

/** A dead node is never taken out earlier: a restart must not cost a node its membership. */
const LEAST_DEAD_SECONDS = 60;
/** Fewer voters than these can't lose one. */
const LEAST_MIN_QUORUM = 3;
const LOOK_MS = 1000;

/** Takes over what is given and not zero. Throws a 400 where the whole makes no sense. */
export function changeSettings(
  known: AutopilotSettings,
  change: { readonly [K in keyof AutopilotSettings]: AutopilotSettings[K] | undefined },
): AutopilotSettings {
  const { minQuorum, maxTrailingLogs } = change;
  for (const [name, value] of Object.entries({ minQuorum, maxTrailingLogs })) {
    if (value !== undefined && value < 0) {
      throw badRequest(`${name === "minQuorum" ? "min_quorum" : "max_trailing_logs"} is negative`);
    }
  }
  const next = {
    cleanupDeadServers: change.cleanupDeadServers ?? known.cleanupDeadServers,
    deadServerLastContact: change.deadServerLastContact || known.deadServerLastContact,
    lastContact: change.lastContact || known.lastContact,
    maxTrailingLogs: change.maxTrailingLogs || known.maxTrailingLogs,
    minQuorum: change.minQuorum || known.minQuorum,
    stabilization: change.stabilization || known.stabilization,
    disableUpgradeMigration: change.disableUpgradeMigration ?? known.disableUpgradeMigration,
  };
  if (next.cleanupDeadServers && next.minQuorum < LEAST_MIN_QUORUM) {
    throw badRequest(
      `cleanup_dead_servers needs min_quorum to be at least ${LEAST_MIN_QUORUM}; it is ${next.minQuorum}`,
    );
  }
  if (next.deadServerLastContact < LEAST_DEAD_SECONDS) {
    throw badRequest(
      `dead_server_last_contact_threshold must be at least 1m; it is ${next.deadServerLastContact}s`,
    );
  }
  return next;
}

export function encodeSettings(settings: AutopilotSettings): Bytes {
  return utf8(JSON.stringify(settings));
}

function decodeSettings(bytes: Uint8Array): AutopilotSettings {
  const stored: Partial<AutopilotSettings> = JSON.parse(fromUtf8(bytes));
  return { ...defaultSettings, ...stored };
}

/** A member as the active node sees it. */
export interface Observed {
  readonly id: string;
  readonly address: string;
  readonly voter: boolean;
  readonly isLeader: boolean;
  /** Seconds since it was last heard of. */
  readonly silence: number;
  /** Up to where it has the log. */
  readonly index: number;
  /** Never votes. */
  readonly staysLearner: boolean;
  /** Its redundancy zone; "" for none. */
  readonly zone: string;
  /** By what upgrades are told; "" where it does not say. */
  readonly upgradeVersion: string;
}

export interface Health extends Observed {
  readonly isAlive: boolean;
  readonly isHealthy: boolean;
}

export interface Assessment {
  readonly isHealthy: boolean;
  /** Voters that may fail still before the group can't commit. */
  readonly failureTolerance: number;
  readonly members: readonly Health[];
}

export function assess(
  members: readonly Observed[],
  lastIndex: number,
  settings: AutopilotSettings,
): Assessment {
  const judged = members.map((member) => {
    const isAlive = member.isLeader || member.silence <= settings.lastContact;
    const isHealthy = isAlive &&
      (member.isLeader || lastIndex - member.index <= settings.maxTrailingLogs);
    return { ...member, isAlive, isHealthy };
  });
  const voters = judged.filter(({ voter }) => voter);
  const healthy = voters.filter(({ isHealthy }) => isHealthy).length;
  const quorum = Math.floor(voters.length / 2) + 1;
  return {
    isHealthy: judged.every(({ isHealthy }) => isHealthy),
    failureTolerance: Math.max(0, healthy - quorum),
    members: judged,
  };
}

/**
 * Who is to be taken out next: one at a time, learners first, and of voters only while those that
 * are left keep the minimum and those that are dead are fewer than half.
 */
export function nextToRemove(
  members: readonly Observed[],
  settings: AutopilotSettings,
): string | undefined {
  if (!settings.cleanupDeadServers) return undefined;
  const isDead = (member: Observed) =>
    !member.isLeader && member.silence > settings.deadServerLastContact;
  const learner = members.find((member) => !member.voter && isDead(member));
  if (learner !== undefined) return learner.id;
  const voters = members.filter(({ voter }) => voter);
  const dead = voters.filter(isDead);
  const [first] = dead;
  if (first === undefined || voters.length - 1 < settings.minQuorum) return undefined;
  return dead.length * 2 < voters.length ? first.id : undefined;
}

/** For the plan of who votes. */
export function candidateOf({ upgradeVersion, ...member }: Health): Candidate {
  return { ...member, version: upgradeVersion };
}

export interface AutopilotParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly isActive: () => boolean;
  readonly observe: () => { readonly members: readonly Observed[]; readonly lastIndex: number };
  readonly remove: (id: string) => Promise<unknown>;
  readonly demote: (id: string) => Promise<unknown>;
  /** Gives leadership to one of these. */
  readonly handOver: (ids: readonly string[]) => Promise<unknown>;
  readonly stabilize: (ms: number) => void;
  readonly read: () => Promise<Uint8Array | undefined>;
}

export class Autopilot {
  readonly #parts: AutopilotParts;
  /** Milliseconds since the epoch at which each member's health last changed. */
  readonly #stableSince = new Map<string, { readonly isHealthy: boolean; readonly at: number }>();
  #settings = defaultSettings;
  #cancel: Cancel = () => {};
  /** A change of the membership is under way. */
  #isChanging = false;

  constructor(parts: AutopilotParts) {
    this.#parts = parts;
  }

  get settings(): AutopilotSettings {
    return this.#settings;
  }

  set settings(settings: AutopilotSettings) {
    this.#settings = settings;
    this.#parts.stabilize(settings.stabilization * 1000);
  }

  /** Looks after the group from now on, until this node is not active any more. */
  async start(): Promise<void> {
    const stored = await this.#parts.read();
    this.settings = stored === undefined ? defaultSettings : decodeSettings(stored);
    this.#stableSince.clear();
    this.#look();
  }

  stop(): void {
    this.#cancel();
  }

  /** What is the case now; `since` tells milliseconds since the epoch. */
  assess(): Assessment & { readonly since: (id: string) => number } {
    const { members, lastIndex } = this.#parts.observe();
    const assessment = assess(members, lastIndex, this.#settings);
    const now = this.#parts.clock.now();
    for (const { id, isHealthy } of assessment.members) {
      if (this.#stableSince.get(id)?.isHealthy === isHealthy) continue;
      this.#stableSince.set(id, { isHealthy, at: now });
    }
    return { ...assessment, since: (id) => this.#stableSince.get(id)?.at ?? now };
  }

  /** Who is to vote. */
  plan(members: readonly Health[] = this.assess().members): VoterPlan {
    return planVoters(members.map(candidateOf), !this.#settings.disableUpgradeMigration);
  }

  /** Whether a learner that has caught up may become a voter now. */
  mayVote(id: string): boolean {
    return this.plan().mayVote.has(id);
  }

  #look(): void {
    this.#cancel();
    if (!this.#parts.isActive()) return;
    this.#cancel = this.#parts.clock.after(LOOK_MS, () => this.#look());
    const { members } = this.assess();
    const { demote, leadNext } = this.plan(members);
    if (this.#isChanging) return;
    const dead = nextToRemove(members, this.#settings);
    if (dead !== undefined) this.#change(this.#remove(dead));
    else if (demote !== undefined) this.#change(this.#demote(demote));
    else if (leadNext.length > 0) this.#change(this.#handOver(leadNext));
  }

  #change(work: Promise<void>): void {
    this.#isChanging = true;
    work.finally(() => {
      this.#isChanging = false;
    });
  }

  async #demote(id: string): Promise<void> {
    const { log, demote } = this.#parts;
    log.info("a node is to vote no more: others of its zone, or of a newer version, do", { id });
    await demote(id).catch((error) =>
      log.warn("a node was not made a non-voter", { id, error: describeError(error) })
    );
  }

  async #handOver(ids: readonly string[]): Promise<void> {
    const { log, handOver } = this.#parts;
    log.info("a node of a newer version is to lead", { ids: ids.join(", ") });
    await handOver(ids).catch((error) =>
      log.warn("no node of the newer version took over", { error: describeError(error) })
    );
  }

  async #remove(id: string): Promise<void> {
    const { log } = this.#parts;
    const after = `${this.#settings.deadServerLastContact}s`;
    log.warn("a node is dead and is taken out of the group", { id, after });
    try {
      await this.#parts.remove(id);
      this.#stableSince.delete(id);
    } catch (error) {
      log.warn("a dead node was not taken out", { id, error: describeError(error) });
    }
  }
}
