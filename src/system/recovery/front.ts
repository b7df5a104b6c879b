/**
 * A node in recovery mode: storage, seal and `sys/raw`, for surgery on what keeps it from starting.
 * No mounts, no leases, no other node. The key holders make one token, which opens the barrier.
 */
import { Failure, permissionDenied } from "../../base/failure.ts";
import { readField } from "../../backend/field.ts";
import type { Logger } from "../../base/log.ts";
import type { Node } from "../../core/node.ts";
import type { Request } from "../../logical/request.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { GenerateRoot } from "../../seal/generate_root.ts";
import { OpeningKey } from "../../seal/opening_key.ts";
import { Transactions } from "../../storage/transaction.ts";
import { checkedShare, shareFields } from "../node/ceremonies.ts";
import { generateRootBody } from "../node/ceremony_body.ts";
import { empty, flat, type NodeRoute, nodeRoute } from "../node/route.ts";
import { statusRoutes } from "../node/status.ts";
import { field } from "../../backend/field.ts";
import { rawFields, RawOperations } from "../raw/operations.ts";
import type { SessionAudit } from "./session_audit.ts";
import { RecoveryToken } from "./token.ts";

/** Of the entries, and of what `sys/raw` has beside them. */
const rawPath = /^sys\/raw(|\/.*|-undo|-check)$/s;

/** Told by everybody who asks, and not worth a line. */
const statusPaths: ReadonlySet<string> = new Set([
  "sys/health",
  "sys/seal-status",
  "sys/leader",
]);

export class RecoveryFront {
  /** No page is to call a node in this state. */
  readonly cors = undefined;
  readonly #node: Node;
  readonly #token: RecoveryToken;
  readonly #transactions: Transactions;
  readonly #routes: ReadonlyMap<string, NodeRoute>;

  readonly #operations: RawOperations;
  readonly #audit: SessionAudit;
  readonly #log: Logger;

  /** `audit` is this session's own. */
  constructor(node: Node, audit: SessionAudit) {
    const { platform, physical, barrier } = node;
    const { crypto, clock, random } = platform;
    this.#node = node;
    this.#audit = audit;
    this.#log = platform.log.named("recovery");
    this.#operations = new RawOperations(() => node);
    this.#token = new RecoveryToken(platform);
    this.#transactions = new Transactions(barrier);
    const { seal } = node.ceremonies;
    const holders = new OpeningKey({ physical, barrier, seal, random });
    const generate = new GenerateRoot({ holders, strategy: this.#token, crypto, clock, random });
    const more = { recovery_mode: true, recovery_audit_file: audit.path };
    const routes = [...statusRoutes(node, more), ...this.#tokenRoutes(generate)];
    this.#routes = new Map(routes.map((route) => [route.path, route]));
  }

  /** Answers any request. Throws `Failure`. */
  async handle(request: Request): Promise<LogicalResponse | undefined> {
    const path = request.path.replace(/\/$/, "");
    const route = this.#routes.get(path);
    if (route !== undefined && statusPaths.has(path)) return await route.handle(request);
    const isTrusted = this.#token.is(request.clientToken);
    const answer = async () => await this.#answer(request, route, isTrusted);
    return await this.#audit.around(request, answer, isTrusted);
  }

  async #answer(
    request: Request,
    route: NodeRoute | undefined,
    isTrusted: boolean,
  ): Promise<LogicalResponse | undefined> {
    if (route !== undefined) return await route.handle(request);
    const asked = rawPath.exec(request.path);
    if (asked === null) {
      throw new Failure(
        503,
        "the node is in recovery mode: only sys/raw and sys/generate-recovery-token answer",
      );
    }
    if (!isTrusted) {
      throw permissionDenied(
        this.#token.isMade
          ? undefined
          : "no recovery token has been made yet: operator generate-root -recovery-token",
      );
    }
    return await this.#raw(request, asked[1] ?? "");
  }

  #tokenRoutes(generate: GenerateRoot): NodeRoute[] {
    const ready = async () => {
      if (!await this.#node.barrier.isInitialized()) {
        throw new Failure(400, "the storage is not initialized: there is nothing to recover");
      }
    };
    return [
      nodeRoute("sys/generate-recovery-token/attempt", {
        otp: field.string("A one-time password of your own.", ""),
        pgp_key: field.string("A PGP key that the token is encrypted for.", ""),
      }, {
        GET: async () => {
          await ready();
          return flat(generateRootBody(await generate.status()));
        },
        POST: async ({ otp, pgp_key: pgpKey }) => {
          await ready();
          this.#token.checkNotMade();
          return flat(generateRootBody(await generate.init({ otp, pgpKey })));
        },
        DELETE: () => {
          generate.cancel();
          return empty();
        },
      }),
      nodeRoute("sys/generate-recovery-token/update", shareFields, {
        POST: async (input) => {
          const status = await generate.update(checkedShare(input));
          if (status.complete) await this.#audit.note("the recovery token was made");
          if (status.complete) this.#log.warn("the recovery token was made; the barrier is open");
          return flat(generateRootBody(status));
        },
      }),
    ];
  }

  async #raw(request: Request, path: string): Promise<LogicalResponse | undefined> {
    const { operation, data } = request;
    const force = readField("force", rawFields.force, data.force);
    if (path === "-check" && operation === "read") {
      return await this.#transactions.run((view) => this.#operations.check(view));
    }
    if (path === "-undo" && operation === "read") {
      return await this.#transactions.run((view) => this.#operations.changes(view));
    }
    if (path === "-undo" && operation === "update") {
      const answer = await this.#transactions.run((view) => this.#operations.undo(view, force));
      this.#log.warn("a change was taken back", { key: String(answer.data?.key) });
      return answer;
    }
    if (path === "-undo" && operation === "delete") {
      return await this.#transactions.run((view) => this.#operations.forget(view));
    }
    if (path !== "" && !path.startsWith("/")) throw new Failure(405, "unsupported operation");
    return await this.#entry(request, path.slice(1), force);
  }

  async #entry(
    { operation, data }: Request,
    key: string,
    force: boolean,
  ): Promise<LogicalResponse | undefined> {
    const encoding = readField("encoding", rawFields.encoding, data.encoding);
    if (operation === "list") {
      return await this.#transactions.run((view) => this.#operations.list(view, key));
    }
    if (operation === "read") {
      const compressed = readField("compressed", rawFields.compressed, data.compressed);
      const decoded = readField("decoded", rawFields.decoded, data.decoded);
      const options = { encoding, compressed, decoded };
      return await this.#transactions.run((view) => this.#operations.read(view, key, options));
    }
    if (operation === "update") {
      const value = readField("value", rawFields.value, data.value);
      const options = { value, encoding, force };
      await this.#transactions.run((view) => this.#operations.write(view, key, options));
      this.#log.warn("an entry was written", { key });
      return undefined;
    }
    if (operation !== "delete") throw new Failure(405, "unsupported operation");
    await this.#transactions.run((view) => this.#operations.delete(view, key));
    this.#log.warn("an entry was deleted", { key });
    return undefined;
  }
}
