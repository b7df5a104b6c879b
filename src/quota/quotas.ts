/** All quotas: kept in storage, few, in memory while the node is unsealed. */
import { type Awaitable, chain } from "../base/awaitable.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { badRequest, Failure } from "../base/failure.ts";
import type { Transaction } from "../storage/transaction.ts";
import { LeaseCounter } from "./lease_counter.ts";
import { RateLimiter, type RateVerdict } from "./rate_limiter.ts";
import { countedAs, RoleCounts } from "./role_counts.ts";
import {
  isIncomplete,
  type LeaseCountRule,
  type QuotaSubject,
  type RateLimitRule,
  ruleFor,
  sameScope,
} from "./rule.ts";

const root = "sys/quotas/";

export interface QuotaConfig {
  /** Paths that no rate limit holds for; a trailing `*` takes what begins so. */
  readonly exemptPaths: readonly string[];
  readonly auditRefusals: boolean;
  readonly responseHeaders: boolean;
}

const defaultConfig: QuotaConfig = {
  exemptPaths: [
    "sys/generate-recovery-token/attempt",
    "sys/generate-recovery-token/update",
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
  ],
  auditRefusals: false,
  responseHeaders: false,
};

/** Leases that a new installation allows, unless its operators say otherwise. */
const defaultMaxLeases = 300_000;

export class Quotas {
  readonly rateLimits = new Map<string, RateLimitRule>();
  readonly leaseCounts = new Map<string, LeaseCountRule>();
  readonly counter = new LeaseCounter();
  readonly roleCounts = new RoleCounts();
  readonly #limiter: RateLimiter;
  #config = defaultConfig;
  /** Told where logins of before a rule have yet to be counted. */
  onIncomplete: () => void = () => {};
  /** Told of each refusal. */
  onViolation: (kind: "rate_limit" | "lease_count", rule: string) => void = () => {};

  constructor(clock: Clock) {
    this.#limiter = new RateLimiter(clock);
  }

  /** Reads all rules; a storage that never had any gets the default lease count. */
  async load(transaction: Transaction): Promise<void> {
    const read = async <R extends { readonly name: string }>(
      kind: string,
      into: Map<string, R>,
    ) => {
      into.clear();
      for (const { value } of await transaction.scan(`${root}${kind}/`, { limit: 10_000 })) {
        const rule: R = JSON.parse(fromUtf8(value));
        into.set(rule.name, rule);
      }
    };
    await read("rate-limit", this.rateLimits);
    await read("lease-count", this.leaseCounts);
    this.#limiter.clear();
    const stored = await transaction.get(`${root}config`);
    if (stored !== undefined) this.#config = JSON.parse(fromUtf8(stored));
    else this.#makeDefaults(transaction);
  }

  #makeDefaults(transaction: Transaction): void {
    this.setConfig(transaction, this.#config);
    this.putLeaseCount(transaction, {
      name: "default",
      path: "",
      role: "",
      inheritable: true,
      maxLeases: defaultMaxLeases,
    });
  }

  get config(): QuotaConfig {
    return this.#config;
  }

  setConfig(transaction: Transaction, next: QuotaConfig): void {
    transaction.put(`${root}config`, utf8(JSON.stringify(next)));
    transaction.afterCommit(() => {
      this.#config = next;
    });
  }

  /** Throws a 400 where another rule holds for the same. */
  putRateLimit(transaction: Transaction, rule: RateLimitRule): void {
    refuseTwin(this.rateLimits.values(), rule);
    transaction.put(`${root}rate-limit/${rule.name}`, utf8(JSON.stringify(rule)));
    transaction.afterCommit(() => {
      this.rateLimits.set(rule.name, rule);
      this.#limiter.clear();
    });
  }

  deleteRateLimit(transaction: Transaction, name: string): void {
    transaction.delete(`${root}rate-limit/${name}`);
    transaction.afterCommit(() => this.rateLimits.delete(name));
  }

