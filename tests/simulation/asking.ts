/** Requests of clients, at any node; one that can't answer passes them on, as nodes do. */
import { describeError, Failure } from "../../src/base/failure.ts";
import { NotAnswered } from "../../src/core/not_answered.ts";
import type { JsonObject } from "../../src/logical/json.ts";
import { rootNamespace } from "../../src/logical/namespace.ts";
import type { Operation, Request, WrapRequest } from "../../src/logical/request.ts";
import type { LogicalResponse } from "../../src/logical/response.ts";
import type { Surroundings } from "../../src/raft/simulation/world.ts";
import type { Span } from "./clocks.ts";
import { type Handled, mayHappen, type SimulatedServer } from "./server.ts";

/** Between attempts to find who answers. */
const AGAIN_MS = 60;
const ATTEMPTS = 8;

export interface Asked {
  readonly operation: Operation;
  readonly path: string;
  readonly data?: JsonObject;
  /** "" where the path needs none. */
  readonly token: string;
  /** How long the answer is to wait behind a token, which is not asked for where this is absent. */
  readonly wrapSeconds?: number;
  /** The form of that token; plain where absent. */
  readonly wrapFormat?: WrapRequest["format"];
}

export type Answer =
  /** Done. */
  | {
    readonly kind: "ok";
    readonly response: LogicalResponse;
    readonly span: Span;
    readonly server: SimulatedServer;
  }
  /** The request makes no sense, or its token is none. */
  | {
    readonly kind: "refused";
    readonly status: number;
    readonly message: string;
    readonly span: Span;
    readonly server: SimulatedServer;
  }
  /** Whether it was done is unknown. */
  | { readonly kind: "unknown"; readonly message: string }
  /** Nobody answered; nothing was done. */
  | { readonly kind: "undone" };

export class Asking {
  readonly #world: Surroundings;
  readonly #servers: ReadonlyMap<string, SimulatedServer>;
  readonly #told: (server: SimulatedServer) => void;
  #asked = 0;

  /** `told` is called with each server that is asked. */
  constructor(
    world: Surroundings,
    servers: ReadonlyMap<string, SimulatedServer>,
    told: (server: SimulatedServer) => void,
  ) {
    this.#world = world;
    this.#servers = servers;
    this.#told = told;
  }

  /** Any node; every other time one that believes to be active. */
  anyone(): SimulatedServer | undefined {
    const { draw } = this.#world;
    const all = [...this.#servers.values()].filter(({ process }) => process.isAlive);
    const active = all.filter(({ isActive }) => isActive);
    const from = active.length > 0 && draw(2) === 0 ? active : all;
    return from[draw(from.length)];
  }

  /** Asks one node, which may pass it on. Never resolves where the process ends meanwhile. */
  async ask(asked: Asked, first = this.anyone()): Promise<Answer> {
    const number = ++this.#asked;
    const { path, data, token } = asked;
    const { tell } = this.#world;
    tell(
      `#${number} by ${token.slice(-6)}: ${path} ${data === undefined ? "" : JSON.stringify(data)}`,
    );
    const answer = await this.#ask(asked, first);
    tell(`#${number}: ${describe(answer)}`);
    return answer;
  }

  async #ask(asked: Asked, first: SimulatedServer | undefined): Promise<Answer> {
    let server = first;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const answer = server === undefined ? undefined : await this.#askOne(server, asked);
      if (answer !== undefined) return answer;
      const leader = server?.storage.group.leader;
      const known = leader === undefined ? undefined : this.#servers.get(leader);
      await this.#pause();
      server = known?.process.isAlive === true && known !== server ? known : this.anyone();
    }
    return { kind: "undone" };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#world.time.after(AGAIN_MS, resolve);
    });
  }

  /** Undefined where it says that it did nothing. */
  #askOne(server: SimulatedServer, asked: Asked): Promise<Answer | undefined> {
    const { process } = server;
    return new Promise((resolve) => {
      const end = (answer: Answer | undefined) => {
        if (process.isAlive) resolve(answer);
      };
      // Who is not there is not reached; who ends later never answers.
      if (!process.isAlive) return resolve(undefined);
      process.run(() => {
        this.#told(server);
        const answer = ({ response, error, span }: Handled) =>
          response === undefined
            ? this.#refusal(error, span, server, asked)
            : { kind: "ok", response, span, server } as const;
        server.handle(this.#request(asked)).then((handled) => end(answer(handled)));
      });
    });
  }

  #refusal(
    error: unknown,
    span: Span,
    server: SimulatedServer,
    { path }: Asked,
  ): Answer | undefined {
    const message = describeError(error);
    if (error instanceof NotAnswered) {
      this.#world.tell(`${server.id} passes ${path} on: ${message}`);
      return undefined;
    }
    if (error instanceof Failure) {
      // Sealed, or between two roles: nothing was looked at.
      if (error.status === 503) return undefined;
      const { status } = error;
      if (status < 500) return { kind: "refused", status, message, span, server };
    }
    if (server.process.isAlive && !mayHappen(error)) {
      this.#world.fail(error instanceof Error ? error : new Error(message));
    }
    return { kind: "unknown", message };
  }

  #request(
    { operation, path, data = {}, token, wrapSeconds, wrapFormat: format = "" }: Asked,
  ): Request {
    const id = `00000000-0000-4000-8000-${String(this.#asked).padStart(12, "0")}`;
    return {
      id,
      operation,
      namespace: rootNamespace,
      path,
      data,
      headers: { get: () => null },
      clientToken: token,
      connection: { remoteAddress: "127.0.0.1", remotePort: 1234 },
      ...(wrapSeconds === undefined ? {} : { wrap: { ttlSeconds: wrapSeconds, format } }),
      method: operation === "read" ? "GET" : "POST",
    };
  }
}

function describe(answer: Answer): string {
  if (answer.kind === "undone") return "nobody answered";
  if (answer.kind === "unknown") return `unknown: ${answer.message}`;
  if (answer.kind === "refused") return `refused by ${answer.server.id}: ${answer.message}`;
  const { response: { auth, lease, data, wrapInfo }, server, span } = answer;
  const made = auth === undefined
    ? lease?.id ?? wrapInfo?.accessor ?? ""
    : `${auth.accessor} (${auth.clientToken.slice(-6)}) for ${auth.leaseDurationSeconds} s`;
  const end = data?.expire_time ?? "";
  return `done by ${server.id} at ${new Date(span.low).toISOString().slice(14)}: ${made}${end}`;
}
