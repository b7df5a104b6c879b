/** What is set for a mount: whether encryption may make keys, and how many are kept in memory. */
import { type Bytes, storedText, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";

const keysKey = "config/keys";
const cacheKey = "config/cache";
const leastCacheSize = 10;

interface KeysConfig {
  readonly disableUpsert: boolean;
}

interface CacheConfig {
  readonly size: number;
}

/** How many keys of the mount are kept ready; 0 leaves it to us. */
export async function cacheSize(call: Pick<Call, "cached">): Promise<number> {
  return (await call.cached(cacheKey, decodeCache))?.size ?? 0;
}

/** Whether encryption under a name that nobody uses may not make a key. */
export async function isUpsertDisabled(call: Call): Promise<boolean> {
  return (await call.cached(keysKey, decodeKeys))?.disableUpsert ?? false;
}

function decodeCache(bytes: Bytes): CacheConfig {
  const config: CacheConfig = JSON.parse(storedText(bytes));
  return config;
}

function decodeKeys(bytes: Bytes): KeysConfig {
  const config: KeysConfig = JSON.parse(storedText(bytes));
  return config;
}

export function settingsPaths(): Path[] {
  return [
    path("config/keys", {
      summary: "What holds for all keys of the mount.",
      fields: {
        disable_upsert: field.bool(
          "Encryption under an unknown name is refused, and makes no key.",
        ),
      },
      operations: {
        read: {
          summary: "Reads it.",
          standby: true,
          handler: async (call) => ({ data: { disable_upsert: await isUpsertDisabled(call) } }),
        },
        update: {
          summary: "Sets it.",
          handler: async (call, input) => {
            const disableUpsert = input.disable_upsert ?? await isUpsertDisabled(call);
            const config: KeysConfig = { disableUpsert };
            call.storage.put(keysKey, utf8(JSON.stringify(config)));
            return { data: { disable_upsert: disableUpsert } };
          },
        },
      },
    }),
    path("cache-config", {
      summary: "How many keys are kept ready in memory.",
      fields: {
        size: field.int(`At least ${leastCacheSize}; 0 for as many as the node thinks fit.`, 0),
      },
      operations: {
        read: {
          summary: "Reads it.",
          standby: true,
          handler: async (call) => ({ data: { size: await cacheSize(call) } }),
        },
        update: {
          summary: "Sets it.",
          handler: (call, { size }) => {
            if (size !== 0 && size < leastCacheSize) {
              throw badRequest(`size must be 0 or at least ${leastCacheSize}`);
            }
            const config: CacheConfig = { size };
            call.storage.put(cacheKey, utf8(JSON.stringify(config)));
            return { data: { size } };
          },
        },
      },
    }),
  ];
}
