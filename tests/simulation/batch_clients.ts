/** Clients that make batch tokens, which nobody renews or revokes: they end with their parent. */
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import { Chance } from "./chance.ts";
import type { Kind, KindParts } from "./kind.ts";
import type { Token } from "./ledger.ts";
import type { SimulatedServer } from "./server.ts";
import { useToken } from "./token_use.ts";

/** Seconds that something lives, at most. */
const TTL = 30;
const LATEST = 12;

const inVain = ["renew", "revoke", "revoke-orphan"] as const;

export class BatchClients implements Kind {
  readonly #parts: KindParts;
  readonly #chance: Chance;

  constructor(parts: KindParts) {
    this.#parts = parts;
    this.#chance = new Chance(parts.world);
  }

  readonly operations: Kind["operations"] = [
    () => this.#make(),
    () => this.#make(this.#chance.pick(this.#parents())),
    () => this.#make(this.#chance.pick(this.#parents())),
    () => this.#chance.on(this.#batch(), (token) => this.#endInVain(token)),
    () => this.#chance.on(this.#batch(), (token) => this.#endItselfInVain(token)),
    () => this.#chance.on(this.#batch(), (token) => this.#lookUp(token)),
    () => this.#chance.on(this.#parts.ledger.tokens.slice(-LATEST), (token) => this.#lookUp(token)),
  ];

  /** By who names them, as they are looked up by themselves anyway. */
  lookAt(server: SimulatedServer): Promise<unknown>[] {
    return this.#batch().map((token) => this.#lookUp(token, server));
  }

  #batch(): readonly Token[] {
    return this.#parts.ledger.tokens.filter(({ isBatch }) => isBatch).slice(-LATEST);
  }

  /** A token with a limit of uses makes no others. */
  #parents(): readonly Token[] {
    const { tokens } = this.#parts.ledger;
    return tokens.filter(({ isBatch, uses }) => !isBatch && uses === 0).slice(-LATEST);
  }

  async #make(parent?: Token): Promise<void> {
    const { asking, ledger, marks, root, world: { draw } } = this.#parts;
    const path = "auth/token/create", ttl = 2 + draw(TTL);
    const no_parent = parent === undefined;
    const data = { type: "batch", ttl: `${ttl}s`, policies: ["worker"], no_parent };
    const asked = { operation: "update", path, data } as const;
    const answer = parent === undefined
      ? await asking.ask({ ...asked, token: root() })
      : await useToken(this.#parts, parent, asked);
    if (answer?.kind !== "ok") return;
    const { auth } = answer.response;
    if (auth === undefined) throw new Error("a creation was answered without a token");
    marks.mark(parent === undefined ? "batch token made" : "batch token of a parent made");
    ledger.batchMade(auth.clientToken, parent, ttl, answer.span);
  }

  async #endInVain(token: Token): Promise<void> {
    const { asking, root } = this.#parts;
    const path = `auth/token/${this.#chance.pick(inVain) ?? ""}`, data = { token: token.text };
    const answer = await asking.ask({ operation: "update", path, data, token: root() });
    this.#isRefused(token, path, answer.kind);
  }

  async #endItselfInVain(token: Token): Promise<void> {
    const path = `auth/token/${this.#parts.world.draw(2) === 0 ? "renew" : "revoke"}-self`;
    const answer = await useToken(this.#parts, token, { operation: "update", path });
    if (answer !== undefined) this.#isRefused(token, path, answer.kind);
  }

  #isRefused({ accessor }: Token, path: string, kind: string): void {
    if (kind === "ok") throw new BrokenPromise(`${path} was done to the batch token ${accessor}`);
    if (kind === "refused") this.#parts.marks.mark("batch token left as it is");
  }

  async #lookUp(token: Token, server?: SimulatedServer): Promise<void> {
    const { asking, ledger, marks, root, world: { time } } = this.#parts;
    const start = time.now, isOver = ledger.mustHaveEnded(token, start);
    const path = "auth/token/lookup", data = { token: token.text };
    const answer = await asking.ask({ operation: "update", path, data, token: root() }, server);
    if (answer.kind === "ok") return ledger.lives(token, start, answer.span);
    if (answer.kind !== "refused") return;
    ledger.isGone(token, start);
    if (isOver && token.isBatch) marks.mark("batch token of an ended parent refused");
  }
}
