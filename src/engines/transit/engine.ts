/** What the paths of one mount share. */
import type { Services } from "../../core/services.ts";
import type { KeyCache } from "./key_cache.ts";

export interface Engine {
  readonly services: () => Services;
  readonly keys: KeyCache;
}
