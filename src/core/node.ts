/**
 * The life of a node: not initialised, sealed, unsealed. Holds the barrier and, while unsealed, the
 * services that answer requests.
 */
import { changingOver, describeError, Failure } from "../base/failure.ts";
import { NotAnswered } from "./not_answered.ts";
import type { NodeParts } from "./node_parts.ts";
import type { Barrier } from "../barrier/barrier.ts";
import { sleep } from "../base/clock.ts";
import type { Request } from "../logical/request.ts";
import type { LogicalResponse } from "../logical/response.ts";
import { WrongRootKeyError } from "../barrier/errors.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import type { Storage } from "../storage/storage.ts";
import type { Platform } from "./backend.ts";
import type { HttpSettings } from "./http_settings.ts";
import type { IntegratedStorage, RaftIndexes } from "./integrated_storage.ts";
import type { JsonObject } from "../logical/json.ts";
import { noteVersion } from "./version_history.ts";
import { Ceremonies } from "./ceremonies.ts";
import { authOf } from "./issue.ts";
import { type ClusterIdentity, readClusterIdentity } from "./cluster_identity.ts";
import { KeyringCare } from "./keyring_care.ts";
import { explainLoss, isLoss } from "./loss.ts";
import { closeServices, openServices, openStandbyServices } from "./open.ts";
import { handleRequest } from "./pipeline.ts";
import type { Services } from "./services.ts";
import { HealthWarnings } from "../telemetry/health_warnings.ts";
import { OperationTimes } from "../telemetry/operation_times.ts";
import { plainTelemetry } from "../telemetry/telemetry.ts";
import { defaultStandbySettings, StandbyReads, type StandbySettings } from "./standby_reads.ts";
import type { Auth } from "../logical/auth.ts";

/** Between attempts to become active, where one failed although this node leads. */
const activateAgainMs = 500;

/** Throws what it is given, as nothing that was done where that is so. */
function notAnswered(cause: unknown): never {
  throw cause instanceof Failure ? new NotAnswered(cause.message, { cause }) : cause;
}

export class Node {
  readonly platform: Platform;
  readonly barrier: Barrier;
  readonly physical: Storage;
  readonly ceremonies: Ceremonies;
  readonly #parts: NodeParts;
  readonly ha: HighAvailability | undefined;
  /** What this node answers itself while it stands by; undefined for a node that is alone. */
  readonly reads: StandbyReads | undefined;
  #unsealed = false;
  #services: Services | undefined;
  #cluster: ClusterIdentity | undefined;
  /** When this node became active, milliseconds since the epoch; 0 while it is not. */
  #activeSince = 0;
  /** Unseal and seal run one after another. */
  #change: Promise<unknown> = Promise.resolve();
  #inFlight = 0;
  readonly #care: KeyringCare;
  #isSettling = false;
  /** In which the services were opened: leadership that is won again is another one. */
  #term = 0;
  /** Counts how often everything was replaced: services are opened over one content. */
  #content = 0;
  /** Services that must be closed, because this node does not lead any more. */
  #lost: Services | undefined;
  readonly #times: OperationTimes;
  readonly warnings: HealthWarnings;

  constructor(parts: NodeParts) {
    const telemetry = parts.telemetry ?? plainTelemetry(parts.platform.clock);
    this.#parts = { ...parts, telemetry, confirmActive: () => parts.ha?.confirm() };
    this.#care = new KeyringCare(parts.barrier, parts.platform);
    this.#times = new OperationTimes(telemetry.registry);
    this.warnings = new HealthWarnings(telemetry.registry, parts.platform.log);
    this.platform = parts.platform;
    this.barrier = parts.barrier;
    this.physical = parts.physical;
    this.ha = parts.ha;
    this.reads = parts.ha === undefined ? undefined : this.#standbyReads(parts.ha);
    this.ceremonies = new Ceremonies(
      parts.platform,
      parts.physical,
      parts.barrier,
      async () => (await this.issueRootToken()).clientToken,
      parts.ha,
    );
  }

  #standbyReads(ha: HighAvailability): StandbyReads {
    return new StandbyReads({
      platform: this.platform,
      barrier: this.barrier,
      ha,
      settings: this.standbySettings,
      open: () => openStandbyServices(this.#parts),
      clusterId: () => this.#cluster?.id,
      opened: async ({ transactions }) => {
        this.#cluster = await readClusterIdentity(transactions, this.platform.random, "");
      },
    });
  }

