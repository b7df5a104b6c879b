/** Clients that have answers wrapped, and unwrap, rewrap, look up, revoke and misuse these. */
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from "../../src/base/bytes.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../src/logical/json.ts";
import type { LogicalResponse } from "../../src/logical/response.ts";
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import type { Answer } from "./asking.ts";
import { Chance } from "./chance.ts";
import type { Kind, KindParts, Work } from "./kind.ts";
import type { SimulatedServer } from "./server.ts";
import type { TokenInside, Wrapped } from "./wrapping_ledger.ts";

/** Seconds that something lives, at most. */
const TTL = 30;
const LATEST = 12;
/** Clients that unwrap the same at the same moment. */
const AT_ONCE = 4;

export class WrappingClients implements Kind {
  readonly #parts: KindParts;
  readonly #chance: Chance;
  #made = 0;

  constructor(parts: KindParts) {
    this.#parts = parts;
    this.#chance = new Chance(parts.world);
  }

  readonly operations: Kind["operations"] = [
    () => this.#wrap(),
    () => this.#wrap(),
    () => this.#wrapToken(),
    () => this.#on((wrapped) => this.#unwrap(wrapped)),
    () => this.#on((wrapped) => this.#unwrap(wrapped)),
    () => this.#on((wrapped) => this.#lookUp(wrapped)),
    () => this.#on((wrapped) => this.#lookUp(wrapped)),
    () => this.#on((wrapped) => this.#rewrap(wrapped)),
    () => this.#on((wrapped) => this.#chance.perhaps(3, () => this.#unwrapAtOnce(wrapped))),
    () => this.#on((wrapped) => this.#chance.perhaps(3, () => this.#revoke(wrapped))),
    () => this.#on((wrapped) => this.#chance.perhaps(3, () => this.#misuse(wrapped))),
    () => this.#on((wrapped) => this.#chance.perhaps(2, () => this.#forge(wrapped))),
  ];

  /** What was given is given to nobody else, wherever that is tried. */
  lookAt(server: SimulatedServer): Promise<unknown>[] {
    const { wrappings, world: { time } } = this.#parts;
    const ended = wrappings.all.filter((one) => wrappings.mustHaveEnded(one, time.now));
    return [
      ...ended.slice(-LATEST).map((wrapped) => this.#unwrap(wrapped, server)),
      ...wrappings.all.slice(-LATEST).map((wrapped) => this.#lookUp(wrapped, server)),
    ];
  }

  /** One of the forms that a wrapping token has. */
  #formOf({ text, jwt = text }: Wrapped): string {
    return this.#parts.world.draw(2) === 0 ? text : jwt;
  }

  #on(work: (wrapped: Wrapped) => Work): Work {
    return this.#chance.on(this.#parts.wrappings.all.slice(-LATEST), work);
  }

