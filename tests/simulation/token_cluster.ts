/** Machines that run whole nodes, with databases outside, clients, and an operator who sets it up. */
import { utf8 } from "../../src/base/bytes.ts";
import { portableProvider } from "../../src/crypto/portable.ts";
import type { JsonObject } from "../../src/logical/json.ts";
import type { Operation } from "../../src/logical/request.ts";
import { Coverage } from "../../src/raft/simulation/coverage.ts";
import type { Lasting, OwnStrikes } from "../../src/raft/simulation/nemesis.ts";
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import { diskStrikes, StoredMachines } from "../../src/raft/simulation/stored_machines.ts";
import type { StoredNode } from "../../src/raft/simulation/stored_node.ts";
import type { Turns } from "../../src/raft/simulation/quiet.ts";
import type { Surroundings } from "../../src/raft/simulation/world.ts";
import { Asking } from "./asking.ts";
import { decodeEntity } from "../../src/identity/entities.ts";
import { prefixes } from "../../src/identity/keys.ts";
import type { Kind, KindName } from "./kind.ts";
import { LOCK_SECONDS, LoginClients, loginMounts } from "./login_clients.ts";
import { LoginLedger } from "./login_ledger.ts";
import { storagePrefix } from "../../src/core/mount_entry.ts";
import { mayComeLate } from "../../src/core/secret_ending.ts";
import { BatchClients } from "./batch_clients.ts";
import { Clients, databaseRoles, tokenRoles } from "./clients.ts";
import { tokenEntries } from "../../src/token/store.ts";
import { decodeTokenEntry } from "../../src/token/stored_entry.ts";
import { trueTime, WallClock } from "./clocks.ts";
import { Ledger } from "./ledger.ts";
import type { TokenMark } from "./marks.ts";
import { moods, Outside } from "./outside.ts";
import type { TokenPlant } from "./plants.ts";
import { mayHappen, type ServerParts, SimulatedServer } from "./server.ts";
import { WrappingClients } from "./wrapping_clients.ts";
import { WrappingLedger } from "./wrapping_ledger.ts";

export const tokenStrikes = [...diskStrikes, "clock", "seal", "database", "large family"] as const;

/** As small as lets things happen often, with entries of the size of these. */
const SIZES = {
  flushBytes: 60_000,
  unflushedBytesMax: 200_000,
  segmentBytes: 30_000,
  logBytesMax: 80_000,
  cacheBytes: 40_000,
};

/** Milliseconds by which a clock jumps, less than. */
const JUMP_MS = 20_000;
const LOOK_MS = 100;

/** Below these everything hangs on a token or a lease. */
const families = [
  "sys/token/id/",
  "sys/token/accessor/",
  "sys/token/parent/",
  "sys/expire/",
] as const;

/** Below these, within its mount, everything hangs on a secret id. */
const secretIds = ["secret_id/", "accessor/", "secret_id_ends/"] as const;

/** The same in every run: made once, since making it takes real time. */
const wrappingKey = await makeWrappingKey();

export interface TokenShape {
  readonly voters: number;
  /** Nodes that may join. */
  readonly spares: number;
  /** Whether memberships change while files rot; where not, disks of nodes that leave may be wiped. */
  readonly rots: boolean;
  readonly faults: ReadonlySet<Lasting>;
  readonly plant: TokenPlant | undefined;
  readonly turns: Turns;
  readonly usesNewForms: boolean;
  /** What clients do besides. */
  readonly kinds: readonly KindName[];
}

export class TokenCluster {
  readonly machines: StoredMachines;
  readonly servers = new Map<string, SimulatedServer>();
  readonly marks = new Coverage<TokenMark>();
  readonly outside: Outside;
  readonly ledger: Ledger;
  readonly logins: LoginLedger;
  readonly wrappings: WrappingLedger;
  readonly clients: Clients;
  readonly #walls = new Map<string, WallClock>();
  readonly #asking: Asking;
  readonly #rootKey: Uint8Array<ArrayBuffer>;
  readonly #voters: number;
  /** Who voted when that was last looked at. */
  #members: ReadonlySet<string> | undefined;
  /** Who came later. */
  readonly #joined = new Set<string>();
  /** Who has lost their disk, and is no voter yet. */
  readonly #wiped = new Set<string>();
  /** The accessors of tokens, by the requests that made them. */
  readonly #doneBy = new Map<string, string>();
  #root = "";
  #userpass = "";
  /** Keys of the families before there was anything that ends. */
  #lasting: ReadonlySet<string> = new Set();