  get standbySettings(): StandbySettings {
    return this.#parts.standby ?? defaultStandbySettings;
  }

  get storageType(): string {
    return this.#parts.storageType;
  }

  get haEnabled(): boolean {
    return this.#parts.haEnabled;
  }

  get addresses(): NodeParts["addresses"] {
    return this.#parts.addresses;
  }

  get buildDate(): string {
    return this.#parts.buildDate;
  }

  raftIndexes(): RaftIndexes | Record<never, never> {
    return this.#parts.raftIndexes();
  }

  /** A node that only waits for the keys of the cluster it joins counts as initialised. */
  async isInitialized(): Promise<boolean> {
    if (!this.sealed || this.ha?.joiner.sealConfig !== undefined) return true;
    return await this.barrier.isInitialized();
  }

  /** What `sys/config/state/sanitized` shows. */
  sanitizedConfig(): JsonObject {
    return this.#parts.sanitizedConfig();
  }

  /** Undefined where the storage is of another kind. */
  get integrated(): IntegratedStorage | undefined {
    return this.#parts.integrated;
  }

  /** Whether sys/raw is there for those with sudo. */
  get rawStorageEndpoint(): boolean {
    return this.#parts.rawStorageEndpoint ?? false;
  }

  /** What `sys/host-info` shows. */
  hostInfo(): JsonObject {
    return this.#parts.hostInfo();
  }

  get hostname(): string {
    return this.#parts.hostname;
  }

  get backendTypes(): NodeParts["backendTypes"] {
    return this.#parts.backendTypes;
  }

