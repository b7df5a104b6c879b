/** Clients that log in, with secret ids and with passwords, and who makes, changes and ends these. */
import type { JsonObject } from "../../src/logical/json.ts";
import type { LogicalResponse } from "../../src/logical/response.ts";
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import type { Answer } from "./asking.ts";
import type { Span } from "./clocks.ts";
import { Chance } from "./chance.ts";
import type { Kind, KindParts, Work } from "./kind.ts";
import type { Role, RoleVersion, SecretId, User } from "./login_ledger.ts";
import type { SimulatedServer } from "./server.ts";

/** Seconds that something lives, at most. */
const TTL = 30;
const LATEST = 12;
const ROLES = 2;
/** Wrong passwords that lock a name, and for how long. */
const THRESHOLD = 3;
export const LOCK_SECONDS = 20;

/** What has to be mounted for them. */
export const loginMounts: Readonly<Record<string, JsonObject>> = {
  approle: { type: "approle", config: { user_lockout_config: { lockout_disable: true } } },
  userpass: {
    type: "userpass",
    config: {
      user_lockout_config: {
        lockout_threshold: THRESHOLD,
        lockout_duration: `${LOCK_SECONDS}s`,
        lockout_counter_reset_duration: `${LOCK_SECONDS}s`,
      },
    },
  },
};

export class LoginClients implements Kind {
  readonly #parts: KindParts;
  readonly #chance: Chance;
  #made = 0;

  constructor(parts: KindParts) {
    this.#parts = parts;
    this.#chance = new Chance(parts.world);
  }

  readonly operations: Kind["operations"] = [
    () => this.#keepRoles(),
    () => this.#onRole((role) => this.#changeRole(role)),
    () => this.#onRole((role) => this.#makeSecretId(role)),
    () => this.#onRole((role) => this.#makeSecretId(role)),
    () => this.#onSecretId((secretId) => this.#logIn(secretId)),
    () => this.#onSecretId((secretId) => this.#logIn(secretId)),
    () => this.#onSecretId((secretId) => this.#logIn(secretId)),
    () => this.#onSecretId((secretId) => this.#lookUp(secretId)),
    () => this.#onSecretId((secretId) => this.#chance.perhaps(2, () => this.#destroy(secretId))),
    () => this.#onRole((role) => this.#chance.perhaps(2, () => this.#logInAtOnce(role))),
    () => this.#onRole((role) => this.#chance.perhaps(5, () => this.#deleteRole(role))),
    () => this.#makeUser(),
    () => this.#onUser((user) => this.#logInAs(user)),
    () => this.#onUser((user) => this.#logInAs(user)),
    () => this.#onUser((user) => this.#changePassword(user)),
    () => this.#onUser((user) => this.#chance.perhaps(3, () => this.#deleteUser(user))),
    () => this.#chance.perhaps(3, () => this.#lockOut()),
    () => this.#chance.perhaps(8, () => this.#revokeLogins()),
  ];

  /** What has ended logs nobody in, wherever it is tried. */
  lookAt(server: SimulatedServer): Promise<unknown>[] {
    const { logins, world: { time } } = this.#parts;
    const ended = logins.secretIds.filter((one) => logins.mustHaveEnded(one, time.now));
    return [
      ...ended.slice(-LATEST).map((secretId) => this.#logIn(secretId, server)),
      ...logins.users.slice(-LATEST).map((user) => this.#logInAs(user, server)),
    ];
  }

  #onRole(work: (role: Role) => Work): Work {
    return this.#chance.on(this.#parts.logins.roles.slice(-ROLES), work);
  }

  #onSecretId(work: (secretId: SecretId) => Work): Work {
    return this.#chance.on(this.#parts.logins.secretIds.slice(-LATEST), work);
  }