  #ask(path: string, data: JsonObject, token: string, server?: SimulatedServer): Promise<Answer> {
    return this.#parts.asking.ask({ operation: "update", path, data, token }, server);
  }

  async #wrap(): Promise<void> {
    const { asking, marks, root, world: { draw } } = this.#parts;
    const content = `content ${++this.#made}`, path = "sys/wrapping/wrap";
    const wrapSeconds = 1 + draw(TTL), token = root();
    const wrapFormat = draw(2) === 0 ? "jwt" : "";
    const asked = { operation: "update", path, data: { content }, token, wrapSeconds } as const;
    const answer = await asking.ask({ ...asked, wrapFormat });
    if (answer.kind !== "ok") return;
    marks.mark("answer wrapped");
    this.#isWrapped(answer, { path, content });
  }

  async #wrapToken(): Promise<void> {
    const { asking, marks, root, world: { draw } } = this.#parts;
    const ttl = 2 + draw(TTL), path = "auth/token/create";
    const data = { ttl: `${ttl}s`, policies: ["worker"], no_parent: true };
    const wrapSeconds = 1 + draw(TTL), token = root();
    const answer = await asking.ask({ operation: "update", path, data, token, wrapSeconds });
    if (answer.kind !== "ok") return;
    marks.mark("token wrapped");
    const content = answer.response.wrapInfo?.wrappedAccessor ?? "";
    this.#isWrapped(answer, { path, content, inside: { ttl, span: answer.span } });
  }

  #isWrapped(
    { response: { wrapInfo }, span }: Answer & { readonly kind: "ok" },
    about: Pick<Wrapped, "path" | "content" | "inside">,
  ): void {
    if (wrapInfo === undefined) throw new Error("an answer was not wrapped");
    const { token, accessor, ttlSeconds: ttl } = wrapInfo;
    const inside = insideJwt(token);
    const forms = inside === undefined ? { text: token } : { text: inside, jwt: token };
    if (inside !== undefined) this.#parts.marks.mark("answer wrapped behind a JWT");
    this.#parts.wrappings.made({ ...about, ...forms, accessor, ttl }, span);
  }

  async #unwrap(wrapped: Wrapped, server?: SimulatedServer): Promise<void> {
    const { wrappings, marks, root, world: { draw, time } } = this.#parts;
    const { text } = wrapped, start = time.now, form = this.#formOf(wrapped);
    const isOver = wrappings.mustHaveEnded(wrapped, start);
    const { done, ending } = wrappings.ends(wrapped);
    const path = "sys/wrapping/unwrap";
    const answer = draw(2) === 0
      ? await this.#ask(path, {}, text, server)
      : await this.#ask(path, { token: form }, root(), server);
    if (answer.kind === "refused") {
      marks.mark(isOver ? "unwrapped in vain for a second time" : "unwrapped in vain");
      return wrappings.isGone(wrapped, ending);
    }
    if (answer.kind !== "ok") return;
    const body = bodyOf(answer.response);
    wrappings.isGiven(wrapped, contentOf(body), start, answer.span);
    done();
    marks.mark(wrapped.jwt === undefined ? "unwrapped" : "JWT unwrapped");
    if (wrapped.inside !== undefined) this.#hasToken(wrapped.inside, body);
  }

  /** The token of an answer that was unwrapped: it lives since that was wrapped. */
  #hasToken({ ttl, span }: TokenInside, { auth }: JsonObject): void {
    if (!isJsonObject(auth)) throw new Error("a token was wrapped and is none");
    const text = String(auth.client_token), accessor = String(auth.accessor);
    const path = "auth/token/create";
    this.#parts.ledger.made({ text, accessor, parent: undefined, path, uses: 0 }, ttl, span);
  }

  async #unwrapAtOnce(wrapped: Wrapped): Promise<void> {
    this.#parts.marks.mark("unwrapped at once");
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#unwrap(wrapped)));
  }

  async #rewrap(wrapped: Wrapped): Promise<void> {
    const { wrappings, marks, root, world: { time } } = this.#parts;
    const { content } = wrapped, start = time.now, token = this.#formOf(wrapped);
    const { done, ending } = wrappings.ends(wrapped);
    const answer = await this.#ask("sys/wrapping/rewrap", { token }, root());
    if (answer.kind === "refused") return wrappings.isGone(wrapped, ending);
    if (answer.kind !== "ok") return;
    wrappings.isGiven(wrapped, content, start, answer.span);
    done();
    marks.mark("rewrapped");
    const { path, inside } = wrapped;
    this.#isWrapped(answer, { path, content, ...(inside === undefined ? {} : { inside }) });
  }

  async #lookUp(wrapped: Wrapped, server?: SimulatedServer): Promise<void> {
    const { wrappings, marks, world: { time } } = this.#parts;
    const { path, ttl } = wrapped, start = time.now, token = this.#formOf(wrapped);
    const answer = await this.#ask("sys/wrapping/lookup", { token }, "", server);
    if (answer.kind === "refused") return wrappings.isGone(wrapped);
    if (answer.kind !== "ok") return;
    wrappings.isThere(wrapped, start, answer.span);
    const { creation_path, creation_ttl } = answer.response.data ?? {};
    if (creation_path !== path || creation_ttl !== ttl) {
      throw new Error(`the wrapped answer of ${path} is looked up as that of ${creation_path}`);
    }
    marks.mark("wrapping token looked up");
  }

  async #revoke(wrapped: Wrapped): Promise<void> {
    const { wrappings, marks, root } = this.#parts;
    const { done } = wrappings.ends(wrapped);
    const { accessor } = wrapped;
    const { kind } = await this.#ask("auth/token/revoke-accessor", { accessor }, root());
    if (kind !== "ok") return;
    marks.mark("wrapping token revoked");
    done();
  }

  /** A JWT whose claims were said by somebody else opens nothing, and takes nothing away. */
  async #forge({ jwt, text, ttl }: Wrapped): Promise<void> {
    const { marks, root } = this.#parts;
    const [header, , signature] = jwt?.split(".") ?? [];
    if (header === undefined || signature === undefined) return;
    const claims = { jti: text, exp: Number.MAX_SAFE_INTEGER, ttl, type: "wrapping" };
    const token = `${header}.${toBase64Url(utf8(JSON.stringify(claims)))}.${signature}`;
    const { kind } = await this.#ask("sys/wrapping/unwrap", { token }, root());
    if (kind === "ok") throw new BrokenPromise("a forged JWT opens what is wrapped");
    if (kind === "refused") marks.mark("forged JWT refused");
  }

  /** It may be used once, and only to unwrap: any other use ends it. */
  async #misuse(wrapped: Wrapped): Promise<void> {
    const { wrappings, marks } = this.#parts;
    const { done, ending } = wrappings.ends(wrapped);
    const answer = await this.#ask("auth/token/create", {}, wrapped.text);
    if (answer.kind === "ok") throw new Error("a wrapping token makes tokens");
    if (answer.kind !== "refused") return;
    // By that node's clock its time was over: nothing was done.
    if (answer.message.includes("invalid token")) return wrappings.isGone(wrapped, ending);
    marks.mark("wrapping token misused");
    done();
  }
}

/** The token in a JWT; undefined for a text of another kind. */
function insideJwt(text: string): string | undefined {
  const [, claims, , more] = text.split(".");
  const bytes = fromBase64Url(claims ?? "");
  if (text.split(".").length !== 3 || bytes === undefined || more !== undefined) return undefined;
  const { jti } = JSON.parse(fromUtf8(bytes));
  return String(jti);
}

/** The answer that was wrapped. */
function bodyOf({ raw }: LogicalResponse): JsonObject {
  const text = raw?.body;
  const body = typeof text === "string" ? parseJson(text) : undefined;
  if (!isJsonObject(body)) throw new Error("what was unwrapped is no answer");
  return body;
}

function contentOf({ auth, data }: JsonObject): string {
  if (isJsonObject(auth)) return String(auth.accessor);
  return isJsonObject(data) ? String(data.content) : "nothing";
}
