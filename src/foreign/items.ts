/** What is brought over: one thing that the other program kept, in this API's own words. */
import type { JsonObject } from "../logical/json.ts";

/**
 * - `mount`: an engine or auth method with its tuning and accessor; `path` is where requests reach it.
 * - `write`: what a request of the API can say whole; `path` is the request's.
 * - `policy`: an ACL policy; `path` is its name.
 * - `kv2_version`: the data of one version of a key that is too large to come whole; comes before it.
 * - `kv2`: a key of KV 2 with all its versions, but for data that came before.
 * - `transit_key`: a key of transit with all its versions.
 * - `secret_id`: a secret ID of an AppRole, by its hash.
 * - `entity`, `group`, `members`: of the identity, with their IDs; `path` is a name.
 */
export const itemKinds = [
  "mount",
  "write",
  "policy",
  "kv2_version",
  "kv2",
  "transit_key",
  "secret_id",
  "entity",
  "group",
  "members",
] as const;

export type ItemKind = typeof itemKinds[number];

/** Travels as JSON. The fields of `data` are declared where it is taken (system/import). */
export interface Item {
  readonly kind: ItemKind;
  readonly path: string;
  readonly data: JsonObject;
}
