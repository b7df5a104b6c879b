/** What the paths of this backend share: the store, checks of what comes in. */
import { badRequest } from "../../base/failure.ts";
import type { Services } from "../../core/services.ts";
import type { Metadata } from "../../identity/types.ts";

const mostKeys = 64;
const longestKey = 128;
const longestValue = 512;

/** Metadata as it is kept; null where there is none. Throws a 400 for more than is allowed. */
export function readMetadata(given: Record<string, string>): Metadata | null {
  const entries = Object.entries(given);
  if (entries.length === 0) return null;
  if (entries.length > mostKeys) throw badRequest(`metadata has more than ${mostKeys} keys`);
  for (const [key, value] of entries) {
    if (key === "" || key.length > longestKey) {
      throw badRequest(`a metadata key must have 1 to ${longestKey} characters`);
    }
    if (value.length > longestValue) {
      throw badRequest(`a metadata value has more than ${longestValue} characters`);
    }
  }
  return Object.fromEntries(entries);
}

/** Policies of an entity or group; root is only for tokens. */
export function readPolicies(given: readonly string[]): string[] {
  const names = [...new Set(given.map((name) => name.trim().toLowerCase()))]
    .filter((name) => name !== "");
  if (names.includes("root")) throw badRequest("policies cannot contain root");
  return names;
}

/** The accessor of an auth mount, or a 400. */
export function checkAccessor(services: Services, accessor: string | undefined): {
  readonly accessor: string;
  readonly local: boolean;
} {
  if (accessor === undefined || accessor === "") throw badRequest("missing mount_accessor");
  const mounted = services.mounts.byAccessor(accessor);
  if (mounted === undefined) throw badRequest(`invalid mount accessor "${accessor}"`);
  return { accessor, local: mounted.entry.local };
}