  #onUser(work: (user: User) => Work): Work {
    return this.#chance.on(this.#parts.logins.users.slice(-LATEST), work);
  }

  /** What only an operator may do. */
  #operate(
    path: string,
    data: JsonObject = {},
    operation: "update" | "delete" | "read" = "update",
  ) {
    const { asking, root } = this.#parts;
    return asking.ask({ operation, path, data, token: root() });
  }

  /** What tokens of a role shall be like. */
  #newVersion(): { readonly version: RoleVersion; readonly data: JsonObject } {
    const { draw } = this.#parts.world;
    const isBatch = draw(5) === 0, ttl = 2 + draw(TTL);
    const uses = !isBatch && draw(3) === 0 ? 1 + draw(3) : 0;
    const isPeriodic = !isBatch && draw(4) === 0;
    const data = {
      token_policies: ["worker"],
      token_ttl: `${ttl}s`,
      token_max_ttl: draw(2) === 0 ? "0s" : `${ttl + draw(20)}s`,
      token_period: isPeriodic ? `${ttl}s` : "0s",
      token_num_uses: uses,
      token_type: isBatch ? "batch" : "default",
    };
    return { version: { ttl, uses }, data };
  }

  async #keepRoles(): Promise<void> {
    const { logins } = this.#parts;
    const living = logins.roles.slice(-ROLES).filter(({ endings }) => endings.length === 0);
    if (living.length < ROLES) await this.#makeRole();
  }

  async #makeRole(): Promise<void> {
    const { logins } = this.#parts;
    const name = `role-${++this.#made}`, roleId = `id-of-${name}`;
    const { version, data } = this.#newVersion();
    const path = `auth/approle/role/${name}`;
    const answer = await this.#operate(path, { ...data, role_id: roleId });
    if (answer.kind === "ok") logins.roleMade(name, roleId, version);
  }

  async #changeRole(role: Role): Promise<void> {
    const { marks, world: { time } } = this.#parts;
    if (role.isChanging || role.endings.length > 0) return;
    role.isChanging = true;
    const { version, data } = this.#newVersion();
    role.versions.push(version);
    const answer = await this.#operate(`auth/approle/role/${role.name}`, data);
    role.isChanging = false;
    if (answer.kind === "ok") {
      version.doneAt = time.now;
      marks.mark("role changed");
    } else if (answer.kind !== "unknown") {
      role.versions = role.versions.filter((one) => one !== version);
    }
  }

  async #deleteRole(role: Role): Promise<void> {
    const { logins, marks } = this.#parts;
    // A change that comes after it would make it anew.
    if (role.isChanging || role.versions.some(({ doneAt }) => doneAt === undefined)) return;
    const ending = logins.ends(role);
    const answer = await this.#operate(`auth/approle/role/${role.name}`, {}, "delete");
    if (answer.kind !== "ok") return;
    marks.mark("role deleted");
    ending.done();
  }

  async #makeSecretId(role: Role, uses = this.#parts.world.draw(4)): Promise<SecretId | undefined> {
    const { logins, marks, world: { draw } } = this.#parts;
    const ttl = 2 + draw(TTL);
    const path = `auth/approle/role/${role.name}/secret-id`;
    const answer = await this.#operate(path, { ttl: `${ttl}s`, num_uses: uses });
    if (answer.kind !== "ok") return undefined;
    const { data } = answer.response;
    marks.mark("secret id made");
    const text = String(data?.secret_id), accessor = String(data?.secret_id_accessor);
    return logins.secretIdMade({ text, accessor, role, uses }, ttl, answer.span);
  }

  async #logIn(secretId: SecretId, server?: SimulatedServer): Promise<void> {
    const { asking, logins, marks, world: { time } } = this.#parts;
    const { role, text } = secretId, start = time.now;
    const isOver = logins.mustHaveEnded(secretId, start);
    secretId.attempts += 1;
    const path = "auth/approle/login", data = { role_id: role.roleId, secret_id: text };
    const answer = await asking.ask({ operation: "update", path, data, token: "" }, server);
    if (answer.kind === "ok") {
      logins.loggedIn(secretId, start, answer.span);
      const { ttl, uses } = this.#isLoggedIn(path, role.roleId, role.endings, answer);
      logins.isAsSaid(role, start, ttl, uses);
      marks.mark("logged in with a secret id");
    } else if (answer.kind === "refused") {
      logins.isGone(secretId, 1);
      marks.mark(isOver ? "ended secret id refused" : "secret id refused");
    }
  }

  /** More logins at the same moment than a secret id has uses. */
  async #logInAtOnce(role: Role): Promise<void> {
    const secretId = await this.#makeSecretId(role, 1 + this.#parts.world.draw(3));
    if (secretId === undefined) return;
    this.#parts.marks.mark("logins at once");
    await Promise.all(Array.from({ length: secretId.uses + 2 }, () => this.#logIn(secretId)));
  }

  async #lookUp(secretId: SecretId): Promise<void> {
    const { logins, world: { time } } = this.#parts;
    const { role, text } = secretId, start = time.now, { used } = secretId;
    const path = `auth/approle/role/${role.name}/secret-id/lookup`;
    const answer = await this.#operate(path, { secret_id: text });
    if (answer.kind !== "ok") return;
    const left = answer.response.data?.secret_id_num_uses;
    if (left === undefined) return logins.isGone(secretId, 0);
    logins.isThere(secretId, start, Number(left), used);
  }

  async #destroy(secretId: SecretId): Promise<void> {
    const { logins, marks, world: { draw } } = this.#parts;
    const { text, accessor, role } = secretId;
    const ending = logins.ends(secretId);
    const below = `auth/approle/role/${role.name}`;
    const answer = draw(2) === 0
      ? await this.#operate(`${below}/secret-id/destroy`, { secret_id: text })
      : await this.#operate(`${below}/secret-id-accessor/destroy`, {
        secret_id_accessor: accessor,
      });
    if (answer.kind !== "ok") return;
    marks.mark("secret id destroyed");
    ending.done();
  }

  /** Notes the token of a login that went well. */
  #isLoggedIn(
    path: string,
    alias: string,
    login: SecretId["endings"],
    { response: { auth }, span }: { readonly response: LogicalResponse; readonly span: Span },
  ): { readonly ttl: number; readonly uses: number } {
    const { ledger, logins, marks } = this.#parts;
    if (auth === undefined) throw new Error("a login was answered without a token");
    const { clientToken: text, accessor, leaseDurationSeconds: ttl, numUses: uses } = auth;
    logins.isOf(alias, auth.entityId);
    if (auth.tokenType === "batch") {
      ledger.batchMade(text, undefined, ttl, span);
      marks.mark("logged in for a batch token");
    } else ledger.made({ text, accessor, parent: undefined, path, uses, login }, ttl, span);
    return { ttl, uses };
  }

  async #makeUser(): Promise<User | undefined> {
    const { logins, world: { draw } } = this.#parts;
    const name = `user-${++this.#made}`, password = `first-of-${name}`;
    const answer = await this.#operate(`auth/userpass/users/${name}`, {
      password,
      token_policies: ["worker"],
      token_ttl: `${2 + draw(TTL)}s`,
    });
    return answer.kind === "ok" ? logins.userMade(name, password) : undefined;
  }

  async #logInAs(user: User, server?: SimulatedServer): Promise<void> {
    const { logins, marks, world: { time } } = this.#parts;
    const password = this.#chance.pick(user.passwords);
    if (password === undefined) return;
    const start = time.now, path = `auth/userpass/login/${user.name}`;
    const answer = await this.#tryPassword(user, password.text, server);
    if (answer.kind === "ok") {
      logins.userLoggedIn(user, password, start);
      this.#isLoggedIn(path, user.name, user.endings, answer);
      marks.mark("logged in with a password");
    } else if (answer.kind === "refused") {
      logins.userRefused(user, password);
      if (user.lockedAt !== undefined) marks.mark("locked user refused");
    }
  }

  /** A wrong one may lock the name, at a time that is known only where it was answered. */
  async #tryPassword(user: User, password: string, server?: SimulatedServer): Promise<Answer> {
    const { asking } = this.#parts;
    user.openGuesses += 1;
    const path = `auth/userpass/login/${user.name}`;
    const answer = await asking.ask(
      { operation: "update", path, data: { password }, token: "" },
      server,
    );
    if (answer.kind === "unknown") return answer;
    user.openGuesses -= 1;
    if (answer.kind === "refused") {
      user.guessedAt = Math.min(user.guessedAt, answer.span.low);
    }
    return answer;
  }

  async #changePassword(user: User): Promise<void> {
    const { logins, marks } = this.#parts;
    if (user.isChanging) return;
    user.isChanging = true;
    const password = { text: `${++this.#made}-of-${user.name}`, endings: [] };
    const replaced = user.passwords.map((one) => logins.ends(one));
    const path = `auth/userpass/users/${user.name}/password`;
    // The one before is a wrong one from now on, and the new one until then.
    user.guesses += 1;
    const answer = await this.#operate(path, { password: password.text });
    user.isChanging = false;
    if (answer.kind === "unknown") user.passwords.push(password);
    if (answer.kind !== "ok") return;
    user.passwords.push(password);
    for (const ending of replaced) ending.done();
    marks.mark("password changed");
  }

  async #deleteUser(user: User): Promise<void> {
    const { logins, marks } = this.#parts;
    const ending = logins.ends(user);
    const answer = await this.#operate(`auth/userpass/users/${user.name}`, {}, "delete");
    if (answer.kind !== "ok") return;
    marks.mark("user deleted");
    ending.done();
  }

  async #guess(user: User): Promise<void> {
    user.guesses += 1;
    const { kind } = await this.#tryPassword(user, "wrong");
    if (kind === "ok") throw new BrokenPromise(`${user.name} logs in with a wrong password`);
  }

  /** Guesses lock a name, which then does not log in with the right password either. */
  async #lockOut(): Promise<void> {
    const { marks, userpass, world: { draw, time } } = this.#parts;
    const user = await this.#makeUser();
    if (user === undefined) return;
    for (let i = 0; i < THRESHOLD; i++) await this.#guess(user);
    const answer = await this.#operate("sys/locked-users", {}, "read");
    if (answer.kind !== "ok") return;
    if (!JSON.stringify(answer.response.data).includes(`"${user.name}"`)) return;
    user.lockedAt = time.now;
    marks.mark("user locked");
    await this.#logInAs(user);
    if (draw(2) === 0) return;
    user.mayBeUnlocked = true;
    await this.#operate(`sys/locked-users/${userpass()}/unlock/${user.name}`);
    await this.#logInAs(user);
  }

  async #revokeLogins(): Promise<void> {
    const { ledger, marks, logins } = this.#parts;
    const user = this.#chance.pick(logins.users.slice(-LATEST));
    const path = user === undefined || this.#parts.world.draw(2) === 0
      ? "auth/approle/login"
      : `auth/userpass/login/${user.name}`;
    const ending = ledger.endsBelow(`${path}/`);
    const answer = await this.#operate(`sys/leases/revoke-prefix/${path}`);
    if (answer.kind !== "ok") return;
    ending.done();
    marks.mark("logins revoked by prefix");
  }
}