  /** Throws a 400 where another rule holds for the same. */
  putLeaseCount(transaction: Transaction, given: LeaseCountRule): void {
    refuseTwin(this.leaseCounts.values(), given);
    const key = leaseCountKey(given.name);
    // Logins between the end of a rule and its return have no marks: what is so now must be so then.
    transaction.noteRead(key);
    const before = this.leaseCounts.get(given.name);
    const isComplete = before?.isComplete && before.path === given.path &&
      before.role === given.role;
    const rule = isComplete ? { ...given, isComplete } : given;
    transaction.put(key, utf8(JSON.stringify(rule)));
    transaction.afterCommit(() => {
      this.leaseCounts.set(rule.name, rule);
      if (isIncomplete(rule)) this.onIncomplete();
    });
  }

  /** Notes that all logins that a rule is for are counted, unless it is another by now. */
  complete(transaction: Transaction, rule: LeaseCountRule): void {
    const key = leaseCountKey(rule.name);
    transaction.noteRead(key);
    if (!this.holds(rule)) return;
    const complete: LeaseCountRule = { ...rule, isComplete: true };
    transaction.put(key, utf8(JSON.stringify(complete)));
    transaction.afterCommit(() => this.leaseCounts.set(rule.name, complete));
  }

  /** Whether a rule stands as it was found: nobody has changed it, or removed it and made it anew. */
  holds(rule: LeaseCountRule): boolean {
    return this.leaseCounts.get(rule.name) === rule;
  }

  deleteLeaseCount(transaction: Transaction, name: string): void {
    transaction.delete(leaseCountKey(name));
    transaction.afterCommit(() => this.leaseCounts.delete(name));
  }

  /** Counts a request; undefined where no rate limit holds for it. */
  takeRequest(subject: QuotaSubject, caller: string): RateVerdict | undefined {
    if (this.rateLimits.size === 0 || this.#isExempt(subject.path)) return undefined;
    const rule = ruleFor(this.rateLimits.values(), subject);
    if (rule === undefined) return undefined;
    const verdict = this.#limiter.take(rule, caller);
    if (!verdict.allowed) this.onViolation("rate_limit", rule.name);
    return verdict;
  }

  /** Whether who logs in must say for which role. */
  get countsByRole(): boolean {
    for (const { role } of this.leaseCounts.values()) if (role !== "") return true;
    return false;
  }

  /** Leases that a rule counts. */
  async counted(transaction: Transaction, rule: LeaseCountRule): Promise<number> {
    if (rule.role === "") return this.counter.count(rule.path.replace(/\*$/, ""));
    return await this.roleCounts.count(transaction, countedAs({ ...rule, mount: rule.path }));
  }

  /**
   * Makes room for a lease. Throws a 429 where there is none, before anything is created. Returns
   * what its token is to be counted as, where a rule is for the login's role.
   */
  reserveLease(transaction: Transaction, subject: QuotaSubject): Awaitable<string | undefined> {
    const { counter } = this;
    const rule = ruleFor(this.leaseCounts.values(), subject);
    if (rule === undefined || rule.role !== "") counter.reserve(transaction, subject.path);
    if (rule === undefined) return undefined;
    if (rule.role !== "") return this.#reserveForRole(transaction, rule, countedAs(subject));
    const prefix = rule.path.replace(/\*$/, "");
    const left = rule.maxLeases - counter.count(prefix);
    counter.reserve(transaction, subject.path);
    return chain(counter.uncounted(transaction, prefix, left), (uncounted) => {
      if (left <= uncounted) throw this.#violated(rule);
      return undefined;
    });
  }

  async #reserveForRole(
    transaction: Transaction,
    rule: LeaseCountRule,
    role: string,
  ): Promise<string> {
    if (await this.roleCounts.admit(transaction, role, rule.maxLeases)) return role;
    throw this.#violated(rule);
  }

  #violated(rule: LeaseCountRule): Failure {
    this.onViolation("lease_count", rule.name);
    return new Failure(429, "lease count quota exceeded", { headers: { "retry-after": "5" } });
  }

  #isExempt(path: string): boolean {
    return this.#config.exemptPaths.some((exempt) =>
      exempt.endsWith("*") ? path.startsWith(exempt.slice(0, -1)) : path === exempt
    );
  }
}

function leaseCountKey(name: string): string {
  return `${root}lease-count/${name}`;
}

function refuseTwin<R extends RateLimitRule | LeaseCountRule>(rules: Iterable<R>, rule: R): void {
  for (const other of rules) {
    if (sameScope(other, rule)) {
      throw badRequest(`quota rule with similar properties exists under the name "${other.name}"`);
    }
  }
}
