/**
 * Who shall make up a group of which most voters are lost: decided by what is left of the logs.
 *
 * The node with the longest log, as elections compare them (last term, then last index), is the
 * only one to vote at first; the others are learners until they have its log. With several voters
 * those with shorter logs could elect one of themselves before the one with the longest is up.
 */
import type { Member } from "./consensus/configuration.ts";
import { StorageError } from "./errors.ts";
import { parseEndpoint } from "./net/cluster_tls.ts";
import { type Damaged, isDamaged, type Survey } from "./survey.ts";

export interface RecoveryWish {
  /** Ids of the nodes that stay; empty for all whose directories are given. */
  readonly keep: readonly string[];
  /** Addresses of cluster ports that have changed, by node id. */
  readonly addresses: ReadonlyMap<string, string>;
}

export interface RecoveryPlan {
  /** Whose log it is from now on. */
  readonly chosen: Survey;
  readonly staying: readonly Survey[];
  readonly members: readonly Member[];
  /** What would be lost, as far as it can be seen; empty where nothing is. */
  readonly objections: readonly string[];
  /** Members whose directories were not given. */
  readonly unseen: readonly string[];
}

/** Below 0 where `a` has the shorter log. */
export function compareLogs(a: Survey, b: Survey): number {
  return a.lastTerm - b.lastTerm || a.lastIndex - b.lastIndex;
}

/** Throws `StorageError` where the wish can't be fulfilled at all. */
export function planRecovery(
  found: readonly (Survey | Damaged)[],
  { keep, addresses }: RecoveryWish,
): RecoveryPlan {
  const ids = found.map(({ nodeId }) => nodeId);
  const twice = ids.find((id, at) => id !== "" && ids.indexOf(id) < at);
  if (twice !== undefined) throw new StorageError(`two directories are of node ${twice}`);
  for (const id of [...keep, ...addresses.keys()]) {
    if (!ids.includes(id)) throw new StorageError(`no directory given is of node ${id}`);
  }
  const intact = found.filter((one): one is Survey => !isDamaged(one));
  const damaged = found.filter(isDamaged);
  const broken = damaged.find(({ nodeId }) => keep.includes(nodeId));
  if (broken !== undefined) throw new StorageError(`${broken.nodeId} can't stay: ${broken.damage}`);
  const staying = intact.filter(({ nodeId, members }) =>
    members.length > 0 && (keep.length === 0 || keep.includes(nodeId))
  );
  const [chosen] = staying.toSorted((a, b) => compareLogs(b, a));
  if (chosen === undefined) throw new StorageError("no directory given is of a cluster's member");
  const members = chosen.members;
  if (members.length === 1 && members[0]?.id === chosen.nodeId) {
    throw new StorageError(`${chosen.nodeId} is its cluster's only member and needs no others`);
  }
  return {
    chosen,
    staying,
    members: staying.map((one) => memberOf(one, chosen, addresses)),
    objections: [
      ...intact.flatMap((one) => objectionsTo(chosen, one)),
      ...damaged.map(({ directory, damage }) =>
        `${directory} can't be read and may hold a longer log: ${damage}`
      ),
    ],
    unseen: members.map(({ id }) => id).filter((id) => !ids.includes(id)),
  };
}

function objectionsTo(chosen: Survey, other: Survey): string[] {
  const { nodeId, lastIndex, lastTerm, committedIndex } = other;
  if (compareLogs(other, chosen) > 0) {
    return [
      `the log of ${nodeId} is longer: it ends at entry ${lastIndex} of term ${lastTerm}, that ` +
      `of ${chosen.nodeId} at entry ${chosen.lastIndex} of term ${chosen.lastTerm}`,
    ];
  }
  if (committedIndex <= chosen.lastIndex) return [];
  return [
    `${nodeId} knows entries up to ${committedIndex} to be committed, the log of ` +
    `${chosen.nodeId} ends at ${chosen.lastIndex}`,
  ];
}

function memberOf(
  { nodeId: id }: Survey,
  chosen: Survey,
  addresses: ReadonlyMap<string, string>,
): Member {
  const known = chosen.members.find((member) => member.id === id);
  const address = addresses.get(id) ?? known?.address ?? "";
  if (parseEndpoint(address) === undefined) {
    throw new StorageError(`node ${id} needs the host and port of its cluster port`);
  }
  if (id === chosen.nodeId) return { id, address, voter: true };
  return { id, address, voter: false, ...(known?.staysLearner ? { staysLearner: true } : {}) };
}
