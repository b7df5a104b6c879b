/**
 * Forms that came after the first version, each under a name. A node writes one only when all
 * members know it; from then on it is in use, which is noted behind the barrier, and who does not
 * know it is not let in any more.
 */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";
import { version as program } from "../base/version.ts";
import { describeError, Failure } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import { type NodeFacts, SILENT_NODE } from "../raft/net/node_facts.ts";

/** What this build knows. */
export const FEATURES = [
  /** The TLS keyring may hold two keys (`tls_keyring.ts`). */
  "tls-rotation",
  /** A token may say that nothing hangs on it (`token/entry.ts`): who makes it a parent must know. */
  "lone-tokens",
  /** Tokens may be kept under names that begin with the time (`token/names.ts`). */
  "timed-tokens",
  /** Tokens and leases may leave out what is neutral (`stored_entry.ts` of both rooms). */
  "sparse-entries",
  /** Tokens may be counted by role (`token/store.ts`): who removes one must remove its mark. */
  "role-counts",
  /** Leases say when their batch token ends (`lease/entry.ts`): who renews one must know. */
  "batch-lease-ends",
  /** A mount may be of the type oidc: who does not know it can't open the mount table. */
  "oidc-mounts",
] as const;
export type Feature = typeof FEATURES[number];

/** Those that are used as soon as all members know them; the others when there is cause to. */
const AT_ONCE: readonly Feature[] = [
  "lone-tokens",
  "timed-tokens",
  "sparse-entries",
  "role-counts",
  "batch-lease-ends",
];

export const FEATURES_KEY = "core/raft/features";

/** A feature in use, with the version of the program that began to use it. */
export type InUse = ReadonlyMap<string, string>;

/** Members that don't know a feature, or of which nobody knows whether they do. */
export function lackingIt(
  feature: string,
  members: readonly string[],
  factsOf: (id: string) => NodeFacts | undefined,
): string[] {
  return members.filter((id) => factsOf(id)?.features.includes(feature) !== true);
}

/** Why a node can't take part; undefined where it can. */
export function refusalOf(
  inUse: InUse,
  { version, features }: Pick<NodeFacts, "version" | "features">,
) {
  const lacking = [...inUse].filter(([name]) => !features.includes(name));
  const [first] = lacking;
  if (first === undefined) return undefined;
  const [, since] = first;
  const names = lacking.map(([name]) => `"${name}"`).join(", ");
  const who = version === "" ? "of a version before there were such names" : `version ${version}`;
  return `the cluster uses ${names} since version ${since} of Holdfast, which the node that asks ` +
    `(${who}) does not know: install version ${since} or a newer one on it`;
}

/** Why this build can't serve what is stored; undefined where it can. */
export function unknownToThis(inUse: InUse): string | undefined {
  const known: readonly string[] = FEATURES;
  const unknown = [...inUse].filter(([name]) => !known.includes(name));
  const [first] = unknown;
  if (first === undefined) return undefined;
  const names = unknown.map(([name]) => `"${name}"`).join(", ");
  return `what is stored uses ${names} since version ${first[1]} of Holdfast; this one, ` +
    `${program}, does not know it: run version ${first[1]} or a newer one here`;
}

export function encodeInUse(inUse: InUse): Bytes {
  return utf8(JSON.stringify({ version: 1, features: Object.fromEntries(inUse) }));
}

/** Throws where the bytes are none. */
export function decodeInUse(bytes: Uint8Array): InUse {
  const parsed: unknown = JSON.parse(fromUtf8(bytes));
  const features: unknown = Reflect.get(Object(parsed), "features");
  if (typeof features !== "object" || features === null) {
    throw new Error("the list of features in use is of an unknown form");
  }
  return new Map(Object.entries(features).map(([name, since]) => [name, String(since)]));
}

export interface FeatureParts {
  /** Of what lies behind the barrier. */
  readonly read: (key: string) => Promise<Bytes | undefined>;
  /** Resolves when it is committed. */
  readonly write: (key: string, value: Bytes) => Promise<unknown>;
  readonly log: Logger;
  readonly nodeId: string;
  /** The members' ids. */
  readonly members: () => readonly string[];
  readonly isActive: () => boolean;
}

/** Which features are in use, and what each node says that it knows. */
export class Features {
  readonly #parts: FeatureParts;
  readonly #facts = new Map<string, NodeFacts>();
  readonly #own: NodeFacts;
  #inUse: InUse = new Map();

  constructor(parts: FeatureParts, own: NodeFacts) {
    this.#parts = parts;
    this.#own = own;
  }

  /** What a node said of itself last; undefined for one that has not been heard of. */
  factsOf(id: string): NodeFacts | undefined {
    return id === this.#parts.nodeId ? this.#own : this.#facts.get(id);
  }

  /** Reads what is in use. Throws where this build does not know all of it. */
  async load(): Promise<void> {
    const stored = await this.#parts.read(FEATURES_KEY);
    this.#inUse = stored === undefined ? new Map() : decodeInUse(stored);
    const unknown = unknownToThis(this.#inUse);
    if (unknown !== undefined) throw new Failure(503, unknown);
  }

  /** As `load`, where another node has changed it. */
  changed(keys: readonly string[] | undefined): void {
    if (keys !== undefined && !keys.includes(FEATURES_KEY)) return;
    this.load().catch((error) =>
      this.#parts.log.warn("the features in use are not known", { error: describeError(error) })
    );
  }

  /** Takes down what a node says. Answers with why it can't take part, where it can't. */
  introduced(id: string, facts: NodeFacts): string | undefined {
    const known = this.#facts.get(id) ?? SILENT_NODE;
    if (known.version !== facts.version) {
      this.#parts.log.info("a node tells its version", { id, version: facts.version });
    }
    this.#facts.set(id, facts);
    const refusal = refusalOf(this.#inUse, facts);
    // The last member that did not know a form may be the one that tells.
    if (refusal === undefined && this.#parts.isActive()) {
      this.useAtOnce().catch((error) =>
        this.#parts.log.warn("a newer form is not used yet", { error: describeError(error) })
      );
    }
    return refusal;
  }

  /** On the active node: uses what needs no other cause than that all members know it. */
  async useAtOnce(): Promise<void> {
    for (const feature of AT_ONCE) await this.use(feature);
  }

  refusalOf(facts: Pick<NodeFacts, "version" | "features">): string | undefined {
    return refusalOf(this.#inUse, facts);
  }

  /** Names, each with the version that began to use it. */
  get inUse(): InUse {
    return this.#inUse;
  }

  isInUse(feature: Feature): boolean {
    return this.#inUse.has(feature);
  }

  /** The members that hold up its use: those of which nobody knows that they know it. */
  lacking(feature: Feature): readonly string[] {
    if (this.isInUse(feature)) return [];
    return lackingIt(feature, this.#parts.members(), (id) => this.factsOf(id));
  }

  /**
   * On the active node, before it writes a new form: notes that it is in use where all members
   * know it. Returns whether it may be written.
   */
  async use(feature: Feature): Promise<boolean> {
    if (this.isInUse(feature)) return true;
    const { write, log } = this.#parts;
    if (this.lacking(feature).length > 0) return false;
    const inUse = new Map([...this.#inUse, [feature, program]]);
    await write(FEATURES_KEY, encodeInUse(inUse));
    this.#inUse = inUse;
    log.info("all nodes know a newer form, which is used from now on", { feature });
    return true;
  }
}
