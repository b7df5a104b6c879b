/** What clients do with tokens and leases all the time, and what they conclude from the answers. */
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import type { Answer, Asked } from "./asking.ts";
import { Chance } from "./chance.ts";
import type { CommonParts, Kind, Work } from "./kind.ts";
import type { Secret, Token } from "./ledger.ts";
import type { TokenMark } from "./marks.ts";
import type { Outside } from "./outside.ts";
import type { SimulatedServer } from "./server.ts";
import { useToken } from "./token_use.ts";

/** Seconds that something lives, at most. */
const TTL = 30;
const THINK_MS = 60;
/** Of all that there is clients work with the latest. */
const LATEST = 25;
/** Children of a family that does not fit one transaction. */
const LARGE_FAMILY = 212;

export const tokenRoles = ["red", "green"] as const;
/** Each with the server that it makes users in. */
export const databaseRoles = { a: "one", b: "one", c: "two" } as const;

/** Of a new token; drawn where absent. */
interface Wanted {
  readonly role?: string;
  readonly uses?: number;
  /** Seconds. */
  readonly ttl?: number;
}

export interface ClientParts extends CommonParts {
  readonly outside: Outside;
}

export class Clients {
  readonly #parts: ClientParts;
  readonly #chance: Chance;
  readonly #kinds: readonly Kind[];
  readonly #operations: Kind["operations"];
  #isBusy = false;
  #creations = 0;
  #hasFamily = false;

  constructor(parts: ClientParts, kinds: readonly Kind[]) {
    this.#parts = parts;
    this.#chance = new Chance(parts.world);
    this.#kinds = kinds;
    this.#operations = [...this.#own, ...kinds.flatMap(({ operations }) => operations)];
  }

  start(): void {
    this.#isBusy = true;
    this.#operate();
  }

  /** Nothing more is begun. */
  rest(): void {
    this.#isBusy = false;
  }

  /** Looks at everything through every node that is given. */
  lookAtAll(servers: Iterable<SimulatedServer>): void {
    const { ledger } = this.#parts;
    for (const server of servers) {
      // Each look is a use.
      const unlimited = ledger.tokens.filter(({ uses }) => uses === 0);
      for (const token of livingFirst(unlimited, (one) => ledger.mayHaveEnded(one))) {
        this.#run(this.#lookUp(token, server));
      }
      for (const secret of livingFirst(ledger.secrets, (one) => ledger.maySecretHaveEnded(one))) {
        this.#run(this.#lookUpLease(secret, server));
      }
      for (const kind of this.#kinds) {
        for (const work of kind.lookAt(server)) this.#run(work);
      }
    }
  }

  #operate(): void {
    const { draw, time } = this.#parts.world;
    if (!this.#isBusy) return;
    time.after(1 + draw(THINK_MS), () => this.#operate());
    const operation = this.#operations[draw(this.#operations.length)];
    if (operation !== undefined) this.#run(operation());
  }

  /** What breaks a promise ends the run. */
  #run(work: Work): void {
    work?.catch((error) => this.#parts.world.fail(error));
  }

  readonly #own: Kind["operations"] = [
    () => this.#create(),
    () => this.#create(),
    () => this.#create(this.#chance.pick(this.#latestTokens())),
    () => this.#create(this.#chance.pick(this.#latestTokens())),
    () => this.#onToken((token) => this.#lookUp(token)),
    () => this.#onToken((token) => this.#lookUp(token)),
    () => this.#onService((token) => this.#lookUpAccessor(token)),
    () => this.#onToken((token) => this.#keepSomething(token)),
    () => this.#onService((token) => this.#renew(token)),
    () => this.#onService((token) => this.#renew(token)),
    () => this.#onService((token) => this.#revoke(token)),
    () => this.#onService((token) => this.#chance.perhaps(3, () => this.#revokeAlone(token))),
    () => this.#onToken((token) => this.#makeUser(token)),
    () => this.#onToken((token) => this.#makeUser(token)),
    () => this.#onSecret((secret) => this.#lookUpLease(secret)),
    () => this.#onSecret((secret) => this.#renewLease(secret)),
    () => this.#onSecret((secret) => this.#revokeLease(secret)),
    () => this.#chance.perhaps(2, () => this.#useAtOnce()),
    () => this.#chance.perhaps(4, () => this.#revokeUsers()),
    () => this.#chance.perhaps(8, () => this.#revokeRole()),
  ];

