/** What became of every key: taken, without a meaning elsewhere, or left, and then why. */

/** Things that were left for one reason. */
export interface Left {
  readonly what: string;
  readonly reason: string;
  readonly count: number;
}

/** By the beginning of their keys, the longest first that fits. "" has no meaning elsewhere. */
const reasons: readonly (readonly [prefix: string, what: string, reason: string])[] = [
  ["sys/token/id/", "tokens", "a token is only good where it was made: log in again"],
  ["sys/token/", "", ""],
  [
    "sys/expire/",
    "leases",
    "who made a dynamic secret ends it: revoke them there, or let them end by themselves",
  ],
  ["sys/quotas/", "quotas of other kinds", "set them anew below sys/quotas"],
  ["sys/config/", "settings below sys/config", "set them anew"],
  ["sys/counters/", "", ""],
  ["core/hsm/", "", ""],
  ["core/cluster/", "", ""],
  ["core/leader/", "", ""],
  ["core/raft/", "", ""],
  ["core/wrapping/", "", ""],
  ["core/upgrade/", "", ""],
  ["core/versions/", "", ""],
  ["core/index-header-hmac-key", "", ""],
  ["core/root-key", "", ""],
  ["core/master", "", ""],
  ["core/shamir-kek", "", ""],
  ["core/lock", "", ""],
  ["core/initialize-lock", "", ""],
  ["core/keyring", "", ""],
  ["core/seal-config", "", ""],
  ["core/recovery-", "", ""],
  ["core/local-cluster/", "", ""],
  ["core/activity/", "", ""],
  ["core/login/", "", ""],
  ["core/namespaces/", "namespaces", "there are none in this build"],
  ["namespaces/", "entries of namespaces", "there are none in this build"],
  ["core/plugin-catalog/", "plugins", "engines are in the binary"],
];

/** Keys that are told one by one when they could not be read; the rest is counted. */
const failuresMax = 100;

export class Account {
  readonly #taken = new Set<string>();
  readonly #left = new Map<string, Left>();
  readonly #failures: { key: string; reason: string }[] = [];
  /** Keys whose values could not be read. */
  failed = 0;

  take(key: string): void {
    this.#taken.add(key);
  }

  isTaken(key: string): boolean {
    return this.#taken.has(key);
  }

  /** Counts things that were left. */
  leave(what: string, reason: string, count = 1): void {
    if (count === 0) return;
    const name = `${what}\n${reason}`;
    const before = this.#left.get(name)?.count ?? 0;
    this.#left.set(name, { what, reason, count: before + count });
  }

  fail(key: string, reason: string): void {
    this.failed++;
    this.take(key);
    if (this.#failures.length < failuresMax) this.#failures.push({ key, reason });
  }

  get failures(): readonly { readonly key: string; readonly reason: string }[] {
    return this.#failures;
  }

  get left(): readonly Left[] {
    return [...this.#left.values()].sort((a, b) => a.what < b.what ? -1 : 1);
  }

  /** Says of all keys that nobody took why they stay. */
  close(keys: readonly string[]): void {
    for (const key of keys) {
      if (this.#taken.has(key)) continue;
      const known = reasons.find(([prefix]) => key.startsWith(prefix));
      const [, what, reason] = known ??
        ["", `entries below ${key.split("/").slice(0, 2).join("/")}`, "not known here"];
      if (what !== "") this.leave(what, reason);
    }
  }
}
