/** Who belongs to the group: voters count for quorums, learners only receive the log. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import type { Bytes } from "../../base/bytes.ts";
import { CorruptionError } from "../errors.ts";
import type { NodeId } from "./messages.ts";

export interface Member {
  readonly id: NodeId;
  /** Where its cluster port is; "" while there is none. */
  readonly address: string;
  readonly voter: boolean;
  /** A learner for good; others become voters once they have caught up. */
  readonly staysLearner?: boolean;
}

export interface Configuration {
  readonly members: readonly Member[];
}

export function voters({ members }: Configuration): NodeId[] {
  return members.filter((member) => member.voter).map((member) => member.id);
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.members.some((member) => member.id === id && member.voter);
}

/** Whether more than half of the voters are in the set. */
export function isQuorum(configuration: Configuration, has: (id: NodeId) => boolean): boolean {
  let all = 0, found = 0;
  for (const { id, voter } of configuration.members) {
    if (!voter) continue;
    all += 1;
    if (has(id)) found += 1;
  }
  return found * 2 > all;
}

/** The greatest value that a quorum of voters has reached. */
export function quorumValue(configuration: Configuration, of: (id: NodeId) => number): number {
  const values = voters(configuration).map(of).sort((a, b) => b - a);
  return values[values.length >> 1] ?? 0;
}

/** Whether two configurations differ in at most one voter, so that their quorums overlap. */
export function isOneStep(from: Configuration, to: Configuration): boolean {
  const before = new Set(voters(from)), after = new Set(voters(to));
  return after.size > 0 && before.symmetricDifference(after).size <= 1;
}

export function encodeConfiguration(configuration: Configuration): Bytes {
  const { members } = configuration;
  return utf8(JSON.stringify(members.map(({ id, address, voter, staysLearner }) => {
    return staysLearner === true ? [id, address, voter, true] : [id, address, voter];
  })));
}

export function decodeConfiguration(payload: Uint8Array): Configuration {
  const parsed: unknown = JSON.parse(fromUtf8(payload));
  if (!Array.isArray(parsed)) throw new CorruptionError("a configuration is not a list of members");
  const members = parsed.map((item: unknown): Member => {
    if (Array.isArray(item)) {
      const [id, address, voter, staysLearner]: unknown[] = item;
      if (typeof id === "string" && typeof address === "string" && typeof voter === "boolean") {
        return { id, address, voter, ...(staysLearner === true ? { staysLearner } : {}) };
      }
    }
    throw new CorruptionError("a configuration holds something that is no member");
  });
  return { members };
}