  #latestTokens(): readonly Token[] {
    return this.#parts.ledger.tokens.slice(-LATEST);
  }

  #onToken(work: (token: Token) => Work): Work {
    return this.#chance.on(this.#latestTokens(), work);
  }

  /** One that is renewed and revoked, and has an accessor. */
  #onService(work: (token: Token) => Work): Work {
    return this.#onToken((token) => token.isBatch ? undefined : work(token));
  }

  #onSecret(work: (secret: Secret) => Work): Work {
    return this.#chance.on(this.#parts.ledger.secrets.slice(-LATEST), work);
  }

  #ask(asked: Asked, server?: SimulatedServer): Promise<Answer> {
    return this.#parts.asking.ask(asked, server);
  }

  #mark(mark: TokenMark): void {
    this.#parts.marks.mark(mark);
  }

  #use(token: Token, asked: Omit<Asked, "token">, server?: SimulatedServer) {
    return useToken(this.#parts, token, asked, server);
  }

  /** Of a parent, or of nobody. */
  async #create(parent?: Token, wanted: Wanted = {}): Promise<Token | undefined> {
    const { ledger, world: { draw } } = this.#parts;
    const { role, uses, ttl } = {
      role: tokenRoles[draw(4)],
      uses: draw(4) === 0 ? 1 + draw(4) : 0,
      ttl: 2 + draw(TTL),
      ...wanted,
    };
    const path = `auth/token/create${role === undefined ? "" : `/${role}`}`;
    const data = {
      ttl: `${ttl}s`,
      num_uses: uses,
      policies: ["worker"],
      no_parent: parent === undefined,
      meta: { request: `${++this.#creations}` },
      ...(draw(8) === 0 ? { period: "5s" } : {}),
      ...(draw(8) === 0 ? { explicit_max_ttl: `${ttl + 3}s` } : {}),
    };
    const asked = { operation: "update", path, data } as const;
    const answer = parent === undefined
      ? await this.#ask({ ...asked, token: this.#parts.root() })
      : await this.#use(parent, asked);
    if (answer?.kind !== "ok") return undefined;
    const { auth } = answer.response;
    if (auth === undefined) throw new Error("a creation was answered without a token");
    this.#mark(parent === undefined ? "token made" : "child made");
    const { clientToken: text, accessor, leaseDurationSeconds } = auth;
    return ledger.made({ text, accessor, parent, path, uses }, leaseDurationSeconds, answer.span);
  }

  /** More children than one transaction ends, all of which are ended at once. */
  async growLargeFamily(): Promise<void> {
    const { ledger, world } = this.#parts;
    // One is enough: it costs as much as everything else.
    if (this.#hasFamily) return;
    this.#hasFamily = true;
    const wanted = { role: tokenRoles[0], uses: 0, ttl: TTL };
    const parent = await this.#create(undefined, wanted);
    if (parent === undefined) return;
    world.tell("a large family");
    for (let i = 0; i < LARGE_FAMILY && !ledger.mayHaveEnded(parent); i += 25) {
      await Promise.all(Array.from({ length: 25 }, () => this.#create(parent, wanted)));
    }
    const children = ledger.tokens.filter((one) => one.parent === parent);
    if (children.filter((one) => !ledger.mayHaveEnded(one)).length > 200) {
      this.#mark("large family");
    }
    await (world.draw(3) === 0 ? this.#revokeRole(tokenRoles[0]) : this.#revoke(parent));
    for (const child of children.slice(-LATEST)) this.#run(this.#lookUp(child));
  }

  /** A token is used more often than it may be, by many at the same moment. */
  async #useAtOnce(): Promise<void> {
    const token = await this.#create(undefined, { uses: 1 + this.#parts.world.draw(4) });
    if (token === undefined) return;
    this.#mark("uses at once");
    await Promise.all(Array.from({ length: token.uses + 2 }, () => this.#lookUp(token)));
  }

  async #lookUp(token: Token, server?: SimulatedServer): Promise<void> {
    const { ledger, world } = this.#parts;
    if (ledger.mustHaveEnded(token, world.time.now)) this.#mark("revoked token looked up");
    const path = "auth/token/lookup-self";
    const answer = await this.#use(token, { operation: "read", path }, server);
    if (answer?.kind === "ok" && answer.server.node.standby) this.#mark("answered by a standby");
  }

  async #lookUpAccessor(token: Token): Promise<void> {
    const { ledger, root, world: { time } } = this.#parts;
    const start = time.now, { accessor } = token;
    const path = "auth/token/lookup-accessor";
    const answer = await this.#ask({
      operation: "update",
      path,
      data: { accessor },
      token: root(),
    });
    if (answer.kind === "ok") ledger.lives(token, start, answer.span);
    else if (answer.kind === "refused") ledger.isGone(token, start);
  }

  /** Something in the token's cubbyhole, which goes with it. */
  async #keepSomething(token: Token): Promise<void> {
    const data = { some: "thing" };
    await this.#use(token, { operation: "update", path: "cubbyhole/kept", data });
  }

  async #renew(token: Token): Promise<void> {
    const { ledger, root, world: { draw, time } } = this.#parts;
    if (token.isRenewing) return;
    const increment = `${2 + draw(TTL)}s`, { accessor, text } = token;
    const start = time.now;
    const renewal = ledger.renews(token);
    const by = (path: string, data: Record<string, string>) =>
      this.#ask({ operation: "update", path, data: { ...data, increment }, token: root() });
    const own = {
      operation: "update",
      path: "auth/token/renew-self",
      data: { increment },
    } as const;
    const before = draw(3);
    const answer = before === 0
      ? await this.#use(token, own)
      : before === 1
      ? await by("auth/token/renew-accessor", { accessor })
      : await by("auth/token/renew", { token: text });
    if (answer === undefined || answer.kind === "refused" || answer.kind === "undone") {
      return renewal.refused();
    }
    if (answer.kind === "unknown") return renewal.unknown();
    // It lived, or it could not have been renewed.
    renewal.refused();
    ledger.isRenewed(token, start, answer.span);
    this.#mark("token renewed");
    const seconds = answer.response.auth?.leaseDurationSeconds ?? 0;
    renewal.done(seconds, answer.span);
  }

  async #revoke(token: Token): Promise<void> {
    const { ledger, root, world: { draw } } = this.#parts;
    const { accessor, text } = token;
    const ending = ledger.ends(token);
    const by = (path: string, data: Record<string, string>) =>
      this.#ask({ operation: "update", path, data, token: root() });
    const way = draw(3);
    if (way === 0) token.attempts += 1;
    const self = { operation: "update", path: "auth/token/revoke-self", token: text } as const;
    const answer = way === 0
      ? await this.#ask(self)
      : way === 1
      ? await by("auth/token/revoke-accessor", { accessor })
      : await by("auth/token/revoke", { token: text });
    if (answer.kind !== "ok") return;
    this.#mark("token revoked");
    ending.done();
  }

  async #revokeAlone(token: Token): Promise<void> {
    const { ledger, root } = this.#parts;
    const ending = ledger.endsAlone(token);
    const data = { token: token.text }, path = "auth/token/revoke-orphan";
    const answer = await this.#ask({ operation: "update", path, data, token: root() });
    if (answer.kind !== "ok") return;
    this.#mark("children set free");
    ending.done();
  }

  async #makeUser(token: Token): Promise<void> {
    const { ledger, outside, world: { draw, time } } = this.#parts;
    const roles = Object.keys(databaseRoles);
    const path = `database/creds/${roles[draw(roles.length)] ?? ""}`;
    const answer = await this.#use(token, { operation: "read", path });
    if (answer?.kind !== "ok") return;
    const { lease, data } = answer.response;
    if (lease === undefined) throw new Error("a user was answered without a lease");
    const about = { id: lease.id, token, path, username: String(data?.username) };
    const secret = ledger.leased(about, lease.durationSeconds, answer.span);
    this.#mark(token.isBatch ? "user of a batch token made" : "user made");
    if (!outside.has(secret.username)) ledger.leaseIsGone(secret, time.now);
  }

  async #lookUpLease(secret: Secret, server?: SimulatedServer): Promise<void> {
    const { ledger, outside, root, world: { time } } = this.#parts;
    const start = time.now;
    const asked = {
      operation: "update",
      path: "sys/leases/lookup",
      data: { lease_id: secret.id },
      token: root(),
    } as const;
    const answer = await this.#ask(asked, server);
    if (answer.kind === "refused") return ledger.leaseIsGone(secret, start);
    if (answer.kind !== "ok") return;
    // One that has come due is there until its engine has taken it back.
    if (Number(answer.response.data?.ttl) > 0) ledger.leaseLives(secret, start, answer.span);
    if (!outside.has(secret.username)) ledger.leaseIsGone(secret, time.now);
  }

  async #renewLease(secret: Secret): Promise<void> {
    const { ledger, root, world: { draw, time } } = this.#parts;
    if (secret.isRenewing) return;
    const start = time.now;
    const renewal = ledger.renews(secret);
    const data = { lease_id: secret.id, increment: `${2 + draw(TTL)}s` };
    const path = "sys/leases/renew";
    const answer = await this.#ask({ operation: "update", path, data, token: root() });
    if (answer.kind === "unknown") return renewal.unknown();
    renewal.refused();
    if (answer.kind !== "ok") return;
    ledger.leaseLives(secret, start, answer.span);
    this.#mark("lease renewed");
    renewal.done(answer.response.lease?.durationSeconds ?? 0, answer.span);
  }

  async #revokeLease(secret: Secret): Promise<void> {
    const { ledger, root, world: { draw } } = this.#parts;
    const sync = draw(2) === 0;
    const ending = ledger.ends(secret);
    const data = { lease_id: secret.id, sync };
    const path = "sys/leases/revoke";
    const answer = await this.#ask({ operation: "update", path, data, token: root() });
    if (answer.kind !== "ok") return;
    ending.done();
    this.#mark(sync ? "lease revoked at once" : "lease revoked");
    if (sync) this.#mustBeGone(secret);
  }

  #mustBeGone({ id, username }: Secret): void {
    if (!this.#parts.outside.has(username)) return;
    throw new BrokenPromise(`the user of ${id} is there after it was revoked at once`);
  }

  async #revokeUsers(): Promise<void> {
    const { ledger, root, world: { draw } } = this.#parts;
    const roles = Object.keys(databaseRoles);
    const prefix = `database/creds/${roles[draw(roles.length)] ?? ""}`;
    const before = ledger.secrets.length;
    const ending = ledger.endsBelow(`${prefix}/`);
    const path = `sys/leases/revoke-prefix/${prefix}`;
    const answer = await this.#ask({ operation: "update", path, token: root() });
    if (answer.kind !== "ok") return;
    ending.done();
    this.#mark("users revoked by prefix");
    const made = new Set(ledger.secrets.slice(0, before));
    for (const secret of ending.covered()) if (made.has(secret)) this.#mustBeGone(secret);
  }

  async #revokeRole(role = tokenRoles[this.#parts.world.draw(tokenRoles.length)]): Promise<void> {
    const { ledger, root } = this.#parts;
    const prefix = `auth/token/create/${role ?? ""}`;
    const ending = ledger.endsBelow(`${prefix}/`);
    const path = `sys/leases/revoke-prefix/${prefix}`;
    const answer = await this.#ask({ operation: "update", path, token: root() });
    if (answer.kind !== "ok") return;
    ending.done();
    this.#mark("tokens revoked by prefix");
  }
}

/** The latest of those that must live, and of the others. */
function livingFirst<T>(all: readonly T[], mayHaveEnded: (one: T) => boolean): readonly T[] {
  const living = all.filter((one) => !mayHaveEnded(one)).slice(-LATEST);
  return [...living, ...all.filter(mayHaveEnded).slice(-LATEST)];
}