  /** Types of audit devices that can be enabled. */
  get auditDeviceTypes(): readonly string[] {
    return Object.keys(this.#parts.auditDevices);
  }

  /** CORS and the like, as operators have set them; undefined while sealed. */
  get httpSettings(): HttpSettings | undefined {
    return (this.#services ?? this.reads?.services)?.httpSettings;
  }

  /** Seals as soon as the requests under way have ended, without waiting for it. */
  sealSoon(): void {
    this.seal().catch(this.#complain("sealing failed"));
  }

  /** Replaces the root key; the shares stay as they are. */
  async rotateRootKey(): Promise<void> {
    await this.ceremonies.rotateRootKey();
  }

  get sealed(): boolean {
    return !this.#unsealed;
  }

  /** Unsealed, and another node is active, or none is yet. */
  get standby(): boolean {
    return this.#unsealed && this.#services === undefined;
  }

  /** Undefined while sealed. */
  get cluster(): ClusterIdentity | undefined {
    return this.#cluster;
  }

  get activeSince(): number {
    return this.#activeSince;
  }

  /** What answers requests. Throws a 503 while the node is sealed. */
  get services(): Services {
    if (this.#services !== undefined) return this.#services;
    if (this.#unsealed) throw changingOver("Vault is in standby mode");
    // No Retry-After: that takes somebody with keys.
    throw new Failure(503, "Vault is sealed");
  }

  /**
   * Opens the barrier with the root key, which stays the caller's to wipe, and starts to serve;
   * beside another node that is active, to stand by.
   */
  unseal(rootKey: Uint8Array): Promise<void> {
    return this.#exclusively(async () => {
      if (!this.#unsealed) await this.#times.during("core.unseal", () => this.#open(rootKey));
    });
  }

  async #open(rootKey: Uint8Array): Promise<void> {
    await this.barrier.unseal(rootKey);
    const { ha } = this;
    try {
      await ha?.start(() => this.#roleChanged());
      this.#unsealed = true;
      if (ha === undefined || ha.isActive) await this.#serve();
      else this.reads?.start();
    } catch (error) {
      await this.#close();
      throw error;
    }
    this.platform.log.info(
      this.standby ? "the node is unsealed and stands by" : "the node is unsealed and active",
    );
    this.#roleChanged();
  }

  /** Called often: whether this node leads its group may have changed. */
  #roleChanged(): void {
    const { ha } = this;
    if (ha === undefined || !this.#unsealed) return;
    const serves = this.#services !== undefined;
    const isSettled = ha.isActive ? serves && ha.group.term === this.#term : !serves;
    if (isSettled || this.#isSettling) return;
    this.#isSettling = true;
    // Whoever asks from now on is told that this node is not active.
    this.#lost = this.#services;
    this.#services = undefined;
    const failed = this.#complain("the change of the active node failed");
    this.#exclusively(() => this.#settle(ha)).catch(failed).finally(() => {
      this.#isSettling = false;
      this.#roleChanged();
    });
  }

  async #settle(ha: HighAvailability): Promise<void> {
    const lost = this.#lost;
    this.#lost = undefined;
    if (lost !== undefined) {
      this.platform.log.warn("another node leads; this one stands by");
      const since = this.#activeSince;
      this.#times.of("core.leadership_lost").observe(this.platform.clock.now() - since);
      await this.#retire(lost);
    }
    if (this.#unsealed && !ha.isActive) this.reads?.start();
    if (!this.#unsealed || !ha.isActive || this.#services !== undefined) return;
    const failed = this.#times.begin("core.leadership_setup_failed");
    try {
      await this.reads?.stop();
      // Another node may have changed the keyring.
      await this.ceremonies.reload();
      await this.#serve();
      this.platform.log.info("the node is active");
    } catch (error) {
      failed();
      const opened = this.#services;
      this.#services = undefined;
      if (opened !== undefined) await this.#retire(opened);
      if (error instanceof WrongRootKeyError) {
        this.platform.log.error("the root key was replaced: the node seals");
        return await this.#close();
      }
      await sleep(this.platform.clock, activateAgainMs);
      throw error;
    }
  }

  /** Ends services of which leadership is gone. */
  async #retire(services: Services): Promise<void> {
    this.#care.stop();
    this.#activeSince = 0;
    try {
      await closeServices(services);
    } catch (error) {
      this.platform.log.warn("closing failed", { error: describeError(error) });
    }
  }

  /** Gives leadership to another node. Returns whether one took it. */
  async stepDown(): Promise<boolean> {
    const { ha } = this;
    if (ha === undefined || ha.group.configuration.members.length < 2) return false;
    return await this.#times.during("core.step_down", () => ha.group.handOver());
  }

  /** As `stepDown`, without waiting for it. */
  stepDownSoon(): void {
    this.stepDown().then((handedOver) => {
      if (!handedOver) this.platform.log.warn("nobody took over: this node stays active");
    }).catch(this.#complain("stepping down failed"));
  }

  /** Resolves once the seal or unseal that is under way, if there is one, has ended. */
  async whenSettled(): Promise<void> {
    await this.#change;
  }

  /** Stops to serve and destroys the keys. Requests under way end first. */
  seal(): Promise<void> {
    return this.#exclusively(async () => {
      if (!this.#unsealed && this.barrier.sealed) return;
      await this.#times.during("core.seal", () => this.#close());
      this.platform.log.info("the node is sealed");
    });
  }

  /** Throws a 503 where other services answer by now than those of a request that takes long, or none. */
  mustServe(services: Services): void {
    if (services === this.#services) return;
    const what = "the node was sealed or changed over in the middle of it; nothing was changed";
    throw this.sealed ? new Failure(503, `Vault is sealed: ${what}`) : changingOver(what);
  }

  /**
   * Puts other content in the storage's place, from within a request of some services. The node serves
   * again at once where its root key opens what is there now; else it is sealed and waits for the keys
   * of that. Where that failed and changed nothing it serves what it served, and throws; likewise where
   * others than those services answer by now.
   */
  replaceContent(services: Services, replace: () => Promise<void>): Promise<void> {
    return this.#exclusively(async () => {
      this.mustServe(services);
      await this.#stopServing(1);
      // What these services still want to write was meant for what is replaced.
      this.#content++;
      const { log } = this.platform;
      let failure: unknown;
      try {
        await replace().catch((error) => {
          failure = error;
        });
        await this.barrier.reload();
        if (this.ha === undefined || this.ha.isActive) await this.#serve();
        if (failure === undefined) log.info("the content was replaced by a snapshot");
      } catch (error) {
        await this.#close();
        if (!(error instanceof WrongRootKeyError)) throw error;
        log.warn("the snapshot was restored; unseal with the keys of the cluster it was made by");
      }
      if (failure !== undefined) throw failure;
    });
  }

  /**
   * Makes a root token; only `operator init`, `generate-root` and a dev server may ask for one. One
   * whose text an operator chose looks as if made by `auth/token/create`, like any such token.
   */
  async issueRootToken(text?: string): Promise<Auth> {
    const chosen = text !== undefined;
    const { transactions, issuer } = this.services;
    const made = await transactions.run((transaction) =>
      issuer.issue(transaction, {
        policies: ["root"],
        path: chosen ? "auth/token/create" : "auth/token/root",
        displayName: chosen ? "token" : "root",
        renewable: false,
      }, text)
    );
    return authOf(made);
  }

  /** Answers. Throws `NotAnswered` on a standby, for what another node must answer. */
  async handle(request: Request): Promise<LogicalResponse | undefined> {
    const { ha, reads } = this;
    if (this.standby && reads !== undefined) {
      const response = await reads.handle(request);
      this.#tellIndex(request, reads.services);
      return response;
    }
    const isBetweenRoles = ha !== undefined && this.#unsealed && this.#services === undefined;
    if (isBetweenRoles) throw new NotAnswered("this node is not active any more");
    const services = this.services;
    this.#inFlight++;
    try {
      const confirmed = ha?.confirm();
      // Whoever passed it on may pass it on again, since nothing was done yet.
      if (confirmed !== undefined) await confirmed.catch(notAnswered);
      const response = await handleRequest(services, request);
      // The restore of a snapshot puts others in the place of the services that it came through.
      this.#tellIndex(request, this.#services);
      return response;
    } catch (error) {
      throw this.ha === undefined ? error : explainLoss(error, services !== this.#services);
    } finally {
      this.#inFlight--;
    }
  }

  /** Whoever asks another node next can ask for at least this state. */
  #tellIndex(request: Request, services: Services | undefined): void {
    const { ha } = this;
    if (ha === undefined || services === undefined || this.#cluster === undefined) return;
    if (ha.group.configuration.members.length < 2) return;
    const index = services.stateIndex.write(this.#cluster.id, ha.group.appliedIndex);
    request.answerHeaders = { ...request.answerHeaders, "x-vault-index": index };
  }

  /** Stops to serve. Requests under way end first, but for `own` that wait for this themselves. */
  async #stopServing(own: number): Promise<void> {
    this.#care.stop();
    const services = this.#services ?? this.#lost;
    this.#services = undefined;
    this.#lost = undefined;
    this.#activeSince = 0;
    const { clock } = this.platform;
    const deadline = clock.monotonic() + 5000;
    while (this.#inFlight > own && clock.monotonic() < deadline) {
      await new Promise<void>((resolve) => clock.after(5, resolve));
    }
    if (services !== undefined) await closeServices(services);
  }

  async #serve(): Promise<void> {
    const group = this.ha?.group, term = group?.term ?? 0;
    this.#term = term;
    const content = this.#content;
    const holds = () => (group?.term ?? 0) === term && this.#content === content;
    this.#services = await openServices({ ...this.#parts, holds });
    const { transactions } = this.#services;
    const { platform: { random }, clusterName } = this.#parts;
    this.#cluster = await readClusterIdentity(transactions, random, clusterName);
    await noteVersion(this.#services.transactions, this.platform.clock, this.buildDate);
    await this.ha?.announce();
    this.#activeSince = this.platform.clock.now();
    this.#care.start();
  }

  async #close(): Promise<void> {
    const closed = this.#times.begin("core.seal-internal");
    const wasActive = this.#services !== undefined;
    // Who asks while requests still end is told that the node is sealed, not that it stands by.
    this.#unsealed = false;
    await this.reads?.stop();
    await this.#stopServing(0);
    if (!this.barrier.sealed && (wasActive || this.ha === undefined)) await this.#persistUsage();
    await this.ha?.stop();
    this.barrier.seal();
    this.ceremonies.reset();
    closed();
  }

  #complain(what: string): (error: unknown) => void {
    return (error) => this.platform.log.error(what, { error: describeError(error) });
  }

  /** The count is a help, not a duty: what is stored is never too low. */
  async #persistUsage(): Promise<void> {
    try {
      await this.barrier.persistUsage();
    } catch (error) {
      if (!isLoss(error)) throw error;
    }
  }

  #exclusively<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#change.then(change, change);
    this.#change = done.catch(() => {});
    return done;
  }
}
