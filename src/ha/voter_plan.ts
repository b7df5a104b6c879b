/**
 * Who of a group's members is to vote: one in each redundancy zone, the others there in reserve;
 * and in an upgrade those of the newer version once there are enough of them. Decisions only; who
 * leads carries out one step of them at a time and asks again.
 */
import { compareVersions, isVersion } from "../base/semver.ts";

export interface Candidate {
  readonly id: string;
  readonly voter: boolean;
  readonly isLeader: boolean;
  /** Never votes. */
  readonly staysLearner: boolean;
  readonly isHealthy: boolean;
  /** "" for none. */
  readonly zone: string;
  /** By what upgrades are told; "" where the node does not say, which holds up nothing. */
  readonly version: string;
}

/** As Vault and Consul call where an upgrade stands. */
export type UpgradeStatus =
  | "disabled"
  | "idle"
  | "await-new-voters"
  | "promoting"
  | "demoting"
  | "leader-transfer"
  | "await-server-removal";

export interface Upgrade {
  readonly status: UpgradeStatus;
  /** "" where no node says its version. */
  readonly target: string;
}

export interface VoterPlan {
  /** Learners that may become voters when they have the log. */
  readonly mayVote: ReadonlySet<string>;
  /** The next voter that is to be none. */
  readonly demote: string | undefined;
  /** Voters to one of which leadership is to go. */
  readonly leadNext: readonly string[];
  readonly upgrade: Upgrade;
}

/** With fewer voters than these none may fail, so an upgrade never goes below. */
const LEAST_VOTERS = 3;

export function planVoters(
  members: readonly Candidate[],
  migrates: boolean,
): VoterPlan {
  const eligible = members.filter(({ staysLearner }) => !staysLearner);
  const target = newest(eligible);
  const isOld = ({ version }: Candidate) => (compareVersions(version, target) ?? 0) < 0;
  const isUpgrade = eligible.some(isOld);
  if (!migrates || !isUpgrade) {
    const upgrade: Upgrade = { status: migrates ? "idle" : "disabled", target };
    return { ...keepZones(eligible, () => true), leadNext: [], upgrade };
  }
  const old = eligible.filter(isOld);
  const fresh = eligible.filter((member) => !isOld(member) && member.isHealthy);
  const chosen = choose(fresh);
  if (chosen.length < choose(old).length) {
    const zones = keepZones(eligible, (member) => isOld(member) || isNeeded(member, eligible));
    return { ...zones, leadNext: [], upgrade: { status: "await-new-voters", target } };
  }
  return { ...migrate(eligible, chosen, old, target) };
}

/** The newest version that a member has, for what members are compared with. */
function newest(members: readonly Candidate[]): string {
  return members.map(({ version }) => version).filter(isVersion)
    .reduce((best, each) => (compareVersions(each, best) ?? 1) > 0 ? each : best, "");
}

/** There are enough of the newer version: first they vote, then the others don't. */
function migrate(
  eligible: readonly Candidate[],
  chosen: readonly Candidate[],
  old: readonly Candidate[],
  target: string,
): VoterPlan {
  const mayVote = new Set(chosen.filter(({ voter }) => !voter).map(({ id }) => id));
  const plan = (status: UpgradeStatus, more: Partial<VoterPlan> = {}): VoterPlan => ({
    mayVote,
    demote: undefined,
    leadNext: [],
    upgrade: { status, target },
    ...more,
  });
  if (mayVote.size > 0) return plan("promoting");
  const voters = eligible.filter(({ voter }) => voter);
  const oldVoters = old.filter(({ voter }) => voter);
  const wanted = new Set(chosen.map(({ id }) => id));
  const extra = voters.find(({ id, isLeader }) => !wanted.has(id) && !isLeader);
  if (oldVoters.length === 0) {
    const demote = extra !== undefined && mayLose(voters, extra) ? extra.id : undefined;
    return plan("await-server-removal", { demote });
  }
  // A group that is upgraded node by node, in place, keeps its voters all the time.
  if (voters.length >= LEAST_VOTERS && chosen.length < LEAST_VOTERS) {
    return plan("await-new-voters");
  }
  const next = oldVoters.find(({ isLeader }) => !isLeader);
  if (next === undefined) return plan("leader-transfer", { leadNext: [...wanted] });
  return plan("demoting", mayLose(voters, next) ? { demote: next.id } : {});
}

/** The only one of its zone that could vote now. */
function isNeeded({ zone }: Candidate, eligible: readonly Candidate[]): boolean {
  return zone !== "" &&
    !eligible.some((each) => each.zone === zone && each.voter && each.isHealthy);
}

/** One voter a zone; members without a zone all vote. */
function keepZones(
  eligible: readonly Candidate[],
  mayBe: (member: Candidate) => boolean,
): Pick<VoterPlan, "mayVote" | "demote"> {
  const chosen = new Set(choose(eligible.filter((each) => each.voter || mayBe(each))));
  const mayVote = [...chosen].filter(({ voter }) => !voter).map(({ id }) => id);
  const voters = eligible.filter(({ voter }) => voter);
  // Whoever is to take a place has it before another goes.
  const extra = voters.find((each) =>
    !chosen.has(each) && !each.isLeader &&
    voters.some((other) => other.zone === each.zone && chosen.has(other)) && mayLose(voters, each)
  );
  return { mayVote: new Set(mayVote), demote: extra?.id };
}

/** Who would be the voters if these were all there are. */
function choose(members: readonly Candidate[]): Candidate[] {
  const chosen = members.filter(({ zone }) => zone === "");
  for (const [, inZone] of Map.groupBy(members, ({ zone }) => zone)) {
    const best = inZone.toSorted((a, b) => rank(b) - rank(a))[0];
    if (best !== undefined && best.zone !== "") chosen.push(best);
  }
  return chosen;
}

/** Within a zone: the leader, a voter that works, one in reserve that works, any voter, any. */
function rank({ isLeader, voter, isHealthy }: Candidate): number {
  if (isLeader) return 4;
  if (isHealthy) return voter ? 3 : 2;
  return voter ? 1 : 0;
}

/** Whether those that work are a quorum still when one votes no more. */
function mayLose(voters: readonly Candidate[], gone: Candidate): boolean {
  const left = voters.filter((each) => each !== gone);
  return left.filter(({ isHealthy }) => isHealthy).length * 2 > left.length;
}

/** What each zone has, by the zone's name. */
export interface Zone {
  readonly servers: readonly string[];
  readonly voters: readonly string[];
  /** How many of it may fail before none is left that works. */
  readonly failureTolerance: number;
}

export function zonesOf(members: readonly Candidate[]): Map<string, Zone> {
  const zones = new Map<string, Zone>();
  for (const [name, inZone] of Map.groupBy(members, ({ zone }) => zone)) {
    if (name === "") continue;
    const working = inZone.filter(({ isHealthy, staysLearner }) => isHealthy && !staysLearner);
    zones.set(name, {
      servers: inZone.map(({ id }) => id),
      voters: inZone.filter(({ voter }) => voter).map(({ id }) => id),
      failureTolerance: Math.max(0, working.length - 1),
    });
  }
  return zones;
}

/** As `failureTolerance`, where those in reserve take the places of the lost one after another. */
export function optimisticTolerance(members: readonly Candidate[], tolerance: number): number {
  const inReserve = members.filter(({ voter, staysLearner, isHealthy, zone }) =>
    !voter && !staysLearner && isHealthy && zone !== ""
  );
  return tolerance + inReserve.length;
}
