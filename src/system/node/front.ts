/** Decides who answers: the node itself, or what is mounted on it. */
import { badRequest, Failure } from "../../base/failure.ts";
import type { Node } from "../../core/node.ts";
import type { CorsConfig } from "../../core/http_settings.ts";
import type { Request } from "../../logical/request.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { bringUpRoutes } from "./bring_up.ts";
import { ceremonyRoutes } from "./ceremonies.ts";
import { joinRoutes } from "./join.ts";
import { restoreFresh } from "../snapshots/restore.ts";
import type { NodeRoute } from "./route.ts";
import { statusRoutes } from "./status.ts";

const snapshotPaths = new Set(["sys/storage/raft/snapshot", "sys/storage/raft/snapshot-force"]);

export class Front {
  readonly #routes: ReadonlyMap<string, NodeRoute>;

  constructor(readonly node: Node) {
    const routes = [
      ...statusRoutes(node),
      ...bringUpRoutes(node),
      ...joinRoutes(node),
      ...ceremonyRoutes(node),
    ];
    this.#routes = new Map(routes.map((route) => [route.path, route]));
  }

  get cors(): CorsConfig | undefined {
    return this.node.httpSettings?.current.cors;
  }

  /** Answers any request. Throws `Failure`. */
  async handle(request: Request): Promise<LogicalResponse | undefined> {
    if (request.path.startsWith("sys/")) {
      const route = this.#routes.get(request.path.replace(/\/$/, ""));
      if (route !== undefined && request.operation !== "help") return await route.handle(request);
    }
    const isRestore = snapshotPaths.has(request.path) && request.operation === "update";
    if (isRestore && !await this.node.isInitialized()) {
      return await restoreFresh(this.node, request);
    }
    // Sealing what is sealed is no mistake.
    if (request.path === "sys/seal" && this.node.sealed && request.operation === "update") {
      return undefined;
    }
    if (request.path === "sys/seal" && this.node.standby && request.operation === "update") {
      throw badRequest("vault cannot seal when in standby mode; please restart instead");
    }
    if (request.method === "HEAD") throw new Failure(405, []);
    return await this.node.handle(request);
  }
}
