/** Revokes everything below a prefix of lease ids, in batches. */
import { storedText, utf8 } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import { describeError, Failure } from "../base/failure.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { LeaseEntry } from "../lease/entry.ts";
import { leaseCall } from "./secret_revoke.ts";
import type { Services } from "./services.ts";
import { Slots } from "../base/slots.ts";
import { TargetUnavailable } from "./target_unavailable.ts";

export interface RevokePrefixOptions {
  /** Forgets leases whose engine refuses, instead of failing. */
  readonly force: boolean;
}

/** Leases that one transaction ends. */
const batchSize = 128;
/** Secrets that are revoked at a time. */
const secretsAtOnce = 8;

/** Before one that was broken off goes on. */
const pauseMs = 10_000;

/** Revocations by prefix that have begun and not ended, in storage. */
const noted = "sys/expire/prefix/";

/** Says in the log how far it is, each time it has ended so many. */
const progressEvery = 10_000;

/** A revocation by prefix that somebody has asked for. */
export interface PrefixRevocation extends RevokePrefixOptions {
  readonly id: string;
  readonly prefix: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/**
 * Notes a revocation with the request that asked for it, so that a restart in the middle goes on.
 * `runNoted` does it.
 */
export function notePrefixRevocation(
  transaction: Transaction,
  random: Random,
  startedAt: number,
  prefix: string,
  { force }: RevokePrefixOptions,
): PrefixRevocation {
  const revocation = { id: random.uuid(), prefix, force, startedAt };
  transaction.put(noted + revocation.id, utf8(JSON.stringify(revocation)));
  return revocation;
}

/**
 * Revokes what a note says and removes it. Throws a 400 `Failure` at the end where leases were
 * refused; where something else breaks it off, the note stays, and it goes on after a pause, or with
 * the next start.
 */
export async function runNoted(services: Services, revocation: PrefixRevocation): Promise<void> {
  const { running } = services.revoker;
  const { id, prefix, force, startedAt } = revocation;
  running.set(id, { prefix, startedAt, revoked: 0 });
  try {
    const name = force ? "expire.revoke-force" : "expire.revoke-prefix";
    const { refused } = await services.times.during(
      name,
      () =>
        revokePrefix(services, prefix, { force }, (revoked) => {
          running.set(id, { prefix, startedAt, revoked });
        }),
    );
    await services.transactions.run((transaction) => transaction.delete(noted + id));
    if (refused !== undefined) throw new Failure(400, refused);
  } catch (error) {
    if (!(error instanceof Failure)) goOnLater(services);
    throw error;
  } finally {
    running.delete(id);
  }
}

/** What broke one off, a full disk for instance, may be over by then. */
function goOnLater(services: Services): void {
  const { clock, log } = services.mounts.platform;
  clock.after(pauseMs, () => {
    if (services.expiration.isStopped) return;
    resumeNoted(services).catch((error) => {
      log.warn("a revocation by prefix was broken off", { error: describeError(error) });
    });
  });
}

/** Goes on with what was interrupted, by a restart or otherwise. */
export async function resumeNoted(services: Services): Promise<void> {
  const { log } = services.mounts.platform;
  const left = await services.transactions.run((transaction) =>
    transaction.scan(noted, { limit: 1000 })
  ).catch((error) => {
    goOnLater(services);
    throw error;
  });
  for (const { value } of left) {
    const revocation: PrefixRevocation = JSON.parse(storedText(value));
    const { id, prefix } = revocation;
    if (services.revoker.running.has(id)) continue;
    log.info("going on with a revocation by prefix", { prefix });
    try {
      await runNoted(services, revocation);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      log.warn("a revocation by prefix has left leases", { prefix, error: describeError(error) });
    }
  }
}

/** What came of a revocation by prefix. */
export interface PrefixOutcome {
  /** Leases that it has seen. */
  readonly count: number;
  /** How many could not be revoked, and why the first; absent where all were. */
  readonly refused?: string | undefined;
}

/**
 * Revokes all leases below `prefix`. What an engine refuses does not keep the others: it is tried
 * again like any lease that is due, or, with `force`, forgotten.
 */
export async function revokePrefix(
  services: Services,
  prefix: string,
  { force }: RevokePrefixOptions,
  progress: (revoked: number) => void = () => {},
): Promise<PrefixOutcome> {
  const { log } = services.mounts.platform;
  const secrets = new SecretsByPrefix(services, force);
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const page = await revokePage(services, prefix, after);
    await services.revoker.finish();
    await secrets.end(page.filter((lease) => lease.kind === "secret"));
    const before = count;
    count += page.length;
    progress(count);
    if (Math.floor(count / progressEvery) > Math.floor(before / progressEvery)) {
      log.info("revoking leases by prefix", { prefix, revoked: count });
    }
    after = page.at(-1)?.id;
    if (page.length < batchSize) break;
  }
  return { count, refused: secrets.complaint(count) };
}

