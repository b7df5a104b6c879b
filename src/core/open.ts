/** Puts together what lives between unseal and seal. */
import type { DeviceOpener } from "../audit/device.ts";
import { type AuditRules, AuditTable } from "../audit/store.ts";
import type { Barrier } from "../barrier/barrier.ts";
import { Identity } from "../identity/identity.ts";
import { LeaseStore } from "../lease/store.ts";
import { EntryCache } from "../storage/cache.ts";
import { FencedStorage } from "../storage/fenced.ts";
import { ReadOnlyStorage } from "../storage/read_only.ts";
import type { Storage } from "../storage/storage.ts";
import { type Transaction, Transactions } from "../storage/transaction.ts";
import { MeasuredStorage } from "../telemetry/measured_storage.ts";
import { OperationTimes } from "../telemetry/operation_times.ts";
import { RequestMetrics } from "../telemetry/request_metrics.ts";
import { plainTelemetry, type Telemetry } from "../telemetry/telemetry.ts";
import { waitAtMost } from "../base/clock.ts";
import { BatchTokens } from "../token/batch.ts";
import type { TokenForms } from "../token/entry.ts";
import { TokenStore } from "../token/store.ts";
import { Activity } from "./activity/activity.ts";
import { Acls } from "./acls.ts";
import type { Platform } from "./backend.ts";
import { Expiration } from "./expiration.ts";
import { ExpiryMetrics } from "./expiry_metrics.ts";
import { HttpSettings } from "./http_settings.ts";
import { TokenIssuer } from "./issue.ts";
import { LoadedSnapshots } from "./loaded_snapshots.ts";
import { Lockouts, type LockoutSettings } from "./lockout.ts";
import { storagePrefix } from "./mount_entry.ts";
import { type BackendFactory, Mounts, type NewMount, type SystemTtls } from "./mounts.ts";
import { Quotas } from "../quota/quotas.ts";
import { keepCountsComplete } from "./earlier_logins.ts";
import { keepLeaseEnds } from "./lease_ends.ts";
import { resumeNoted } from "./revoke_prefix.ts";
import { finishTainted } from "./unmount.ts";
import { describeError } from "../base/failure.ts";
import { FairTurns } from "../base/turn.ts";
import { Revoker } from "./revoke.ts";
import { countToken, measureServices, stopMeasuring } from "./measure.ts";
import { SecretEnding } from "./secret_ending.ts";
import { revocationTarget, secretRevoker } from "./secret_revoke.ts";
import type { Services } from "./services.ts";
import { StateIndex } from "./state_index.ts";
import { Wrapping, wrappingPolicy } from "./wrapping.ts";
import { type OpenJwtSigner, openWrappingJwt } from "./wrapping_jwt.ts";
import { RequestsInFlight } from "./in_flight.ts";

/** What a node brings to it. */
export interface OpenParts {
  readonly platform: Platform;
  readonly barrier: Barrier;
  /** Called once the services exist that backends like `sys/` work on. */
  readonly backends: (services: () => Services) => BackendFactory;
  readonly ttls: SystemTtls;
  /** Entries of the cache of decoded tokens and policies. */
  readonly cacheEntries: number;
  /** One of its own where absent. */
  readonly telemetry?: Telemetry;
  /** Of failed logins, by type of auth method; the defaults where absent. */
  readonly lockout?: (type: string) => LockoutSettings;
  readonly tokenForms: TokenForms;
  /** Of wrapping tokens in JWT form; the runtime's where absent. */
  readonly wrappingSigner?: OpenJwtSigner;
  /** Whether what is opened may write still; always where absent. */
  readonly holds?: () => boolean;
  /** Whether this node is the active one (`Services.confirmActive`); always where absent. */
  readonly confirmActive?: () => Promise<void> | undefined;
  /** Texts of the policies that must exist. */
  readonly policies: { readonly default: string; readonly wrapping: string };
  /** By type. */
  readonly auditDevices: Readonly<Record<string, DeviceOpener>>;
  /** Where absent, devices are enabled over the API only, and have no prefix. */
  readonly auditRules?: () => AuditRules;
}

