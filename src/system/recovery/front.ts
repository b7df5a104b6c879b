/**
 * A node in recovery mode: storage, seal and `sys/raw`, for surgery on what keeps it from starting.
 * No mounts, no leases, no other node. The key holders make one token, which opens the barrier.
 */
import { Failure, permissionDenied } from "../../base/failure.ts";
import { readField } from "../../backend/field.ts";
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
import { raw, rawFields } from "../raw.ts";
import { RecoveryToken } from "./token.ts";

const rawPath = /^sys\/raw(?:\/(.*))?$/s;

export class RecoveryFront {
  /** No page is to call a node in this state. */
  readonly cors = undefined;
  readonly #node: Node;
  readonly #token: RecoveryToken;
  readonly #transactions: Transactions;
  readonly #routes: ReadonlyMap<string, NodeRoute>;

  constructor(node: Node) {
    const { platform, physical, barrier } = node;
    const { crypto, clock, random } = platform;
    this.#node = node;
    this.#token = new RecoveryToken(platform);
    this.#transactions = new Transactions(barrier);
    const { seal } = node.ceremonies;
    const holders = new OpeningKey({ physical, barrier, seal, random });
    const generate = new GenerateRoot({ holders, strategy: this.#token, crypto, clock, random });
    const routes = [...statusRoutes(node), ...this.#tokenRoutes(generate)];
    this.#routes = new Map(routes.map((route) => [route.path, route]));
  }

  /** Answers any request. Throws `Failure`. */
  async handle(request: Request): Promise<LogicalResponse | undefined> {
    const route = this.#routes.get(request.path.replace(/\/$/, ""));
    if (route !== undefined) return await route.handle(request);
    const asked = rawPath.exec(request.path);
    if (asked === null) {
      throw new Failure(
        503,
        "the node is in recovery mode: only sys/raw and sys/generate-recovery-token answer",
      );
    }
    if (!this.#token.is(request.clientToken)) {
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
    const log = this.#node.platform.log.named("recovery");
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
          if (status.complete) log.warn("the recovery token was made; the barrier is open");
          return flat(generateRootBody(status));
        },
      }),
    ];
  }

  async #raw(request: Request, key: string): Promise<LogicalResponse | undefined> {
    const { operation, data } = request;
    const log = this.#node.platform.log.named("recovery");
    const encoding = readField("encoding", rawFields.encoding, data.encoding);
    if (operation === "list") {
      return await this.#transactions.run((view) => raw.list(view, key));
    }
    if (operation === "read") {
      const unpack = readField("compressed", rawFields.compressed, data.compressed);
      return await this.#transactions.run((view) => raw.read(view, key, encoding, unpack));
    }
    if (operation === "update") {
      const value = readField("value", rawFields.value, data.value);
      await this.#transactions.run((view) => raw.write(view, key, value, encoding));
      log.warn("an entry was written", { key });
      return undefined;
    }
    if (operation !== "delete") throw new Failure(405, "unsupported operation");
    await this.#transactions.run((view) => raw.delete(view, key));
    log.warn("an entry was deleted", { key });
    return undefined;
  }
}
