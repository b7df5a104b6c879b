/** Policies in storage, and the compiled ACLs that requests are checked against. */
import type { Awaitable } from "../base/awaitable.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { badRequest, permissionDenied } from "../base/failure.ts";
import type { Clock } from "../base/clock.ts";
import type { IdentityView, IdentityViews } from "../identity/views.ts";
import { Acl } from "../policy/acl.ts";
import { compileAcl } from "../policy/compile.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { ParsedPolicy } from "../policy/policy.ts";
import { expandTemplates, type PolicySubject } from "../policy/template.ts";
import type { TokenEntry } from "../token/entry.ts";
import type { EntryCache } from "../storage/cache.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";
import type { OperationTimes } from "../telemetry/operation_times.ts";

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

/** `acl` is the one without an identity, where it was ever asked for. */
interface CompiledSet {
  readonly acl: Acl | undefined;
  readonly templated: boolean;
}

type Made = CompiledSet & { readonly acl: Acl };

export class Acls {
  /** By the sorted names of a policy set: for any token, as long as no policy has templates. */
  readonly #compiled = new Map<string, CompiledSet>();
  /** Sets with templates, by whom they were filled in for. A changed identity is a new view. */
  #filledIn = new WeakMap<IdentityView, Map<string, Acl>>();
  #changes = 0;

  constructor(
    transactions: Transactions,
    readonly cache: EntryCache,
    readonly clock: Clock,
    readonly identities: Pick<IdentityViews, "get">,
    readonly maxSets = 4096,
    readonly times?: OperationTimes,
  ) {
    transactions.onChange((keys) => {
      if (!keys.some((key) => key.startsWith(prefix))) return;
      this.#changes++;
      this.#compiled.clear();
      this.#filledIn = new WeakMap();
    });
  }

  async get(transaction: Transaction, name: string): Promise<StoredPolicy | undefined> {
    const start = this.clock.monotonic();
    const found = await this.cache.read(transaction, prefix + name, (bytes) => {
      const kept: KeptPolicy = JSON.parse(fromUtf8(bytes));
      return { ...kept, name, parsed: parsePolicy(kept.text, name) };
    });
    this.times?.of("policy.get_policy").observe(this.clock.monotonic() - start);
    return found;
  }

  async names(transaction: Transaction): Promise<string[]> {
    const scan = () => transaction.scan(prefix, { limit: 1_000_000 });
    const found = await (this.times?.during("policy.list_policies", scan) ?? scan());
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
    this.times?.untilDurable(transaction, "policy.set_policy");
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
    this.times?.untilDurable(transaction, "policy.delete_policy");
    transaction.delete(prefix + name);
  }

  /**
   * The ACL of a set of policies, with templates filled in for an identity; without one, rules
   * with templates fall away. Names without a policy grant nothing.
   */
  forPolicies(
    transaction: Transaction,
    names: readonly string[],
    view?: IdentityView,
  ): Awaitable<Acl> {
    const id = names.length === 1 ? names[0] ?? "" : [...names].sort().join("\0");
    const set = this.#compiled.get(id);
    const known = set !== undefined && set.templated && view !== undefined
      ? this.#filledIn.get(view)?.get(id)
      : set?.acl;
    const nowMs = this.clock.now();
    if (known !== undefined && (known.validUntil ?? Infinity) > nowMs) return known;
    return this.#compile(transaction, names, id, nowMs, view);
  }

  async #compile(
    transaction: Transaction,
    names: readonly string[],
    id: string,
    nowMs: number,
    view: IdentityView | undefined,
  ): Promise<Acl> {
    const before = this.#changes;
    const subject = policySubject(view);
    const policies: ParsedPolicy[] = [];
    let templated = false;
    for (const name of new Set(names)) {
      if (name === "root") {
        return this.#keep(id, before, { acl: new Acl([], true, undefined), templated }, view);
      }
      const stored = await this.get(transaction, name);
      if (stored === undefined) continue;
      templated ||= stored.parsed.templated;
      policies.push(expandTemplates(stored.parsed, subject, stored).policy);
    }
    return this.#keep(id, before, { acl: compileAcl(policies, { nowMs }), templated }, view);
  }

  /**
   * The ACL of a token: its own policies, and those of its entity with all groups. `known` is
   * given where the caller has looked the entity up already.
   */
  forToken(
    transaction: Transaction,
    token: TokenEntry,
    known?: IdentityView,
  ): Awaitable<Acl> {
    if (token.entityId === "" || token.policies.includes("root")) {
      return this.forPolicies(transaction, token.policies);
    }
    return this.#forEntity(transaction, token, known);
  }

  async #forEntity(
    transaction: Transaction,
    token: TokenEntry,
    known: IdentityView | undefined,
  ): Promise<Acl> {
    const view = known ?? await this.identities.get(transaction, token.entityId);
    if (view === undefined || view.entity.disabled) throw permissionDenied();
    const names = view.policies.length === 0
      ? token.policies
      : [...new Set([...token.policies, ...view.policies.filter((name) => name !== "root")])];
    return await this.forPolicies(transaction, names, view);
  }

  #keep(id: string, before: number, made: Made, view: IdentityView | undefined): Acl {
    if (before !== this.#changes) return made.acl;
    if (this.#compiled.size >= this.maxSets && !this.#compiled.has(id)) this.#compiled.clear();
    if (!made.templated || view === undefined) this.#compiled.set(id, made);
    else {
      // Tells the next one with these names to look below its own identity.
      const set = this.#compiled.get(id);
      this.#compiled.set(id, set?.templated ? set : { acl: undefined, templated: true });
      const filledIn = this.#filledIn.get(view) ?? new Map<string, Acl>();
      this.#filledIn.set(view, filledIn.set(id, made.acl));
    }
    return made.acl;
  }
}

/** Whom templates are filled in for. */
export function policySubject(view: IdentityView | undefined): PolicySubject {
  if (view === undefined) return { groups: [] };
  const { entity, groups } = view;
  return {
    entity: {
      id: entity.id,
      name: entity.name,
      metadata: entity.metadata ?? {},
      aliases: entity.aliases.map((alias) => ({
        accessor: alias.mountAccessor,
        id: alias.id,
        name: alias.name,
        metadata: alias.metadata ?? {},
        customMetadata: alias.customMetadata ?? {},
      })),
    },
    groups: groups.map(({ id, name, metadata }) => ({ id, name, metadata: metadata ?? {} })),
  };
}