/** So long a node that closes waits until the last client counts are stored. */
const activityEndMs = 1_000;

/** Mounts that every node has. */
const alwaysMounted: readonly NewMount[] = [
  {
    table: "mounts",
    path: "cubbyhole/",
    type: "cubbyhole",
    description: "per-token private secret storage",
    local: true,
  },
  {
    table: "mounts",
    path: "identity/",
    type: "identity",
    description: "identity store",
    config: { passthroughRequestHeaders: ["Authorization"] },
  },
  {
    table: "mounts",
    path: "sys/",
    type: "system",
    description: "system endpoints used for control, policy and debugging",
    sealWrap: true,
    config: { passthroughRequestHeaders: ["Accept"] },
  },
  { table: "auth", path: "token/", type: "token", description: "token based credentials" },
];

/** Opens everything; the barrier must be unsealed. What is missing is made, durably. */
export async function openServices(parts: OpenParts): Promise<Services> {
  const { clock } = parts.platform;
  const start = clock.monotonic();
  const { barrier, holds } = parts;
  const storage = holds === undefined ? barrier : new FencedStorage(barrier, holds);
  const services = await assemble(parts, storage);
  await services.audit.applyDeclared(services.transactions);
  measureServices(services);
  services.expiration.start();
  await services.activity.start();
  const { mounts } = services;
  for (const { entry, backend } of mounts.router.all()) {
    if (!entry.tainted) backend.start?.(mounts.info(entry));
  }
  resumeWork(services);
  services.times.of("core.post_unseal").observe(clock.monotonic() - start);
  return services;
}

/**
 * The same to look at, beside another node that is active: nothing is written, nothing expires, no
 * backend does work of its own. Throws `ReadOnlyError` where something is missing still.
 */
export async function openStandbyServices(parts: OpenParts): Promise<Services> {
  const services = await assemble(parts, new ReadOnlyStorage(parts.barrier));
  await services.expiration.stop();
  measureServices(services, { isStandby: true });
  return services;
}

async function assemble(parts: OpenParts, storage: Storage): Promise<Services> {
  const { platform, barrier } = parts;
  const { crypto, clock, random, log } = platform;
  const telemetry = parts.telemetry ?? plainTelemetry(clock);
  const { registry } = telemetry;
  const metrics = new RequestMetrics(registry);
  const transactions = new Transactions(new MeasuredStorage(storage, registry, "barrier"));
  const cache = new EntryCache(transactions, parts.cacheEntries);
  const quotas = new Quotas(clock);
  const leases = new LeaseStore(crypto, parts.tokenForms.sparse, quotas.counter);
  const times = new OperationTimes(registry);
  const identity = new Identity(transactions, cache, clock, random, times);
  const acls = new Acls(transactions, cache, clock, identity.views, undefined, times);
  const holder: { services?: Services } = {};
  const services = () => {
    if (holder.services === undefined) throw new Error("the node is not unsealed yet");
    return holder.services;
  };
  const mounts = new Mounts(platform, parts.backends(services), parts.ttls);
  const cubbyhole = () => {
    const mounted = mounts.router.at("cubbyhole/");
    if (mounted === undefined) throw new Error("there is no cubbyhole mount");
    return storagePrefix(mounted.entry);
  };
  await transactions.run((transaction) => mounts.load(transaction, alwaysMounted));
  const httpSettings = new HttpSettings();
  const audit = new AuditTable({
    crypto,
    clock,
    random,
    log: log.named("audit"),
    openers: parts.auditDevices,
    rules: parts.auditRules ?? (() => ({ allowPrefix: false, allowApi: true, declared: [] })),
    auditedHeaders: () => httpSettings.current.auditedHeaders,
    registry,
  });
  const { tokens, jwt, stateIndex } = await transactions.run(async (transaction) => {
    await ensurePolicies(transaction, acls, parts.policies);
    await audit.load(transaction);
    await httpSettings.load(transaction);
    await quotas.load(transaction);
    return {
      tokens: await TokenStore.open(
        transaction,
        crypto,
        clock,
        random,
        cache,
        parts.tokenForms,
        quotas.roleCounts,
      ),
      jwt: await openWrappingJwt(transaction, clock, parts.wrappingSigner),
      stateIndex: await StateIndex.open(transaction, crypto, random),
    };
  });
  const issuer = new TokenIssuer(
    tokens,
    leases,
    (entry) => countToken(services(), entry),
    times,
  );
  const expiryMetrics = new ExpiryMetrics(registry);
  const secrets = new SecretEnding({
    transactions,
    leases,
    revoke: secretRevoker(transactions, mounts),
    targetOf: (lease) => revocationTarget(mounts, lease),
    clock,
    log: log.named("expiration"),
    metrics: expiryMetrics,
    times,
  });
  const revoker = new Revoker(transactions, tokens, leases, secrets, cubbyhole, times);
  const inFlight = new RequestsInFlight();
  const expiration = new Expiration(
    transactions,
    leases,
    tokens,
    revoker,
    secrets,
    clock,
    log.named("expiration"),
    expiryMetrics,
    () => inFlight.total,
  );
  holder.services = {
    transactions,
    cache,
    mounts,
    acls,
    tokens,
    batchTokens: new BatchTokens(
      {
        encrypt: (context, plaintext) => barrier.encryptRaw(context, plaintext),
        decrypt: (context, sealed) => barrier.decryptRaw(context, sealed),
      },
      clock,
    ),
    issuer,
    leases,
    expiration,
    revoker,
    wrapping: new Wrapping(issuer, tokens, cubbyhole, jwt),
    identity,
    lockouts: new Lockouts(transactions, clock, parts.lockout),
    audit,
    auditor: audit.broker,
    httpSettings,
    quotas,
    stateIndex,
    activity: new Activity({ transactions, crypto, clock, log: log.named("activity") }),
    snapshots: new LoadedSnapshots(clock, log.named("snapshots")),
    telemetry,
    metrics,
    times,
    inFlight,
    confirmActive: parts.confirmActive ?? (() => undefined),
    isStandby: storage instanceof ReadOnlyStorage,
  };
  return holder.services;
}

