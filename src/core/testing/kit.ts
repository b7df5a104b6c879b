/** A whole node in memory, with a clock that stands still and a seeded random source. */
import type { Clock, Random } from "../../base/clock.ts";
import { Barrier } from "../../barrier/barrier.ts";
import { silentLogger } from "../../base/log.ts";
import { Failure } from "../../base/failure.ts";
import { portableProvider } from "../../crypto/portable.ts";
import { testRandom } from "../../crypto/testing.ts";
import type { JsonObject } from "../../logical/json.ts";
import { rootNamespace } from "../../logical/namespace.ts";
import type { Operation, SnapshotUse, WrapRequest } from "../../logical/request.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { defaultPolicyText, responseWrappingPolicyText } from "../../policy/builtin.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import type { DeviceOpener } from "../../audit/device.ts";
import type { AuditRules } from "../../audit/store.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import type { BackendFactory } from "../mounts.ts";
import { Node } from "../node.ts";
import type { Services } from "../services.ts";

/** A clock that moves only when it is told to. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  #timers: { at: number; task: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, task: () => void): () => void {
    const timer = { at: this.#now + delayMs, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, running what is due in its order, and lets what that starts settle. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.task();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** As after a long sleep of the machine: what was due meanwhile runs once, and late. */
  async jump(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    await this.advance(0);
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

export interface KitOptions {
  readonly backends: (services: () => Services, node: () => Node) => BackendFactory;
  readonly physical?: Storage;
  readonly seed?: number;
  readonly auditDevices?: Readonly<Record<string, DeviceOpener>>;
  readonly auditRules?: () => AuditRules;
  /** One of its own where absent. */
  readonly telemetry?: (clock: Clock) => Telemetry;
}

/** What a test asks for; the rest is filled in. */
export interface Asked {
  readonly data?: JsonObject;
  readonly token?: string;
  readonly wrap?: WrapRequest;
  readonly address?: string;
  readonly snapshot?: SnapshotUse;
}

export class NodeKit {
  readonly clock = new ManualClock();
  readonly random: Random;
  readonly physical: Storage;
  readonly node: Node;
  readonly #rootKey: Uint8Array<ArrayBuffer>;
  root = "";

  constructor(options: KitOptions) {
    this.random = testRandom(options.seed ?? 1);
    this.physical = options.physical ?? new InmemStorage();
    const { clock, random, physical } = this;
    const crypto = portableProvider();
    const platform = { clock, random, crypto, log: silentLogger };
    this.#rootKey = random.bytes(32);
    const node: Node = new Node({
      platform,
      physical,
      barrier: new Barrier({ physical, crypto, clock, random }),
      storageType: "inmem",
      haEnabled: false,
      clusterName: "test",
      addresses: { api: "http://127.0.0.1:8200", cluster: "" },
      buildDate: "2026-01-01T00:00:00Z",
      hostname: "test",
      sanitizedConfig: () => ({}),
      hostInfo: () => ({}),
      backendTypes: { engines: [], authMethods: [], databases: [] },
      raftIndexes: () => ({}),
      ttls: { defaultLeaseTtl: 2_764_800, maxLeaseTtl: 2_764_800 },
      cacheEntries: 1000,
      tokenForms: {
        alone: () => true,
        timed: () => true,
        sparse: () => true,
        counted: () => true,
        leaseEnds: () => true,
      },
      policies: { default: defaultPolicyText, wrapping: responseWrappingPolicyText },
      auditDevices: options.auditDevices ?? {},
      ...(options.telemetry === undefined ? {} : { telemetry: options.telemetry(clock) }),
      ...(options.auditRules === undefined ? {} : { auditRules: options.auditRules }),
      backends: (services) => options.backends(services, () => node),
    });
    this.node = node;
  }

  /** Initialises where it is new, unseals, and makes the root token. */
  async start(): Promise<this> {
    if (!await this.node.barrier.isInitialized()) {
      await this.node.barrier.initialize(this.#rootKey);
    }
    await this.node.unseal(this.#rootKey);
    if (this.root === "") this.root = (await this.node.issueRootToken()).clientToken;
    return this;
  }

  async ask(operation: Operation, path: string, asked: Asked = {}): Promise<LogicalResponse> {
    const response = await this.node.handle({
      id: this.random.uuid(),
      operation,
      namespace: rootNamespace,
      path,
      data: asked.data ?? {},
      headers: { get: () => null },
      clientToken: asked.token ?? this.root,
      connection: { remoteAddress: asked.address ?? "127.0.0.1", remotePort: 1234 },
      method: operation === "read" ? "GET" : "POST",
      ...(asked.wrap === undefined ? {} : { wrap: asked.wrap }),
      ...(asked.snapshot === undefined ? {} : { snapshot: asked.snapshot }),
    });
    return response ?? {};
  }

  /** The status that a request is refused with, or 200. */
  async status(operation: Operation, path: string, asked: Asked = {}): Promise<number> {
    try {
      const response = await this.ask(operation, path, asked);
      return response.status ?? 200;
    } catch (error) {
      if (error instanceof Failure) return error.status;
      throw error;
    }
  }

  /** A new token's text. */
  async token(data: JsonObject): Promise<string> {
    return (await this.ask("update", "auth/token/create", { data })).auth?.clientToken ?? "";
  }
}
