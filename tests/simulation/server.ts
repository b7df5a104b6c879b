/**
 * What a process runs over its storage: the barrier, the node, all backends, as `server/` puts them
 * together, but for sockets. It is unsealed again whenever it is sealed.
 */
import { scryptSync } from "node:crypto";
import { userpassBackend } from "../../src/auth/userpass/backend.ts";
import type { Cost, Derive } from "../../src/auth/userpass/password.ts";
import { Barrier } from "../../src/barrier/barrier.ts";
import { utf8 } from "../../src/base/bytes.ts";
import type { Cancel, Random } from "../../src/base/clock.ts";
import { describeError, Failure } from "../../src/base/failure.ts";
import { type Logger, silentLogger } from "../../src/base/log.ts";
import { Node } from "../../src/core/node.ts";
import type { JwtSigner } from "../../src/core/wrapping_jwt.ts";
import { NotInitializedError, SealedError } from "../../src/barrier/errors.ts";
import type { CryptoProvider } from "../../src/crypto/provider.ts";
import { databaseBackend } from "../../src/engines/database/backend.ts";
import { HighAvailability } from "../../src/ha/high_availability.ts";
import type { Request } from "../../src/logical/request.ts";
import type { LogicalResponse } from "../../src/logical/response.ts";
import { defaultPolicyText, responseWrappingPolicyText } from "../../src/policy/builtin.ts";
import { TICK_MS } from "../../src/raft/simulation/simulated_node.ts";
import type { StoredNode } from "../../src/raft/simulation/stored_node.ts";
import type { Process } from "../../src/raft/simulation/virtual_time.ts";
import type { Surroundings } from "../../src/raft/simulation/world.ts";
import { backendFactory } from "../../src/server/backends.ts";
import { type IntegratedStorage } from "../../src/storage/raft.ts";
import { StorageError } from "../../src/storage/storage.ts";
import type { Span, WallClock } from "./clocks.ts";
import type { Outside } from "./outside.ts";
import { planted, type TokenPlant, type Wait } from "./plants.ts";

/** Between attempts to unseal. */
const UNSEAL_AGAIN_MS = 300;
/** To make a key of a password, at most. */
const DERIVE_MS = 40;
/** As long as it may last until a database begins with a user. */
const CREATION_MS = 4500;
/** In real time. */
const cheap: Cost = { logN: 1, r: 1, p: 1 };

export interface ServerParts {
  readonly world: Surroundings;
  readonly wall: WallClock;
  readonly outside: Outside;
  readonly crypto: CryptoProvider;
  readonly rootKey: Uint8Array;
  /** Whether tokens and leases are written in forms that came after the first version. */
  readonly usesNewForms: boolean;
  readonly plant: TokenPlant | undefined;
  /** Whether the group has a node of that name. */
  readonly isMember: (id: string) => boolean;
}

/** What came of a request, with what the clock showed meanwhile. */
export interface Handled {
  /** Undefined where it was refused. */
  readonly response?: LogicalResponse;
  readonly error?: unknown;
  readonly span: Span;
}

export class SimulatedServer {
  readonly node: Node;
  readonly barrier: Barrier;
  readonly process: Process;
  readonly storage: IntegratedStorage;
  readonly #parts: ServerParts;
  readonly id: string;

