/** What a node tells of itself at the begin of each connection, and whether that will do. */
import { PROTOCOL, type ProtocolRange } from "../formats.ts";
import { version as program } from "../../base/version.ts";
import { number, object, text } from "./message_codec.ts";

export interface NodeFacts {
  /** Of the program; "" for one that does not tell. */
  readonly version: string;
  readonly protocol: ProtocolRange;
  /** Names of the forms beyond the first of all that the node reads and writes. */
  readonly features: readonly string[];
  /** Where the node stands, for a group that spreads its voters; "" for nowhere. */
  readonly zone: string;
  /** By what upgrades are told; the program's version unless the configuration says otherwise. */
  readonly upgradeVersion: string;
}

/** A node of the time before nodes told anything. */
export const SILENT_NODE: NodeFacts = {
  version: "",
  protocol: { oldest: 1, newest: 1 },
  features: [],
  zone: "",
  upgradeVersion: "",
};

/** The fields of a greeting. */
export function encodeFacts(facts: NodeFacts): Record<string, unknown> {
  const { version, protocol, features, zone, upgradeVersion } = facts;
  return {
    version,
    protocol: [protocol.oldest, protocol.newest],
    features,
    zone,
    upgrade_version: upgradeVersion,
  };
}

/** Throws `TypeError` where the fields are there and are none. */
export function decodeFacts(greeting: unknown): NodeFacts {
  const fields = object(greeting);
  if (fields["version"] === undefined) return SILENT_NODE;
  const { protocol, features } = fields;
  if (!Array.isArray(protocol) || !Array.isArray(features)) throw new TypeError("facts");
  const range = { oldest: protocol[0], newest: protocol[1] };
  return {
    version: text(fields, "version"),
    protocol: { oldest: number(range, "oldest"), newest: number(range, "newest") },
    features: features.map(String),
    zone: text(fields, "zone"),
    upgradeVersion: text(fields, "upgrade_version"),
  };
}

/** The newest protocol that both speak; a sentence where there is none. */
export function commonProtocol(own: ProtocolRange, other: NodeFacts): number | string {
  const { protocol } = other;
  const newest = Math.min(own.newest, protocol.newest);
  if (newest >= Math.max(own.oldest, protocol.oldest)) return newest;
  const span = ({ oldest, newest }: ProtocolRange) => `${oldest} to ${newest}`;
  const [older, remedy] = own.newest < protocol.oldest
    ? ["this node", other.version]
    : ["the other node", program];
  return `the other node (version ${other.version}) speaks the cluster protocols ` +
    `${span(protocol)}, this one (version ${program}) ${span(own)}: run a version on ${older} ` +
    `that speaks one of both, such as those between its own and ${remedy}`;
}

/** What this build says of itself. */
export function ownFacts(
  { features, zone = "", upgradeVersion = "" }: {
    readonly features: readonly string[];
    readonly zone?: string;
    readonly upgradeVersion?: string;
  },
): NodeFacts {
  return {
    version: program,
    protocol: PROTOCOL,
    features,
    zone,
    upgradeVersion: upgradeVersion === "" ? program : upgradeVersion,
  };
}
