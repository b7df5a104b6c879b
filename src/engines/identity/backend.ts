/** Identity: always mounted. Entities and groups come with it. */
import { defineBackend } from "../../backend/backend.ts";
import type { LogicalBackend } from "../../core/backend.ts";

export function identityBackend(): LogicalBackend {
  return defineBackend({
    type: "identity",
    help: "Who the callers are, across the auth methods they use.",
    paths: [],
  });
}