  constructor({ id, process }: StoredNode, storage: IntegratedStorage, parts: ServerParts) {
    this.id = id;
    this.process = process;
    this.storage = storage;
    this.#parts = parts;
    const { wall, crypto, usesNewForms } = parts;
    const newForms = () => usesNewForms;
    const clock = wall.of(process), random = this.#random(), log = this.#log();
    const platform = { clock, random, crypto, log };
    const physical = parts.plant === undefined
      ? storage
      : planted(storage, parts.plant, this.#later);
    this.barrier = new Barrier({ physical, crypto, clock, random });
    this.node = new Node({
      platform,
      physical,
      barrier: this.barrier,
      ha: this.#highAvailability(log),
      storageType: "raft",
      haEnabled: true,
      clusterName: "simulated",
      addresses: { api: `http://${id}`, cluster: "" },
      buildDate: "2026-01-01T00:00:00Z",
      hostname: id,
      sanitizedConfig: () => ({}),
      hostInfo: () => ({}),
      backendTypes: { engines: ["database"], authMethods: ["approle", "userpass"], databases: [] },
      raftIndexes: () => ({}),
      ttls: { defaultLeaseTtl: 60, maxLeaseTtl: 120 },
      cacheEntries: 500,
      tokenForms: {
        alone: newForms,
        timed: newForms,
        sparse: newForms,
        counted: newForms,
        leaseEnds: newForms,
      },
      policies: { default: defaultPolicyText, wrapping: responseWrappingPolicyText },
      auditDevices: {},
      wrappingSigner: (jwk) => Promise.resolve(signer(crypto, jwk, parts.plant?.trustsAll)),
      backends: (services) => {
        const all = backendFactory(() => this.node)(services);
        const databases = [parts.outside.plugin(process, parts.plant?.givesUp)];
        return (table, type) =>
          type === "database"
            ? databaseBackend(services, databases, { creationMs: CREATION_MS })
            : type === "userpass"
            ? userpassBackend(services, cheap, this.#derive)
            : all(table, type);
      },
    });
    void this.#keepUnsealed();
  }

  get isActive(): boolean {
    return this.process.isAlive && !this.node.sealed && !this.node.standby;
  }

  /** Answers as the node does, with what its clock shows meanwhile. */
  async handle(request: Request): Promise<Handled> {
    const { wall } = this.#parts;
    const span = wall.begin(this.process);
    try {
      return { response: await this.node.handle(request) ?? {}, span };
    } catch (error) {
      return { error, span };
    } finally {
      wall.end(this.process, span);
    }
  }

  /** A key of a password, on virtual time. */
  readonly #derive: Derive = (password, salt, { logN, r, p }) => {
    const ms = 1 + this.#parts.world.draw(DERIVE_MS);
    const key = scryptSync(password, salt, 32, { N: 2 ** logN, r, p });
    return new Promise((resolve) => this.process.after(ms, () => resolve(key)));
  };

  readonly #later: Wait = (ms, write) => {
    this.process.after(ms, () => {
      write().catch((error) => this.#refused(error));
    });
  };

  /** An operator seals it; it is unsealed after some time. */
  seal(): void {
    const { tell } = this.#parts.world;
    tell(`${this.id} is sealed`);
    this.node.seal().catch((error) => this.#refused(error));
  }

  async #keepUnsealed(): Promise<void> {
    const { world: { fail }, rootKey } = this.#parts;
    try {
      for (;;) {
        if (this.node.sealed) {
          await this.node.unseal(rootKey).catch((error) => this.#refused(error));
        }
        await new Promise<void>((resolve) => this.process.after(UNSEAL_AGAIN_MS, resolve));
      }
    } catch (error) {
      fail(error instanceof Error ? error : new Error(describeError(error)));
    }
  }

  /** What only may happen does; anything else is a fault of the program. */
  #refused(error: unknown): void {
    const { fail, tell } = this.#parts.world;
    if (!this.process.isAlive || error instanceof NotInitializedError) return;
    tell(`${this.id}: ${describeError(error)}`);
    if (mayHappen(error)) return;
    fail(error instanceof Error ? error : new Error(describeError(error)));
  }

  #highAvailability(log: Logger): HighAvailability {
    const { storage, barrier, process } = this;
    const { wall, crypto, plant, isMember } = this.#parts;
    const Kind = plant?.isDeaf ? DeafAvailability : HighAvailability;
    const ha = new Kind({
      storage,
      barrier,
      clock: wall.of(process),
      random: this.#random(),
      crypto,
      log,
      addresses: { api: `http://${this.id}`, cluster: "" },
      listenAt: [],
      tickMs: TICK_MS,
      hostname: this.id,
      zone: "",
      upgradeVersion: "",
      rotation: { everyMs: 0, overlapMs: 0 },
    });
    if (plant?.staysAfterRemoval) answerWithoutProof(ha, () => !isMember(this.id));
    return ha;
  }

  #random(): Random {
    const { draw } = this.#parts.world;
    const bytes = (length: number) => Uint8Array.from({ length }, () => draw(256));
    const uuid = () =>
      bytes(16).toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    return { bytes, uuid };
  }

  #log(): Logger {
    const { tell } = this.#parts.world;
    const say = (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (this.process.isAlive) tell(`${this.id}: ${message} ${JSON.stringify(fields)}`);
    };
    const log: Logger = { ...silentLogger, warn: say, error: say, info: say, named: () => log };
    return log;
  }
}

/** Signs at once, as the runtime does not: what signs is no business of the simulation. */
function signer(provider: CryptoProvider, jwk: string, trustsAll = false): JwtSigner {
  const key = provider.hmacKey("sha256", utf8(jwk));
  const verify = (signature: Uint8Array, content: Uint8Array) =>
    Promise.resolve(trustsAll || provider.equal(signature, key.sign(content)));
  return { sign: (content) => Promise.resolve(key.sign(content)), verify };
}

/** Planted: tells of no change. */
class DeafAvailability extends HighAvailability {
  override follow(): Cancel {
    return () => {};
  }
}

/** Planted: reads need no proof while that is so. */
function answerWithoutProof(ha: HighAvailability, isSo: () => boolean): void {
  const confirm = ha.confirmRead.bind(ha);
  ha.confirmRead = (maxAgeMs) => isSo() ? undefined : confirm(maxAgeMs);
}

/** What a client may be told, or a ceremony end with, where nodes and disks fail. */
export function mayHappen(error: unknown): boolean {
  return error instanceof Failure || error instanceof StorageError || error instanceof SealedError;
}
