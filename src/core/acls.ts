/** Policies in storage, and the compiled ACLs that requests are checked against. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { Acl } from "../policy/acl.ts";
import { compileAcl } from "../policy/compile.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { ParsedPolicy } from "../policy/policy.ts";
import type { TokenEntry } from "../token/entry.ts";
import type { EntryCache } from "../storage/cache.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";

const prefix = "sys/policy/";

/** A policy with the text that it came as. */
export interface StoredPolicy {
  readonly name: string;
  readonly text: string;
  readonly parsed: ParsedPolicy;
}

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
      const text = fromUtf8(bytes);
      return { name, text, parsed: parsePolicy(text, name) };
    });
  }

  async names(transaction: Transaction): Promise<string[]> {
    const found = await transaction.scan(prefix, { limit: 1_000_000 });
    return found.map(({ key }) => key.slice(prefix.length));
  }

  /** Keeps a policy. Throws a 400 for a text that is none. */
  put(transaction: Transaction, name: string, text: string): void {
    parsePolicy(text, name);
    transaction.put(prefix + name, utf8(text));
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