/** Ends the tokens of the next page; its secrets are left to the caller. */
async function revokePage(
  services: Services,
  prefix: string,
  after: string | undefined,
): Promise<LeaseEntry[]> {
  return await services.transactions.run(async (transaction) => {
    const found = await services.leases.page(transaction, prefix, after, batchSize);
    for (const lease of found) {
      if (lease.kind !== "token") continue;
      const entry = await services.tokens.lookupHash(transaction, lease.tokenId);
      if (entry === undefined) services.leases.remove(transaction, lease);
      else await services.revoker.revokeTree(transaction, entry);
    }
    return found;
  });
}

/** The secrets of one revocation: some at a time, and none at a target that does not answer. */
class SecretsByPrefix {
  readonly #slots = new Slots(secretsAtOnce);
  readonly #silent = new Set<string>();
  #refused = 0;
  #firstRefusal = "";

  constructor(readonly services: Services, readonly force: boolean) {}

  async end(leases: readonly LeaseEntry[]): Promise<void> {
    await Promise.all(leases.map((lease) => this.#slots.take(() => this.#endOne(lease))));
  }

  complaint(count: number): string | undefined {
    if (this.#refused === 0) return undefined;
    const what = `${this.#refused} of ${count} leases could not be revoked and are tried again`;
    return `${what}; ${this.#firstRefusal}`;
  }

  async #endOne(lease: LeaseEntry): Promise<void> {
    const { secrets } = this.services.expiration;
    const target = secrets.parts.targetOf(lease);
    if (this.#silent.has(target)) return await this.#leave(lease, target);
    const failure = this.force ? await this.#revokeOrForget(lease) : await secrets.endNow(lease);
    if (failure === undefined) return;
    if (failure.isSilent) this.#silent.add(target);
    this.#refuse(lease, failure.error);
  }

  /** Its target did not answer for another one. */
  async #leave(lease: LeaseEntry, target: string): Promise<void> {
    if (this.force) return await this.#forget(lease);
    const { transactions, leases, tokens, expiration } = this.services;
    await transactions.run(async (transaction) => {
      const current = await leases.get(transaction, lease.id);
      if (current === undefined) return;
      const due = { ...current, expireTime: tokens.clock.now() };
      leases.put(transaction, { ...due, ending: target }, current);
    });
    expiration.secrets.nudge(target);
    this.#refuse(lease, "its target does not answer");
  }

  async #revokeOrForget(lease: LeaseEntry): Promise<undefined> {
    try {
      await this.services.expiration.secrets.parts.revoke(lease);
    } catch (error) {
      if (error instanceof TargetUnavailable) {
        this.#silent.add(this.services.expiration.secrets.parts.targetOf(lease));
      }
      const { log } = this.services.mounts.platform;
      log.warn("a lease was forgotten that its engine did not revoke", {
        lease: lease.id,
        error: describeError(error),
      });
    }
    await this.#forget(lease);
  }

  async #forget(lease: LeaseEntry): Promise<void> {
    const { transactions, leases } = this.services;
    await transactions.run(async (transaction) => {
      const current = await leases.get(transaction, lease.id);
      if (current !== undefined) leases.remove(transaction, current);
    });
  }

  #refuse(lease: LeaseEntry, error: string): void {
    if (this.#refused === 0) this.#firstRefusal = `the first is "${lease.id}": ${error}`;
    this.#refused++;
  }
}

/** Gives a secret's lease more time. */
export async function renewSecret(
  services: Services,
  transaction: Transaction,
  lease: LeaseEntry,
  incrementSeconds: number,
) {
  const { mounted, call } = leaseCall(services.mounts, transaction, lease, incrementSeconds);
  if (!lease.renewable || mounted.backend.renew === undefined) {
    throw new Failure(400, "lease is not renewable");
  }
  return await mounted.backend.renew(call);
}
