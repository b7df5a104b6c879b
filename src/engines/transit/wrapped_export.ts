/** `byok-export/`: the secrets of an exportable key, wrapped for an RSA key that was imported here. */
import { toBase64 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { VerifyingKey } from "../../crypto/keys.ts";
import { wrapForJourney } from "../../crypto/wrapped_key.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { Engine } from "./engine.ts";
import { exportRange } from "./export_paths.ts";
import type { OpenKey } from "./key_cache.ts";
import { keyType } from "./key_types.ts";
import { readWrappingHash, wrappingHash } from "./wrapping.ts";

export function wrappedExportPaths(engine: Engine): Path[] {
  const summary = "A key on its way to another mount, wrapped for its wrapping key.";
  const params = { destination: "An RSA key of here", source: "The key that is to go there" };
  const fields = { hash: wrappingHash };
  return [
    path("byok-export/:destination/:source", {
      summary,
      params,
      fields,
      query: ["hash"],
      operations: {
        read: {
          summary: "All versions that decrypt.",
          standby: true,
          handler: (call, input) => exportWrapped(engine, call, input, undefined),
        },
      },
    }),
    path("byok-export/:destination/:source/+version", {
      summary,
      params: { ...params, version: "A number, or latest" },
      fields,
      query: ["hash"],
      operations: {
        read: {
          summary: "One version.",
          standby: true,
          handler: (call, input) => exportWrapped(engine, call, input, input.version),
        },
      },
    }),
  ];
}

interface Asked {
  readonly destination: string;
  readonly source: string;
  readonly hash: string;
}

async function exportWrapped(
  engine: Engine,
  call: Call,
  { destination, source, hash }: Asked,
  version: string | undefined,
) {
  const digest = readWrappingHash(hash);
  const { random } = engine.services().mounts.platform;
  return await engine.keys.with(call, destination, async (to) => {
    const wrapping = await wrappingKeyOf(call, to);
    return await engine.keys.with(call, source, async (from) => {
      const { policy } = from;
      if (!policy.exportable) throw badRequest("key is not exportable");
      const [first, last] = exportRange(policy, version);
      const keys: JsonObject = {};
      for (let number = first; number <= last; number++) {
        const { secret } = await from.material(call.storage, number);
        keys[number] = toBase64(await wrapForJourney(random, wrapping, secret, digest));
      }
      return { data: { name: policy.name, type: policy.type, keys } };
    });
  });
}

async function wrappingKeyOf(call: Call, key: OpenKey): Promise<VerifyingKey> {
  const type = keyType(key.policy.type);
  if (type.family === "pair" && type.encrypts) {
    return (await key.material(call.storage, key.policy.latestVersion)).verifying();
  }
  throw badRequest(`keys can't be wrapped for one of type ${type.name}`);
}
