/** Policies in storage, and the compiled ACLs that requests are checked against. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import type { Clock } from "../base/clock.ts";
import { Acl } from "../policy/acl.ts";
import { compileAcl } from "../policy/compile.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { ParsedPolicy } from "../policy/policy.ts";
import type { TokenEntry } from "../token/entry.ts";
import type { EntryCache } from "../storage/cache.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";

const prefix = "sys/policy/";

/** How a policy may be changed, and what its templates may bring in. */
export interface PolicySettings {
  /** Whether a change must name the version that it replaces. */
  readonly casRequired: boolean;
  readonly allowSlashes: boolean;
  readonly allowWildcards: boolean;
}

/** A policy with the text that it came as. */
export interface StoredPolicy extends PolicySettings {
  readonly name: string;
  readonly text: string;
  /** Counts its changes, from 1. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  readonly parsed: ParsedPolicy;
}

type KeptPolicy = Omit<StoredPolicy, "name" | "parsed">;

export class Acls {
  /** By the sorted names of a policy set. */
  readonly #compiled = new Map<string, Acl>();
  #changes = 0;

  constructor(
    transactions: Transactions,
    readonly cache: EntryCache,
    readonly clock: Clock,
    readonly maxSets = 4096,
  ) {
    transactions.onChange((keys) => {
      if (!keys.some((key) => key.startsWith(prefix))) return;
      this.#changes++;
      this.#compiled.clear();
    });
  }

  async get(transaction: Transaction, name: string): Promise<StoredPolicy | undefined> {
    return await this.cache.read(transaction, prefix + name, (bytes) => {
      const kept: KeptPolicy = JSON.parse(fromUtf8(bytes));
      return { ...kept, name, parsed: parsePolicy(kept.text, name) };
    });
  }

  async names(transaction: Transaction): Promise<string[]> {
    const found = await transaction.scan(prefix, { limit: 1_000_000 });
    return found.map(({ key }) => key.slice(prefix.length));
  }

  /**
   * Keeps a policy; settings that are not given stay as they were. Throws a 400 for a text that is
   * none, and where `cas` does not name the present version.
   */
  async put(
    transaction: Transaction,
    name: string,
    text: string,
    settings: Partial<PolicySettings> & { readonly cas?: number } = {},
  ): Promise<void> {
    parsePolicy(text, name);
    const before = await this.get(transaction, name);
    const { cas, ...given } = settings;
    const present = before?.version ?? 0;
    if (cas === undefined ? before?.casRequired === true : cas !== present) {
      throw badRequest("check-and-set parameter is missing or is not the current version");
    }
    const kept: KeptPolicy = {
      casRequired: before?.casRequired ?? false,
      allowSlashes: before?.allowSlashes ?? false,
      allowWildcards: before?.allowWildcards ?? false,
      ...given,
      text,
      version: present + 1,
      modified: this.clock.now(),
    };
    transaction.put(prefix + name, utf8(JSON.stringify(kept)));
  }

  delete(transaction: Transaction, name: string): void {
    transaction.delete(prefix + name);
  }

  /** The ACL of a set of policies. Names without a policy grant nothing. */
  async forPolicies(transaction: Transaction, names: readonly string[]): Promise<Acl> {
    const id = names.length === 1 ? names[0] ?? "" : [...names].sort().join("\0");
    const known = this.#compiled.get(id);
    const nowMs = this.clock.now();
    if (known !== undefined && (known.validUntil ?? Infinity) > nowMs) return known;
    const before = this.#changes;
    const policies: ParsedPolicy[] = [];
    for (const name of new Set(names)) {
      if (name === "root") return this.#keep(id, before, new Acl([], true, undefined));
      const stored = await this.get(transaction, name);
      if (stored !== undefined) policies.push(stored.parsed);
    }
    return this.#keep(id, before, compileAcl(policies, { nowMs }));
  }

  /** The ACL of a token. */
  async forToken(transaction: Transaction, token: TokenEntry): Promise<Acl> {
    return await this.forPolicies(transaction, token.policies);
  }

  #keep(id: string, before: number, acl: Acl): Acl {
    if (before !== this.#changes) return acl;
    if (this.#compiled.size >= this.maxSets) this.#compiled.clear();
    this.#compiled.set(id, acl);
    return acl;
  }
}