  constructor(readonly world: Surroundings, shape: TokenShape) {
    const { draw, time } = world;
    const crypto = portableProvider();
    this.#voters = shape.voters;
    this.#rootKey = Uint8Array.from({ length: 32 }, () => draw(256));
    this.ledger = new Ledger(time, () => this.#highestClock());
    this.wrappings = new WrappingLedger(time, () => this.#highestClock());
    this.logins = new LoginLedger(time, () => this.#highestClock(), LOCK_SECONDS * 1000);
    const outside = new Outside(world, (username) => this.#isDropped(username));
    this.outside = outside;
    const { plant, usesNewForms } = shape;
    const isMember = (id: string) => this.#isMember(id);
    const parts = { world, outside, crypto, plant, usesNewForms, isMember };
    this.machines = new StoredMachines(world, {
      ...shape,
      plant: undefined,
      sizes: SIZES,
      wiped: (id) => {
        this.marks.mark("node wiped");
        this.#wiped.add(id);
      },
      program: (node, storage) => {
        const own: ServerParts = { ...parts, wall: this.#wall(node), rootKey: this.#rootKey };
        this.servers.set(node.id, new SimulatedServer(node, storage, own));
      },
    });
    this.#asking = new Asking(world, this.servers, ({ id }) => {
      if (!this.#isMember(id)) this.marks.mark("removed node asked");
    });
    const { ledger, logins, wrappings, marks } = this;
    const asking = this.#asking, root = () => this.#root;
    const userpass = () => this.#userpass;
    const kind = { world, asking, ledger, logins, wrappings, marks, root, userpass };
    const kinds: Record<KindName, Kind> = {
      logins: new LoginClients(kind),
      wrapping: new WrappingClients(kind),
      "batch tokens": new BatchClients(kind),
    };
    const drawn = shape.kinds.map((name) => kinds[name]);
    this.clients = new Clients({ world, asking, ledger, outside, marks, root }, drawn);
  }

  get active(): SimulatedServer | undefined {
    return [...this.servers.values()].find(({ isActive }) => isActive);
  }

  /** Forms the group, and sets up what clients need. */
  async setUp(): Promise<void> {
    const { machines: { nodes } } = this;
    const areUp = () => [...nodes.values()].every(({ isUp }) => isUp);
    await this.#until(areUp);
    this.machines.form();
    const [first] = nodes.values();
    await this.#until(() => {
      const members = first?.configuration.members.filter(({ voter }) => voter) ?? [];
      return members.length === this.#voters && first?.storage?.group.isActive === true;
    });
    await this.#initialize();
    await this.#until(() => this.active !== undefined);
    this.#root = (await this.active?.node.issueRootToken())?.clientToken ?? "";
    await this.#configure();
    this.#lasting = new Set(await this.#keys());
  }

  async #initialize(): Promise<void> {
    const server = [...this.servers.values()].find(({ storage }) => storage.group.isActive);
    if (server === undefined) throw new Error("nobody leads");
    const { barrier } = server;
    await barrier.initialize(this.#rootKey);
    await barrier.unseal(this.#rootKey);
    await barrier.write([{ key: "core/wrapping/jwtkey", value: wrappingKey }]);
  }

  async #configure(): Promise<void> {
    const policy = `path "*" { capabilities = ["create", "read", "update", "list", "sudo"] }`;
    await this.#must("update", "sys/policies/acl/worker", { policy });
    for (const role of tokenRoles) {
      await this.#must("update", `auth/token/roles/${role}`, {
        renewable: true,
        allowed_policies: "worker",
      });
    }
    await this.#must("update", "sys/storage/raft/autopilot/configuration", {
      server_stabilization_time: "1s",
    });
    await this.#must("update", "sys/mounts/database", { type: "database" });
    for (const host of this.outside.hosts) {
      await this.#must("update", `database/config/${host}`, {
        plugin_name: "postgresql-database-plugin",
        connection_url: `postgres://{{username}}:{{password}}@${host}/db`,
        allowed_roles: "*",
        username: "u",
        password: "p",
      });
    }
    for (const [role, host] of Object.entries(databaseRoles)) {
      await this.#must("update", `database/roles/${role}`, {
        db_name: host,
        creation_statements: "create",
        default_ttl: "12s",
        max_ttl: "40s",
      });
    }
    for (const [name, data] of Object.entries(loginMounts)) {
      await this.#must("update", `sys/auth/${name}`, data);
    }
    this.#userpass = this.active?.node.services.mounts.router.at("auth/userpass/")?.entry
      .accessor ?? "";
  }

  async #must(operation: Operation, path: string, data: JsonObject): Promise<void> {
    const answer = await this.#asking.ask({ operation, path, data, token: this.#root });
    if (answer.kind !== "ok") throw new Error(`${path}: ${JSON.stringify(answer)}`);
  }

  /** All clocks are set forward. */
  setForward(ms: number): void {
    for (const node of this.machines.nodes.values()) this.#wall(node).jump(node.process, ms);
  }

  /** Everything answers again. */
  mendOutside(): void {
    for (const host of this.outside.hosts) this.outside.setMood(host, "well");
  }

  lookAtAll(): void {
    this.clients.lookAtAll(this.servers.values());
  }

  readonly strikes: OwnStrikes<StoredNode> = {
    clock: (node) => {
      const { draw, tell } = this.world;
      const ms = draw(2 * JUMP_MS) - JUMP_MS;
      tell(`the clock of ${node.id} jumps by ${ms} ms`);
      this.marks.mark(ms > 0 ? "clock set forward" : "clock set back");
      this.#wall(node).jump(node.process, ms);
    },
    seal: (node) => {
      const server = this.servers.get(node.id);
      if (server === undefined || !server.process.isAlive) return;
      this.marks.mark("sealed");
      server.seal();
    },
    database: (_, ms) => {
      const { draw, tell, time } = this.world;
      const { hosts } = this.outside;
      const host = hosts[draw(hosts.length)] ?? "", mood = moods[1 + draw(moods.length - 1)];
      if (mood === undefined || mood === "well") return;
      tell(`${host} is ${mood}`);
      this.marks.mark(`database ${mood}`);
      this.outside.setMood(host, mood);
      time.after(2 * ms, () => this.outside.setMood(host, "well"));
    },
    "large family": () => {
      this.clients.growLargeFamily().catch((error) => this.world.fail(error));
    },
  };

  /** By who is active; so long as nobody is, everybody is one. */
  #isMember(id: string): boolean {
    const members = this.active?.storage.group.configuration.members;
    return members?.some((member) => member.id === id) ?? true;
  }

  /** Marks what has become of the membership since it was last looked at. */
  noteMembers(): void {
    const { active, marks } = this;
    if (active === undefined) return;
    const { members } = active.storage.group.configuration;
    const voters = new Set(members.filter(({ voter }) => voter).map(({ id }) => id));
    const before = this.#members ?? voters;
    for (const id of voters.difference(before)) {
      marks.mark("node joined");
      if (this.#wiped.delete(id)) marks.mark("wiped node joined");
      this.#joined.add(id);
    }
    if (before.difference(voters).size > 0) marks.mark("node removed");
    if (this.#joined.has(active.id)) marks.mark("new node active");
    this.#members = voters;
  }

  /** Tells where a request was done twice, as far as tokens of it live. */
  async checkDoubles(): Promise<void> {
    const { active } = this;
    if (active === undefined) return;
    const { transactions } = active.node.services;
    const found = await transactions.run((t) => t.scan(tokenEntries, { limit: 100_000 }));
    for (const { value } of found) {
      const { accessor, meta } = decodeTokenEntry(value);
      const request = meta?.request;
      if (request === undefined) continue;
      const known = this.#doneBy.get(request) ?? accessor;
      this.#doneBy.set(request, known);
      if (known === accessor) continue;
      throw new BrokenPromise(`creation ${request} was done twice: ${known} and ${accessor}`);
    }
  }

  /** Tells where a name in the outside world has come to be of two entities. */
  async checkEntities(): Promise<void> {
    const { active } = this;
    if (active === undefined) return;
    const { transactions } = active.node.services;
    const found = await transactions.run((t) => t.scan(prefixes.entity, { limit: 100_000 }));
    const owners = new Map<string, string>();
    for (const { value } of found) {
      const { id, aliases } = decodeEntity(value);
      for (const { mountAccessor, name } of aliases) {
        const alias = `${mountAccessor} ${name}`, known = owners.get(alias) ?? id;
        owners.set(alias, known);
        if (known !== id) throw new BrokenPromise(`${alias} is of the entities ${known} and ${id}`);
      }
    }
  }

  /** Marks what the active node keeps in mind of users that another one may still be making. */
  async noteLookedFor(): Promise<void> {
    const { active, marks } = this;
    if (active === undefined) return;
    const { transactions, leases } = active.node.services;
    const failing = await transactions.run((t) => leases.failing(t, undefined, 100));
    if (failing.some(({ failure }) => failure?.error === mayComeLate)) {
      marks.mark("user looked for again");
    }
  }

  /** A node may fail under whoever looks; what was found must not be. */
  lookedInVain(error: unknown): void {
    if (mayHappen(error)) return;
    this.world.fail(error instanceof Error ? error : new Error(String(error)));
  }

  /** What belongs to nobody, or undefined where there is nothing. */
  async leftOver(): Promise<string | undefined> {
    const path = "auth/approle/tidy/secret-id";
    await this.#asking.ask({ operation: "update", path, token: this.#root });
    const left = (await this.#keys()).find((key) => !this.#lasting.has(key));
    if (left !== undefined) return `the row ${left}`;
    const [user] = this.outside.usable(trueTime(this.world.time.now));
    return user === undefined ? undefined : `the user ${user}`;
  }

  /** What is there of families, in the storage of the active node. */
  async #keys(): Promise<string[]> {
    const { active } = this;
    if (active === undefined) throw new BrokenPromise("nobody is active");
    const { revoker, mounts } = active.node.services;
    const approle = mounts.router.at("auth/approle/");
    const below = [...families, revoker.cubbyholePrefix()];
    if (approle !== undefined) {
      const prefix = storagePrefix(approle.entry);
      below.push(...secretIds.map((folder) => prefix + folder));
    }
    const keys: string[] = [];
    for (const prefix of below) {
      const found = await active.storage.scan(prefix, { limit: 100_000 });
      keys.push(...found.map(({ key }) => key));
    }
    return keys;
  }

  #wall({ id }: StoredNode): WallClock {
    const known = this.#walls.get(id) ?? new WallClock();
    this.#walls.set(id, known);
    return known;
  }

  #highestClock(): number {
    const nodes = [...this.machines.nodes.values()];
    return Math.max(...nodes.map((node) => this.#wall(node).highest(node.process)));
  }

  /** A database has taken a user away, as somebody asked. */
  #isDropped(username: string): void {
    const secret = this.ledger.secrets.find((one) => one.username === username);
    if (secret === undefined) return;
    try {
      this.ledger.leaseIsGone(secret, this.world.time.now);
    } catch (error) {
      this.world.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** On virtual time. */
  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (isSo()) resolve();
        else this.world.time.after(LOOK_MS, look);
      };
      look();
    });
  }
}

/** As `core/wrapping_jwt.ts` stores it. */
async function makeWrappingKey(): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "ECDSA", namedCurve: "P-521" };
  const made = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  return utf8(JSON.stringify(await crypto.subtle.exportKey("jwk", made.privateKey)));
}