/** Behind everything else: what a restart has interrupted, and counting the leases there are. */
function resumeWork(services: Services): void {
  const { transactions, quotas, mounts } = services;
  const { log } = mounts.platform;
  keepCountsComplete(services);
  keepLeaseEnds(services);
  const goOn = async (): Promise<void> => {
    await finishTainted(services);
    await resumeNoted(services);
    const turns = new FairTurns(mounts.platform.clock);
    while (await transactions.run((transaction) => quotas.counter.countOn(transaction))) {
      await turns.giveWay();
    }
  };
  goOn().catch((error) => {
    // A node that seals in the middle of it goes on at its next unseal.
    log.debug("work in the background ended early", { error: describeError(error) });
  });
}

async function ensurePolicies(
  transaction: Transaction,
  acls: Acls,
  texts: OpenParts["policies"],
): Promise<void> {
  if (await acls.get(transaction, "default") === undefined) {
    await acls.put(transaction, "default", texts.default);
  }
  if (await acls.get(transaction, wrappingPolicy) === undefined) {
    await acls.put(transaction, wrappingPolicy, texts.wrapping);
  }
}

/** The counts of the last minute are a help, not a duty: nothing waits long for them. */
async function stopActivity({ activity, mounts }: Services): Promise<void> {
  try {
    await waitAtMost(mounts.platform.clock, activityEndMs, activity.stop());
  } catch (error) {
    const { log } = mounts.platform;
    log.debug("the last client counts were not stored", { error: describeError(error) });
  }
}

/** Ends what works in the background and wipes what is secret. */
export async function closeServices(services: Services): Promise<void> {
  const { registry } = services.telemetry;
  const start = registry.clock.monotonic();
  stopMeasuring(services);
  services.telemetry.logs.endFollowers();
  await services.expiration.stop();
  await stopActivity(services);
  for (const { backend } of services.mounts.router.all()) await backend.close?.();
  await services.snapshots.close();
  await services.audit.broker.close();
  services.cache.clear();
  services.tokens.close();
  services.stateIndex.close();
  services.times.of("core.pre_seal").observe(registry.clock.monotonic() - start);
}
